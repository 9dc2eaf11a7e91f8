/** Takes traces as a collector does (OTLP over HTTP, protobuf), and keeps them decoded for tests to look at. */
import root from "otlp-root/build/src/generated/root.js";

/** Its own declarations do not say what is in it. */
const { ExportTraceServiceRequest } = (root as unknown as Generated).opentelemetry.proto.collector.trace.v1;

interface Generated {
  readonly opentelemetry: { readonly proto: { readonly collector: { readonly trace: { readonly v1: Messages } } } };
}
interface Messages {
  readonly ExportTraceServiceRequest: {
    decode(body: Uint8Array): object;
    toObject(message: object, options: object): unknown;
  };
}

/** What an attribute may be, in our spans. */
export type Attribute = string | number | boolean | readonly string[];

/** A span as it came. Ids are in hex, "" = none. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client";
  readonly status: "unset" | "ok" | "error";
  readonly durationSeconds: number;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Of the resource. */
  readonly resource: Readonly<Record<string, Attribute>>;
}

const KINDS = { 1: "internal", 2: "server", 3: "client" } as const;
const STATUSES = { 0: "unset", 1: "ok", 2: "error" } as const;

/** One receiver on a free port. */
export class TraceReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      if (new URL(request.url).pathname !== "/v1/traces") return new Response("", { status: 404 });
      const body = new Uint8Array(await request.arrayBuffer());
      const isZipped = request.headers.get("content-encoding") === "gzip";
      this.spans.push(...spansOf(isZipped ? Bun.gunzipSync(body) : body));
      return new Response(new Uint8Array(), { headers: { "content-type": "application/x-protobuf" } });
    },
  });

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  stop(): void {
    void this.#server.stop(true);
  }
}

interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
    readonly arrayValue?: { readonly values: readonly { readonly stringValue?: string }[] };
  };
}

interface Decoded {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: Uint8Array;
        readonly spanId: Uint8Array;
        readonly parentSpanId?: Uint8Array;
        readonly name: string;
        readonly kind: keyof typeof KINDS;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly attributes: readonly KeyValue[];
        readonly status?: { readonly code?: keyof typeof STATUSES };
      }[];
    }[];
  }[];
}

function spansOf(body: Uint8Array): ReceivedSpan[] {
  const { resourceSpans } = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(body), {
    longs: String,
    arrays: true,
  }) as Decoded;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId ?? new Uint8Array()),
        name: span.name,
        kind: KINDS[span.kind],
        status: STATUSES[span.status?.code ?? 0],
        durationSeconds: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e9,
        attributes: valuesOf(span.attributes),
        resource: valuesOf(resource?.attributes ?? []),
      })),
    ),
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, Attribute> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue, arrayValue } }) => [
      key,
      stringValue ??
        (intValue === undefined ? undefined : Number(intValue)) ??
        doubleValue ??
        boolValue ??
        arrayValue?.values.map((value) => value.stringValue ?? "") ??
        "",
    ]),
  );
}
