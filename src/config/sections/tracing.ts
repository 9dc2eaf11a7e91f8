/** Settings of traces: the standard variables of OpenTelemetry. Those of the exporter exist for all signals and for traces. */
import { optional, setting } from "../setting.ts";
import { otlpEndpoint, otlpHeaders, propagators, resourceAttributes } from "../values/otlp.ts";
import { decimal, integer, milliseconds, oneOf, path, text, toggle } from "../values/value-types.ts";

/** What `OTEL_EXPORTER_OTLP_PROTOCOL` may be. */
const OTLP_PROTOCOLS = ["http/protobuf", "grpc"] as const;

/** The samplers of the standard that need nobody to ask. */
const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

/** What is traced. */
export const tracing = {
  title: "Traces",
  doc: "Requests are traced when there is somewhere to send spans to: with `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or with `OTEL_ENABLED=true` (docs/tracing.md).",
  settings: {
    enabled: optional({
      env: "OTEL_ENABLED",
      type: toggle,
      doc: "`true`: export traces, without an endpoint to a collector on this machine; `false`: do not. Unset means that the endpoint decides.",
    }),
    sdkDisabled: setting({
      env: "OTEL_SDK_DISABLED",
      type: toggle,
      default: "false",
      doc: "`true`: export nothing, whatever else is set.",
    }),
    exporter: setting({
      env: "OTEL_TRACES_EXPORTER",
      type: oneOf(["otlp", "none"]),
      default: "otlp",
      doc: "`none`: export no traces, whatever else is set.",
    }),
    serviceName: optional({
      env: "OTEL_SERVICE_NAME",
      type: text,
      doc: "What the balancer is called in traces. Unset means the `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `neurabalancer`.",
    }),
    resourceAttributes: optional({
      env: "OTEL_RESOURCE_ATTRIBUTES",
      type: resourceAttributes,
      doc: "What every span's resource says: `deployment.environment.name=production,team=shop`; values percent-encoded.",
    }),
    sampler: setting({
      env: "OTEL_TRACES_SAMPLER",
      type: oneOf(SAMPLERS),
      default: "parentbased_always_on",
      doc: "Which requests are traced. With `parentbased_…` whoever sent the request with a trace decides, and the rest of the name says what becomes of others. Where strangers come, `traceidratio` (docs/tracing.md).",
    }),
    samplerRatio: setting({
      env: "OTEL_TRACES_SAMPLER_ARG",
      type: decimal(0, 1),
      default: "1",
      doc: "The share of traces that `traceidratio` takes: `0.01` is every hundredth.",
    }),
    propagators: setting({
      env: "OTEL_PROPAGATORS",
      type: propagators,
      default: "tracecontext,baggage",
      doc: "`none`, or a list without `tracecontext`: `traceparent` and `tracestate` are neither read nor written while traces are exported.",
    }),
    scheduleDelayMs: setting({
      env: "OTEL_BSP_SCHEDULE_DELAY",
      type: milliseconds(10, 600_000),
      default: "5000",
      doc: "How long a span waits for others to be sent with it.",
    }),
    exportTimeoutMs: setting({
      env: "OTEL_BSP_EXPORT_TIMEOUT",
      type: milliseconds(1, 3_600_000),
      default: "30000",
      doc: "How long a batch may take, with all that is tried again, before its spans are given up.",
    }),
    maxQueueSpans: setting({
      env: "OTEL_BSP_MAX_QUEUE_SIZE",
      type: integer(1, 1_000_000),
      default: "2048",
      doc: "Spans that wait to be sent; 16 MiB of them at most. Further ones are dropped, and counted.",
    }),
    maxBatchSpans: setting({
      env: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
      type: integer(1, 100_000),
      default: "512",
      doc: "Spans that are sent at once.",
    }),
    valueLengthLimit: optional({
      env: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
      type: integer(1, 1_000_000),
      doc: "The most characters of a text in a span; what is longer is cut.",
    }),
    spanValueLengthLimit: optional({
      env: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
      type: integer(1, 1_000_000),
      doc: "The same, and wins over it.",
    }),
  },
};

/** Where spans go, and how. */
export const otlp = {
  title: "OTLP exporter",
  doc: "How what is exported is sent. Each of these has a twin for traces alone (below), which wins.",
  settings: exporter("OTEL_EXPORTER_OTLP", {
    endpoint:
      "A collector: `http://collector:4318`; `/v1/traces` is appended. For gRPC `http://collector:4317`, or `https://` for TLS. Unset, with `OTEL_ENABLED=true`, means this machine.",
    insecure: "For gRPC, and an endpoint without `http://` or `https://`: `true` means no TLS.",
  }),
};

/** The same of traces alone. */
export const otlpTraces = {
  title: "OTLP exporter of traces",
  doc: "Unset means what the general setting above says.",
  settings: exporter("OTEL_EXPORTER_OTLP_TRACES", {
    endpoint: "Where traces are sent, as it stands: `http://collector:4318/v1/traces`.",
    insecure: "As `OTEL_EXPORTER_OTLP_INSECURE`.",
  }),
};

/** What the standard calls each of them, with the words that differ. */
function exporter(prefix: string, words: { readonly endpoint: string; readonly insecure: string }) {
  return {
    endpoint: optional({ env: `${prefix}_ENDPOINT`, type: otlpEndpoint, doc: words.endpoint }),
    protocol: optional({
      env: `${prefix}_PROTOCOL`,
      type: oneOf(OTLP_PROTOCOLS),
      doc: "How they are sent; `http/protobuf` where nothing is said.",
    }),
    headers: optional({
      env: `${prefix}_HEADERS`,
      type: otlpHeaders,
      secret: true,
      doc: "Fields of every request to the collector, values percent-encoded: `Authorization=Bearer%20secret,X-Tenant=shop`.",
    }),
    timeoutMs: optional({
      env: `${prefix}_TIMEOUT`,
      type: milliseconds(1, 600_000),
      doc: "How long one try may take; 10000 where nothing is said.",
    }),
    compression: optional({
      env: `${prefix}_COMPRESSION`,
      type: oneOf(["gzip", "none"]),
      doc: "Whether they are compressed; `none` where nothing is said.",
    }),
    caFile: optional({
      env: `${prefix}_CERTIFICATE`,
      type: path,
      doc: "PEM file of the authorities that the collector's certificate may be signed by. Unset means the system's.",
    }),
    certFile: optional({
      env: `${prefix}_CLIENT_CERTIFICATE`,
      type: path,
      doc: "PEM file of our own certificate, for a collector that asks for one.",
    }),
    keyFile: optional({ env: `${prefix}_CLIENT_KEY`, type: path, doc: "PEM file of its key." }),
    insecure: optional({ env: `${prefix}_INSECURE`, type: toggle, doc: words.insecure }),
  };
}
