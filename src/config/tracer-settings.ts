/** The extract of the configuration that the tracer needs, with the files of TLS read and checked. */
import { hostname } from "node:os";
import type { TracerSettings } from "../protocol/tracer.ts";
import { exporterOf, exportsTraces, type TracingSections } from "./exported-traces.ts";
import { ConfigError } from "./load.ts";
import type { Sections } from "./schema.ts";
import { otlp, otlpTraces } from "./sections/tracing.ts";
import { type Findings, readAuthorities, readCertificate } from "./tls-files.ts";
import type { OtlpEndpoint } from "./values/otlp.ts";

/** What it is made from: instances that share a store have names there, which are theirs in traces as well. */
export type TracerSections = TracingSections & Pick<Sections, "database">;

const SIGNAL_PATH = "/v1/traces";
const GRPC_PORT = 4317;
const HERE = { http: "http://localhost:4318", grpc: `http://localhost:${GRPC_PORT}` } as const;

/** Throws a `ConfigError` with every problem of the files. @returns `null` = nothing is exported. */
export function toTracerSettings(config: TracerSections, nowMs: number): TracerSettings | null {
  const problems: string[] = [];
  const settings = readTracerSettings(config, nowMs, {
    problem: (sentence) => void problems.push(sentence),
    warning: () => {}, // said when the workers' settings were made
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

/** As `toTracerSettings`, with the findings told. */
export function readTracerSettings(config: TracerSections, nowMs: number, findings: Findings): TracerSettings | null {
  if (!exportsTraces(config)) return null;
  const { tracing } = config;
  const { protocol, headers, compression, timeoutMs, caFile, certFile, keyFile, insecure } = exporterOf(config);
  const name = (key: "caFile" | "certFile" | "keyFile") =>
    (config.otlpTraces[key] === null ? otlp : otlpTraces).settings[key].env;
  const names = { cert: name("certFile"), key: name("keyFile"), seenBy: "servers" } as const;
  const own = certFile && keyFile ? readCertificate(certFile, keyFile, nowMs, findings, names) : null;
  return Object.freeze({
    endpoint: endpointOf(config, protocol, insecure),
    protocol,
    headers,
    compression,
    timeoutMs,
    caPem: caFile === null ? null : readAuthorities(caFile, findings, name("caFile")),
    certificate: own && { certPem: own.certPem, keyPem: own.keyPem },
    resource: {
      "service.name": "neurabalancer",
      "service.instance.id": config.database.instanceName ?? hostname(),
      ...tracing.resourceAttributes,
      ...(tracing.serviceName === null ? {} : { "service.name": tracing.serviceName }),
    },
    scheduleDelayMs: tracing.scheduleDelayMs,
    exportTimeoutMs: tracing.exportTimeoutMs,
    maxQueueSpans: tracing.maxQueueSpans,
    maxBatchSpans: Math.min(tracing.maxBatchSpans, tracing.maxQueueSpans),
    maxValueLength: tracing.spanValueLengthLimit ?? tracing.valueLengthLimit,
  });
}

/** A base endpoint gets the signal's path behind its own, the endpoint of a signal stands as it is; gRPC has no path. */
function endpointOf({ otlp, otlpTraces }: TracingSections, protocol: string, insecure: boolean): string {
  const endpoint = otlpTraces.endpoint ?? otlp.endpoint;
  if (protocol === "grpc") return endpoint === null ? HERE.grpc : grpcEndpoint(endpoint, insecure);
  if (endpoint === null) return HERE.http + SIGNAL_PATH;
  const origin = `${endpoint.secure ? "https" : "http"}://${endpoint.host}${endpoint.port === null ? "" : `:${endpoint.port}`}`;
  if (otlpTraces.endpoint !== null) return origin + endpoint.path;
  const [path, query] = endpoint.path.split("?", 2);
  return `${origin}${path.replace(/\/+$/, "")}${SIGNAL_PATH}${query === undefined ? "" : `?${query}`}`;
}

function grpcEndpoint({ secure, host, port }: OtlpEndpoint, insecure: boolean): string {
  const isSecure = secure ?? !insecure;
  return `${isSecure ? "https" : "http"}://${host}:${port ?? (isSecure ? 443 : GRPC_PORT)}`;
}
