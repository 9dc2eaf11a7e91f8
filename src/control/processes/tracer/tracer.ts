/** The tracer process as the supervisor sees it: what it had read and not yet sent is lost with it, and counted. */
import type { FromTracer, ToTracer, TracedNames, TracerStart } from "../../../protocol/tracer.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { TRACER_GAUGES, TracerCounter } from "../../../shared/memory/layout/tracing.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import { RingReader } from "../ring-reader.ts";

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

export class Tracer extends RingReader<ToTracer, TracedNames, FromTracer> {
  constructor({ memory, startMessage, tickMs = 1_000, hungAfterMs = 5_000, ...host }: TracerOptions) {
    const { counters } = memory.tracer;
    super({
      ...host,
      tickMs,
      hungAfterMs,
      kind: "tracer",
      startMessage: (names) => ({ ...startMessage(), names }),
      heartbeat: () => counters[TracerCounter.HEARTBEAT],
      isFailing: () => counters[TracerCounter.EXPORT_FAILING] === 1,
      reclaim: () => {
        counters[TracerCounter.SPANS_LOST_EXPORT] += counters[TracerCounter.SPANS_WAITING];
        for (const gauge of TRACER_GAUGES) counters[gauge] = 0;
      },
      onReady: () => {},
    });
  }
}
