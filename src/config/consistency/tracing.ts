/** Settings of traces that contradict each other, or that do nothing as they are. */
import { exporterOf, exportsTraces, type TracingSections } from "../exported-traces.ts";
import { withoutEffect } from "../values/otlp.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** Where each protocol is listened for as a rule. */
const USUAL_PORTS = { grpc: 4317, "http/protobuf": 4318 } as const;

/** A comparison with a missing setting finds nothing: its own problem is reported already. */
export function tracingContradictions(config: PartialConfig): Contradictions {
  const problems: string[] = [];
  const warnings: string[] = [];
  const { tracing, otlp, otlpTraces } = config as TracingSections;
  if (tracing.enabled && (tracing.sdkDisabled || tracing.exporter === "none")) {
    const by = tracing.sdkDisabled ? "OTEL_SDK_DISABLED" : "OTEL_TRACES_EXPORTER";
    warnings.push(`OTEL_ENABLED has no effect: ${by} says that nothing is exported`);
  }
  if (!exportsTraces({ tracing, otlp, otlpTraces })) return { problems, warnings };

  const { protocol, caFile, certFile, keyFile } = exporterOf({ tracing, otlp, otlpTraces });
  const endpoint = otlpTraces.endpoint ?? otlp.endpoint ?? null;
  const where = `OTEL_EXPORTER_OTLP_${otlpTraces.endpoint ? "TRACES_" : ""}ENDPOINT`;
  if (endpoint !== null && protocol !== "grpc" && endpoint.secure === null) {
    problems.push(`${where}: must begin with http:// or https:// where OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}`);
  }
  const other = protocol === "grpc" ? "http/protobuf" : "grpc";
  if (endpoint?.port === USUAL_PORTS[other]) {
    warnings.push(
      `${where}: port ${endpoint.port} is where a collector has ${other} as a rule, and OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}`,
    );
  }
  const path = endpoint?.path.split("?")[0] ?? null;
  if (protocol === "grpc" && path !== null && path !== "/") {
    warnings.push(`${where}: its path has no effect: gRPC has one of its own`);
  }
  if (protocol !== "grpc" && path !== null) {
    if (!otlpTraces.endpoint && /\/v1\/traces\/*$/.test(path)) {
      warnings.push(
        `${where}: ends with /v1/traces, which is appended once more: leave it out, or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which is taken as it stands`,
      );
    }
    if (otlpTraces.endpoint && path === "/") {
      warnings.push(
        `${where}: is taken as it stands and has no path: a collector takes traces at /v1/traces as a rule, which OTEL_EXPORTER_OTLP_ENDPOINT appends`,
      );
    }
  }
  if (certFile && keyFile === null) {
    problems.push("OTEL_EXPORTER_OTLP_CLIENT_KEY: is required by OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
  }
  if (keyFile && certFile === null) {
    problems.push("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: is required by OTEL_EXPORTER_OTLP_CLIENT_KEY");
  }
  if (caFile && endpoint?.secure !== true && !(protocol === "grpc" && endpoint?.secure === null)) {
    warnings.push("OTEL_EXPORTER_OTLP_CERTIFICATE has no effect: the endpoint has no https://");
  }
  const { sampler, samplerRatio, maxBatchSpans, maxQueueSpans, propagators } = tracing;
  if (samplerRatio < 1 && sampler !== undefined && !sampler.endsWith("traceidratio")) {
    warnings.push(
      `OTEL_TRACES_SAMPLER_ARG=${samplerRatio} has no effect: OTEL_TRACES_SAMPLER is ${sampler}; parentbased_traceidratio takes a share`,
    );
  }
  if (maxBatchSpans > maxQueueSpans) {
    warnings.push(
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE=${maxBatchSpans}: is more than OTEL_BSP_MAX_QUEUE_SIZE (${maxQueueSpans}), which is sent at once then`,
    );
  }
  const vain = withoutEffect(propagators ?? []);
  if (vain.length > 0) {
    const rest = propagators!.includes("tracecontext")
      ? "requests have tracecontext alone"
      : "traceparent and tracestate are neither read nor written without tracecontext in the list";
    warnings.push(`OTEL_PROPAGATORS: ${vain.join(", ")} is not supported: ${rest}`);
  }
  return { problems, warnings };
}
