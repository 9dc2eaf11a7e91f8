/** Renders docs/metrics.md from the list of metrics. */
import { METRIC_GROUPS } from "./metrics.ts";
import { METRIC_PREFIX } from "./metrics-definition.ts";
import { DURATION_BOUNDS } from "./metrics-durations.ts";

/** The whole of docs/metrics.md. */
export function renderMetricsDocs(): string {
  const lines = [
    "# Metrics",
    "",
    "<!-- Generated from src/telemetry by scripts/generate-metrics-docs.ts: edit there. -->",
    "",
    "`GET /metrics` answers in the Prometheus text format, for all workers together. Counters go on over restarts of",
    "workers. A server's `server_id` is never given to another one while the instance runs.",
    "",
    `Buckets of the histogram, seconds: ${DURATION_BOUNDS.join(", ")}.`,
  ];
  for (const { title, metrics } of METRIC_GROUPS) {
    lines.push("", `## ${title}`, "", "| Metric | Type | Labels | Meaning |", "|---|---|---|---|");
    for (const { name, type, labels, help } of metrics) {
      const shown = (labels ?? []).map((label) => `\`${label}\``).join(", ");
      lines.push(`| \`${METRIC_PREFIX}${name}\` | ${type} | ${shown} | ${help.replaceAll("|", "\\|")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
