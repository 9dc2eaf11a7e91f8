/**
 * The tracer process as the supervisor sees it: runs while traces are exported, is started again when it dies or hangs, and is
 * told what numbers in records mean. Requests never wait for it: workers write into rings, from which a successor goes on where
 * it ended. What it had read and not yet sent is lost with it, and counted.
 */
import type { FromTracer, ToTracer, TracedNames, TracerStart } from "../../../protocol/tracer.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { TRACER_GAUGES, TracerCounter } from "../../../shared/memory/layout/tracing.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import type { RestartReason } from "../keeper.ts";
import { SoleProcess, type SoleProcessStatus } from "../sole-process.ts";

/** A tracer that is still starting after this is missed: before, nothing is lost, because the rings hold what it will read. */
const STARTED_WITHIN_MS = 10_000;
/** Checks without a sign of life after which it is taken for away. */
const SILENT_TICKS = 3;

/** What the tracer's keeper is made from. */
export interface TracerOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly memory: Pick<SharedMemory, "tracer">;
  readonly log: Logger;
  /** Who is told of its deaths. */
  readonly events: Events;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  readonly startMessage: () => Omit<TracerStart, "names">;
  /** What numbers in records mean now. */
  readonly names: () => TracedNames;
  /** How often a sign of life is looked for. Default 1000. */
  readonly tickMs?: number;
  /** A tracer without a sign of life for this long is killed. Default 5000. */
  readonly hungAfterMs?: number;
}

export class Tracer {
  readonly #options: TracerOptions;
  readonly #process: SoleProcess<ToTracer, FromTracer>;

  constructor(options: TracerOptions) {
    this.#options = options;
    const { command, memory, log, events, clock, startMessage, names } = options;
    const { tickMs = 1_000, hungAfterMs = 5_000 } = options;
    const { counters } = memory.tracer;
    this.#process = new SoleProcess<ToTracer, FromTracer>({
      command,
      log,
      events,
      clock,
      tickMs,
      hungAfterMs,
      kind: "tracer",
      name: "the tracer",
      startMessage: () => ({ ...startMessage(), names: names() }),
      heartbeat: () => counters[TracerCounter.HEARTBEAT],
      reclaim: () => {
        counters[TracerCounter.SPANS_LOST_EXPORT] += counters[TracerCounter.SPANS_WAITING];
        for (const gauge of TRACER_GAUGES) counters[gauge] = 0;
      },
      onReady: (keeper) => log.info({ tracer_pid: keeper.pid }, "tracer ready"),
    });
  }

  /** It is meant to run. */
  get running(): boolean {
    return this.#process.keeper !== null;
  }

  get restarts(): Readonly<Record<RestartReason, number>> {
    return this.#process.restarts;
  }

  /** `null` while it is not meant to run. */
  get status(): SoleProcessStatus | null {
    return this.#process.status;
  }

  /** It reads what workers write, and the collector takes what it sends. */
  get up(): boolean {
    const { keeper } = this.#process;
    if (keeper === null || keeper.state !== "ready" || keeper.silentTicks >= SILENT_TICKS) return false;
    return this.#options.memory.tracer.counters[TracerCounter.EXPORT_FAILING] === 0;
  }

  /** It is meant to run, and spans do not arrive as they should. */
  get degraded(): boolean {
    const { status } = this.#process;
    if (status === null || this.up) return false;
    const { state, restarts, uptimeMs } = status;
    return state !== "starting" || restarts > 0 || uptimeMs > STARTED_WITHIN_MS;
  }

  start(): void {
    this.#process.start();
  }

  /** Lets it send what is left, and resolves when it is gone; after `timeoutMs` it is killed. Wait for it before it is started again. */
  async stop(timeoutMs: number): Promise<void> {
    await this.#process.stop(timeoutMs);
  }

  /** Ends it at once and for good. */
  kill(): void {
    this.#process.kill();
  }

  /** Tells it how to write its log; a tracer that starts later has it from its start message. */
  setLog(level: string, format: "json" | "text"): void {
    this.#process.keeper?.send({ type: "log", level, format });
  }

  /** Servers, pools or routes came or went; a tracer that starts later has them from its start message. */
  setNames(): void {
    this.#process.keeper?.send({ type: "names", names: this.#options.names() });
  }
}
