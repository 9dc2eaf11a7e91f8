/** What the supervisor and the tracer tell each other over the IPC channel, and workers of sampling. Messages are JSON. */
import type { RecordedNames } from "./recorded-names.ts";

/** Which requests are traced: the standard samplers of OpenTelemetry (`OTEL_TRACES_SAMPLER`). */
export interface TraceSampling {
  /** Share of the traces that begin here, 0 … 1: `always_off` is 0, `always_on` 1. */
  readonly ratio: number;
  /** Whoever comes with a trace decides whether it is sampled; else the same share holds for all. */
  readonly parentBased: boolean;
  /** `traceparent` and `tracestate` are read and written (`OTEL_PROPAGATORS`); else they pass as any other field. */
  readonly propagates: boolean;
}

/** The settings of the tracer: where spans go, and how. */
export interface TracerSettings {
  /** Where spans are sent, whole: with the path of the signal for HTTP. */
  readonly endpoint: string;
  readonly protocol: "grpc" | "http/protobuf";
  /** Names in lower case. They may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
  /** How long one try may take, milliseconds. */
  readonly timeoutMs: number;
  /** PEM texts of whom the collector's certificate may be signed by, and of our own certificate; null = the runtime's, none. */
  readonly caPem: string | null;
  readonly certificate: { readonly certPem: string; readonly keyPem: string } | null;
  /** Attributes of the resource, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>;
  /** `OTEL_BSP_*`: how long a span waits for others, and how long a batch may take with all that is tried again. */
  readonly scheduleDelayMs: number;
  readonly exportTimeoutMs: number;
  readonly maxQueueSpans: number;
  readonly maxBatchSpans: number;
  /** The most characters of a text; `null` = as many as it has. */
  readonly maxValueLength: number | null;
}

/** Where spans go, as it may be shown: a query may hold a key. */
export function shownEndpoint({ endpoint }: Pick<TracerSettings, "endpoint">): string {
  return endpoint.split("?", 1)[0];
}

/** What numbers in records mean, and by what pools balance. */
export interface TracedNames extends RecordedNames {
  /** By a pool's name. */
  readonly strategies: Readonly<Record<string, string>>;
}

/** What the tracer is started with. */
export interface TracerStart {
  readonly type: "start";
  readonly memoryPath: string;
  readonly logFormat: "json" | "text";
  readonly logLevel: string;
  readonly settings: TracerSettings;
  readonly names: TracedNames;
}

/** What the supervisor tells the tracer. */
export type ToTracer =
  | TracerStart
  /** Servers, pools or routes came or went. */
  | { readonly type: "names"; readonly names: TracedNames }
  /** SIGHUP: how it writes its log from now on. */
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  /** Send what is left, and exit with 0. */
  | { readonly type: "drain" };

/** What the tracer tells the supervisor. */
export type FromTracer =
  /** It reads the rings from now on. */
  | { readonly type: "ready" }
  /** It cannot start: a sentence for the operator. It exits with 1. */
  | { readonly type: "failed"; readonly message: string };
