/**
 * Learns which classes of requests one pool has and what they cost, and publishes it: whatever the pool's strategy is. Writer of
 * the pool's table of classes and of its servers' costs: the learner, alone. Readers: workers (proxy/classes/,
 * balancing/request-work.ts), the supervisor.
 */
import type { LearnerPool } from "../../protocol/learner.ts";
import { CLASSES } from "../../shared/memory/layout/classes.ts";
import { MAX_SERVERS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { reclaimClasses } from "../../shared/memory/reclaim-pool.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { PoolMember } from "../member.ts";
import { PerServerThinning } from "../serving/per-server-thinning.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";
import type { NamedTemplate } from "./registry.ts";
import { RequestClasses } from "./request-classes.ts";
import { ClassWriter } from "./writer.ts";

/** From one publication to the next, milliseconds: what a route costs hardly changes. */
const PUBLISH_MS = 250;
/** So long after the last outcome nothing is thought to happen soon, milliseconds. */
const ASLEEP_AFTER_MS = 2_000;

/** What it works on. */
export interface PoolClassesOptions {
  readonly pool: LearnerPool;
  readonly memory: Pick<SharedMemory, "servers" | "classes">;
  readonly log: Logger;
  /** The pool's part of what the process may do, 0 … 1. */
  readonly part: () => number;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
}

export class PoolClasses implements PoolMember {
  readonly #options: PoolClassesOptions;
  readonly #classes = new RequestClasses(MAX_SERVERS);
  readonly #thinning: PerServerThinning;
  readonly #writer: ClassWriter;
  /** By slot: of which server the outcomes were that are known. */
  readonly #knownId = new Int32Array(MAX_SERVERS);
  #heardMs = Number.NEGATIVE_INFINITY;
  #publishedMs = Number.NEGATIVE_INFINITY;
  #hasTold = false;
  #closed = false;

  constructor(options: PoolClassesOptions) {
    this.#options = options;
    this.#thinning = new PerServerThinning(MAX_SERVERS, options.part);
    this.#writer = new ClassWriter(options.memory.classes, options.pool.row);
  }

  readonly tableBytes = 0;

  get isAsleep(): boolean {
    return this.#options.nowMs() - this.#heardMs > ASLEEP_AFTER_MS;
  }

  replay(outcome: RecordedOutcome): void {
    this.#takeIn(outcome);
  }

  beginRound(): void {
    this.#thinning.begin(this.#options.nowMs());
  }

  observe(outcome: RecordedOutcome): void {
    if (this.#thinning.takes(outcome.slot, outcome.atMs)) this.#takeIn(outcome);
  }

  /** A worker told of a template of the pool. */
  name(template: NamedTemplate): void {
    this.#classes.name(template);
  }

  /** What a mean request would have taken in the place of this one: what a server's size shows in. */
  typicalMs({ slot, latencyMs, failed, inFlight, work }: RecordedOutcome): number {
    if (work === undefined || failed) return latencyMs;
    return this.#classes.typicalMs(slot, latencyMs, inFlight, work.own, work.others);
  }

  async tick(slots: Int32Array | undefined): Promise<void> {
    const nowMs = this.#options.nowMs();
    if (this.#closed || slots === undefined || nowMs - this.#publishedMs < PUBLISH_MS) return;
    const isFirst = this.#publishedMs === Number.NEGATIVE_INFINITY;
    this.#publishedMs = nowMs;
    for (const slot of slots) this.#claim(slot);
    const changed = this.#classes.tick(slots, nowMs);
    this.#writer.publishCosts(this.#classes, slots, this.#knownId);
    if (changed || isFirst) this.#writer.publishClasses(this.#classes);
    this.#writer.publishFigures(this.#classes);
    if (changed) this.#tell();
  }

  async learn(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  async leave(): Promise<void> {
    const { memory, pool } = this.#options;
    reclaimClasses(memory, pool.row);
    await this.close();
  }

  #takeIn({ slot, serverId, latencyMs, failed, inFlight, atMs, work }: RecordedOutcome): void {
    if (work === undefined || this.#options.memory.servers.id[slot] !== serverId) return; // it has left
    this.#claim(slot);
    this.#heardMs = atMs;
    const { template, parentTemplate, own, others } = work;
    const attempt = { slot, latencyMs, failed, inFlight, atMs };
    this.#classes.observe({ ...attempt, template, parentTemplate, ownWork: own, othersWork: others });
  }

  /** What is known of a slot's former server says nothing of the present one. */
  #claim(slot: number): void {
    const id = this.#options.memory.servers.id[slot];
    if (this.#knownId[slot] === id) return;
    this.#classes.clearSlot(slot);
    this.#knownId[slot] = id;
  }

  /** Once: which classes there are changes with the traffic, and is shown. */
  #tell(): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    let classes = 0;
    for (let number = 1; number < CLASSES; number++) if (this.#classes.at(number) !== undefined) classes++;
    this.#options.log.info({ classes }, "classes of requests are told apart: load counts as expected work");
  }
}
