/** Whether traces are exported, and how: what general settings, those of traces alone, and the standard's defaults come to. */
import type { TraceSampling } from "../protocol/tracer.ts";
import type { Sections } from "./schema.ts";

/** The sections that say it. */
export type TracingSections = Pick<Sections, "tracing" | "otlp" | "otlpTraces">;

/** Whether spans are sent anywhere. */
export function exportsTraces({ tracing, otlp, otlpTraces }: TracingSections): boolean {
  const { enabled, sdkDisabled, exporter } = tracing;
  if (enabled === false || sdkDisabled || exporter === "none") return false;
  return enabled === true || otlpTraces.endpoint !== null || otlp.endpoint !== null;
}

/** What holds for traces: their own word, else that for all signals, else the standard's. */
export function exporterOf({ otlp, otlpTraces }: TracingSections) {
  const said = <K extends keyof typeof otlp>(key: K) => otlpTraces[key] ?? otlp[key];
  return {
    protocol: said("protocol") ?? "http/protobuf",
    headers: said("headers") ?? {},
    timeoutMs: said("timeoutMs") ?? 10_000,
    compression: said("compression") ?? "none",
    caFile: said("caFile"),
    certFile: said("certFile"),
    keyFile: said("keyFile"),
    insecure: said("insecure") ?? false,
  } as const;
}

/** Which requests are traced; `null` = nothing is exported. */
export function toTraceSampling(config: TracingSections): TraceSampling | null {
  if (!exportsTraces(config)) return null;
  const { sampler, samplerRatio, propagators } = config.tracing;
  const parentBased = sampler.startsWith("parentbased_");
  const ratio = sampler.endsWith("always_on") ? 1 : sampler.endsWith("always_off") ? 0 : samplerRatio;
  return Object.freeze({ ratio, parentBased, propagates: propagators.includes("tracecontext") });
}

/** The files that it names. */
export function filesOfTracing(config: TracingSections): (string | null)[] {
  if (!exportsTraces(config)) return [];
  const { caFile, certFile, keyFile } = exporterOf(config);
  return [caFile, certFile, keyFile];
}
