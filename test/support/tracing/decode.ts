/** Reads what a collector is sent with OpenTelemetry's own definitions. */
import root from "otlp-root/build/src/generated/root";

/** A span as it arrived, its attributes by name. */
export interface DecodedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** 0 = unset, 2 = error. */
  readonly status: number;
  readonly flags: number;
}

/** What one request has. */
export interface DecodedExport {
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly spans: readonly DecodedSpan[];
}

interface Attribute {
  readonly key: string;
  readonly value: { stringValue?: string; boolValue?: boolean; intValue?: unknown; doubleValue?: number };
}

// biome-ignore lint/suspicious/noExplicitAny: the generated module has no types.
const { ExportTraceServiceRequest, ExportTraceServiceResponse } = (root as any).opentelemetry.proto.collector.trace.v1;

/** @param bytes an `ExportTraceServiceRequest`. */
export function decodeExport(bytes: Uint8Array): DecodedExport {
  const { resourceSpans } = ExportTraceServiceRequest.decode(bytes);
  if (resourceSpans.length !== 1 || resourceSpans[0].scopeSpans.length !== 1)
    throw new Error("not one resource, one scope");
  const [{ resource, scopeSpans }] = resourceSpans;
  const [{ scope, spans }] = scopeSpans;
  return {
    resource: attributesOf(resource.attributes),
    scope: { name: scope.name, version: scope.version },
    // biome-ignore lint/suspicious/noExplicitAny: see above.
    spans: spans.map((span: any) => ({
      traceId: Buffer.from(span.traceId).toString("hex"),
      spanId: Buffer.from(span.spanId).toString("hex"),
      parentSpanId: Buffer.from(span.parentSpanId ?? []).toString("hex"),
      traceState: span.traceState,
      name: span.name,
      kind: span.kind,
      startNs: BigInt(span.startTimeUnixNano.toString()),
      endNs: BigInt(span.endTimeUnixNano.toString()),
      attributes: attributesOf(span.attributes),
      status: span.status?.code ?? 0,
      flags: span.flags,
    })),
  };
}

/** The bytes of an `ExportTraceServiceResponse`. */
export function encodeResponse(rejectedSpans: number, errorMessage: string): Buffer {
  return Buffer.from(ExportTraceServiceResponse.encode({ partialSuccess: { rejectedSpans, errorMessage } }).finish());
}

function attributesOf(attributes: readonly Attribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      if (value.stringValue != null) return [key, value.stringValue];
      if (value.boolValue != null) return [key, value.boolValue];
      return [key, value.doubleValue ?? Number(String(value.intValue))];
    }),
  );
}
