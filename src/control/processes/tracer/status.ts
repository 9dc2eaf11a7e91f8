/** What the supervisor can say of traces without asking the tracer: the `tracing` of `GET /api/v1/status`. */
import { shownEndpoint, type TracerSettings, type TraceSampling } from "../../../protocol/tracer.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { TracerCounter } from "../../../shared/memory/layout/tracing.ts";
import { describeProcess } from "../sole-process.ts";
import type { Tracer } from "./tracer.ts";

/** Where it is read. */
export interface TracingView {
  readonly memory: Pick<SharedMemory, "tracer">;
  readonly tracer: Pick<Tracer, "status" | "up">;
  /** `null` while nothing is exported. */
  readonly settings: Pick<TracerSettings, "endpoint" | "protocol"> | null;
  readonly sampling: TraceSampling | null;
}

/** `null` while nothing is exported. */
export function describeTracing({ memory, tracer, settings, sampling }: TracingView) {
  const { status, up } = tracer;
  if (status === null || settings === null) return null;
  const { counters } = memory.tracer;
  const C = TracerCounter;
  return {
    up,
    endpoint: shownEndpoint(settings),
    protocol: settings.protocol,
    sampled: sampling && { share: sampling.ratio, parent_based: sampling.parentBased },
    collector: collectorState(status.state === "ready", counters[C.EXPORT_FAILING] === 1),
    tracer: describeProcess(status, counters[C.RSS_BYTES]),
    spans_exported: counters[C.SPANS_EXPORTED],
    spans_rejected: counters[C.SPANS_REJECTED],
    spans_dropped: counters[C.SPANS_LOST_RING] + counters[C.SPANS_LOST_QUEUE] + counters[C.SPANS_LOST_EXPORT],
    spans_waiting: counters[C.SPANS_WAITING],
    bytes_waiting: counters[C.BYTES_WAITING],
  };
}

function collectorState(isKnown: boolean, failing: boolean): "unknown" | "failing" | "ok" {
  return !isKnown ? "unknown" : failing ? "failing" : "ok";
}
