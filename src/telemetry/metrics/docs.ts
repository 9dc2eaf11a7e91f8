/** Renders docs/metrics.md from the list of metrics. */

import { METRIC_PREFIX, type MetricGroup } from "./definition.ts";
import { DURATION_BOUNDS } from "./durations.ts";
import { METRIC_GROUPS } from "./metrics.ts";

/**
 * The whole of docs/metrics.md.
 * @param others groups of the product's other servers, which have a `GET /metrics` of their own.
 */
export function renderMetricsDocs(others: readonly MetricGroup<never>[]): string {
  const lines = [
    "# Metrics",
    "",
    "<!-- Made by `npm run generate` from src/telemetry/metrics/: change it there. -->",
    "",
    "`GET /metrics` answers in the Prometheus text format, for all workers together. Counters go on over restarts of",
    "workers. A server's `server_id` is never given to another one while the instance runs.",
    "",
    `Buckets of request durations, seconds: ${DURATION_BOUNDS.join(", ")}.`,
  ];
  for (const { title, doc, metrics } of [...METRIC_GROUPS, ...others]) {
    lines.push("", `## ${title}`, "");
    if (doc) lines.push(doc, "");
    lines.push("| Metric | Type | Labels | Meaning |", "|---|---|---|---|");
    for (const { name, type, labels, help } of metrics) {
      const shown = (labels ?? []).map((label) => `\`${label}\``).join(", ");
      lines.push(`| \`${METRIC_PREFIX}${name}\` | ${type} | ${shown} | ${help.replaceAll("|", "\\|")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
