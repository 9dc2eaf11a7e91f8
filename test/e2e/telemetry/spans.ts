/** Spans as a query of TraceQL sees them. */
import type { Collector } from "../../support/tracing/collectors.ts";
import type { DecodedExport, DecodedSpan } from "../../support/tracing/decode.ts";

/** A span with what is said of the process that it comes from. */
export interface ReceivedSpan extends DecodedSpan {
  readonly resource: DecodedExport["resource"];
}

/** Settings of an instance that exports every trace to `collector`, soon. */
export function exportingTo(collector: Collector): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
    OTEL_TRACES_SAMPLER: "parentbased_always_on",
    OTEL_BSP_SCHEDULE_DELAY: "100",
  };
}

/** All that came so far. */
export function spansAt(collector: Collector): ReceivedSpan[] {
  return collector.received.flatMap(({ decoded: { resource, spans } }) => spans.map((span) => ({ ...span, resource })));
}

/** From its beginning to its end. */
export function secondsOf({ startNs, endNs }: DecodedSpan): number {
  return Number(endNs - startNs) / 1e9;
}

/** `server`, `client`, as TraceQL calls them. */
export function kindOf({ kind }: DecodedSpan): string {
  return ["unspecified", "internal", "server", "client"][kind] ?? "other";
}

/** `error`, `ok`, `unset`. */
export function statusOf({ status }: DecodedSpan): string {
  return ["unset", "ok", "error"][status] ?? "other";
}

/** What a name of TraceQL stands for: `span.…`, `resource.…`, or what every span has. */
export function valueOfSpan(span: ReceivedSpan, name: string): unknown {
  if (name.startsWith("span.")) return span.attributes[name.slice("span.".length)];
  if (name.startsWith("resource.")) return span.resource[name.slice("resource.".length)];
  const all: Readonly<Record<string, unknown>> = {
    kind: kindOf(span),
    status: statusOf(span),
    duration: secondsOf(span),
    name: span.name,
  };
  return all[name];
}
