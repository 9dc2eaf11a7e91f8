/** Renders docs/metrics.md from the list of metrics. */

import { DURATION_BOUNDS } from "../../shared/memory/layout/durations.ts";
import { METRIC_PREFIX, type MetricGroup } from "./definition.ts";
import { CONTENT_TYPES, FORMAT_NAMES, type FormatName } from "./formats/negotiation.ts";
import { METRIC_GROUPS } from "./metrics.ts";

const TITLES: Readonly<Record<FormatName, string>> = {
  text: "Prometheus text 0.0.4",
  openmetrics: "OpenMetrics 1.0.0",
  protobuf: "protobuf",
};
const BEYOND: Readonly<Record<FormatName, string>> = {
  text: "",
  openmetrics: "exemplars, units",
  protobuf: "exemplars, native histograms (schema 3: buckets 9 % wide)",
};

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
    "`GET /metrics` answers for all workers together. Counters go on over restarts of workers. A server's `server_id` is never",
    "given to another one while the instance runs.",
    "",
    "It answers in the format that `Accept` asks for, and in the first where it asks for none of them:",
    "",
    "| Format | `Content-Type` | Beyond the figures |",
    "|---|---|---|",
    ...FORMAT_NAMES.map((name) => `| ${TITLES[name]} | \`${CONTENT_TYPES[name]}\` | ${BEYOND[name]} |`),
    "",
    "A Prometheus asks for what it can use: OpenMetrics, and protobuf where it takes native histograms",
    "(`--enable-feature=native-histograms`; the setting `scrape_native_histograms` in later releases of version 3). It keeps",
    "exemplars with `--enable-feature=exemplar-storage`; they are there while traces are exported. Of a histogram whose native",
    "buckets it has it keeps the classic ones only if told to (`scrape_classic_histograms: true`, from 2.45 on; in version 3",
    "`always_scrape_classic_histograms`): without that, queries of `_bucket` find nothing. Values of `le` are written `1` in text",
    "and `1.0` in the others. `Accept-Encoding: gzip` is honoured. Samples that cannot be are left out of all formats and counted",
    "in `neurabalancer_metrics_samples_refused_total`.",
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
