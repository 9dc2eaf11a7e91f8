/** Explanations in the supervisor: memory for them, names, and answers. Lives as long as the instance. */
import type { Config } from "../../config/config.ts";
import type { RecordedNames } from "../../protocol/recorded-names.ts";
import type { LearnedExplanation } from "../../shared/explanation/learned.ts";
import type { PublishedClass } from "../../shared/memory/class-table.ts";
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { limitInForce, sourcesInForce } from "../../shared/memory/learned-limits.ts";
import type { MemoryPages } from "../../shared/memory/pages.ts";
import { workerPlan } from "../allowance/worker-plan.ts";
import type { ControlClock } from "../clock.ts";
import type { ControlLog } from "../log.ts";
import { ExplainKeeper } from "./keeper.ts";
import { ExplainNames } from "./names.ts";
import { Pieces } from "./pieces.ts";
import type { Meanings } from "./record.ts";
import { ExplainResponses } from "./responses.ts";

/** What it needs. */
export interface ExplainPartOptions {
  readonly memory: SharedMemory;
  readonly pages: Pick<MemoryPages, "reserveExplainChunk" | "freeBytes">;
  readonly bootOffsetMs: () => number;
  readonly clock: ControlClock;
  readonly log: ControlLog;
  readonly config: () => Pick<Config, "explain" | "app">;
  readonly names: () => RecordedNames;
  /** Classes of requests to a pool that are told apart now. */
  readonly classes: (pool: string) => readonly PublishedClass[];
  readonly learned: (requestId: string, pool: string | null) => Promise<LearnedExplanation>;
}

/** One instance's. */
export class ExplainPart {
  readonly #options: ExplainPartOptions;
  readonly #keeper: ExplainKeeper;
  readonly #names = new ExplainNames();
  readonly responses: ExplainResponses;
  #limitBytes = 0;
  #tableVersion = -1;
  #told: Config["explain"] | null = null;

  constructor(options: ExplainPartOptions) {
    const { memory, pages, log, clock, config, learned } = options;
    this.#options = options;
    this.#keeper = new ExplainKeeper({ memory: memory.explain, pages, log });
    this.responses = new ExplainResponses({
      memory: memory.explain,
      workers: () => memory.header[Header.WORKER_BLOCKS],
      enabled: () => config().explain.enabled,
      meanings: () => this.#meanings(),
      bootMs: () => this.#bootMs(),
      bytes: () => ({ taken: this.#keeper.bytes, limit: this.#limitBytes }),
      learned,
      pieces: new Pieces(() => clock.nowMs()),
    });
    // Workers that begin find something to write to.
    this.#look();
  }

  tick(): void {
    this.#look();
    const { memory, config } = this.#options;
    const version = memory.header[Header.TABLE_VERSION];
    const { explain } = config();
    // Names change with the servers, and with the configuration.
    if (version === this.#tableVersion && explain === this.#told) return;
    this.#tableVersion = version;
    this.#told = explain;
    this.#rename();
  }

  #look(): void {
    const { memory, config } = this.#options;
    const settings = config();
    if (!settings.explain.enabled) return;
    const { workers, explainMemory } = workerPlan(settings);
    // What was given is not taken back.
    this.#limitBytes = Math.max(this.#keeper.bytes, explainMemory);
    this.#keeper.look(Math.max(workers, memory.header[Header.WORKER_BLOCKS]), this.#limitBytes, this.#bootMs());
  }

  #rename(): void {
    this.#names.update(this.#options.names(), this.#bootMs());
  }

  /** With the names of the moment. */
  #meanings(): Meanings {
    const { clock, classes } = this.#options;
    this.#rename();
    const limitOf = (id: number) => this.#limitOf(id);
    return { names: this.#names, classes, limitOf, wallOffsetMs: clock.wallMs() - this.#bootMs() };
  }

  #limitOf(id: number): ReturnType<Meanings["limitOf"]> {
    const { servers, learned } = this.#options.memory;
    const slot = servers.id.indexOf(id);
    const table = learned[servers.pool[slot]];
    if (slot < 0 || table === undefined) return null;
    const limit = limitInForce(table, slot, id, this.#bootMs());
    return limit === null ? null : { limit, sources: sourcesInForce(table, slot, id, this.#bootMs()) };
  }

  #bootMs(): number {
    const { clock, bootOffsetMs } = this.#options;
    return clock.nowMs() + bootOffsetMs();
  }
}
