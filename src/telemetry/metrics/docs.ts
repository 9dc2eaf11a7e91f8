/** Renders docs/metrics.md from the list of metrics. */

import { DURATION_BOUNDS } from "../../shared/memory/layout/durations.ts";
import { METRIC_PREFIX, type MetricGroup } from "./definition.ts";
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
    "Where the configuration file has pools or routes, what is about a server also has the label `pool` (in parentheses",
    "below), and `path` of `http_requests_total` is the name of the route; `pool` is `none` where no server was chosen. With",
    "`SERVERS` alone there is no such label. Samples of servers, routes and pools that are gone end: those of",
    "`http_requests_total` ten minutes later, the others at once.",
    "",
    `Buckets of request durations, seconds: ${DURATION_BOUNDS.join(", ")}.`,
  ];
  for (const { title, doc, metrics } of [...METRIC_GROUPS, ...others]) {
    lines.push("", `## ${title}`, "");
    if (doc) lines.push(doc, "");
    lines.push("| Metric | Type | Labels | Meaning |", "|---|---|---|---|");
    for (const { name, type, labels = [], perPool, help } of metrics) {
      const all = [...labels.map((label) => `\`${label}\``), ...(perPool ? ["(`pool`)"] : [])];
      const shown = all.join(", ");
      lines.push(`| \`${METRIC_PREFIX}${name}\` | ${type} | ${shown} | ${help.replaceAll("|", "\\|")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
