/** The rules for Prometheus speak of what there is: metrics, labels, recorded series, pages. Whether they are right: promtool. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ATTEMPT_CAUSES } from "../../../src/shared/attempt-causes.ts";
import { ReservedPath } from "../../../src/shared/reserved-paths.ts";
import { METRIC_GROUPS } from "../../../src/telemetry/metrics/metrics.ts";
import { anchors } from "../docs/links.ts";
import { labelsIn, metricsIn, prometheusFile, recordsIn, rulesOf, ruleTests } from "./rule-files.ts";

const ROOT = join(import.meta.dir, "../../..");
const RECORDS = rulesOf("recording");
const ALERTS = rulesOf("alerts");
const ALL = [...RECORDS, ...ALERTS];
const METRICS = new Map(METRIC_GROUPS.flatMap(({ metrics }) => metrics).map((metric) => [metric.name, metric]));

/** A metric by the name of one of its series. */
function metricOf(series: string) {
  const base = /^(.*)_(bucket|sum|count)$/.exec(series);
  return METRICS.get(series) ?? (base === null ? undefined : METRICS.get(base[1]));
}

describe("rules for Prometheus", () => {
  test("read metrics that there are", () => {
    const read = [...new Set(ALL.flatMap(({ expr }) => metricsIn(expr)))];
    expect(read.length).toBeGreaterThan(30);
    expect(read.filter((series) => metricOf(series) === undefined)).toEqual([]);
    expect(metricOf("http_requests_sum")).toBeUndefined();
  });

  test("ask for parts only of what has them", () => {
    for (const series of ALL.flatMap(({ expr }) => metricsIn(expr))) {
      const type = metricOf(series)?.type;
      if (series.endsWith("_bucket")) expect({ series, type }).toEqual({ series, type: "histogram" });
      if (series.endsWith("_total")) expect({ series, type }).toEqual({ series, type: "counter" });
    }
  });

  test("read recorded series that there are, and record none twice", () => {
    const known = new Set(RECORDS.map(({ record }) => record));
    expect(ALL.flatMap(({ expr }) => recordsIn(expr)).filter((name) => !known.has(name))).toEqual([]);
    const rows = RECORDS.map(({ record, labels }) => `${record} ${labels?.quantile ?? ""}`);
    expect(new Set(rows).size).toBe(rows.length);
  });

  test("record what docs/monitoring.md names", () => {
    const known = new Set(RECORDS.map(({ record }) => record));
    const named = recordsIn(readFileSync(join(ROOT, "docs/monitoring.md"), "utf8"));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test("count what clients ask, not what asks after the balancer", () => {
    const { API_REQUEST: _passedOn, ...own } = ReservedPath;
    const left = ALL.filter(({ expr }) => expr.includes("neurabalancer_http_requests_total"));
    expect(left.length).toBeGreaterThan(5);
    for (const { expr } of left) {
      const selectors = expr.split("neurabalancer_http_requests_total").slice(1);
      for (const selector of selectors) {
        const paths = labelsIn(`neurabalancer_http_requests_total${selector}`, "http_requests_total", "path");
        expect(paths.sort()).toEqual(Object.values(own).sort());
      }
    }
  });

  test("speak of modes and causes that there are", () => {
    const modes = ALL.flatMap(({ expr }) => labelsIn(expr, "degraded", "mode"));
    const told = METRICS.get("degraded")?.help ?? "";
    expect(modes.filter((mode) => !told.includes(`\`${mode}\``))).toEqual([]);
    const causes = ALL.flatMap(({ expr }) => labelsIn(expr, "server_failures_total", "cause"));
    expect(causes.length).toBeGreaterThan(0);
    expect(causes.filter((cause) => !(ATTEMPT_CAUSES as readonly string[]).includes(cause))).toEqual([]);
  });
});

describe("every alert", () => {
  test.each(ALERTS.map((alert) => [alert.alert as string, alert] as const))("%s", (_, { labels, annotations = {} }) => {
    expect(["critical", "warning", "info"]).toContain(labels?.severity as string);
    const { summary, description, do: action, runbook } = annotations;
    for (const text of [summary, description, action]) expect(text).toMatch(/\w/);
    const [page, anchor] = runbook.split("#");
    expect(anchors(readFileSync(join(ROOT, page), "utf8"))).toContain(anchor);
  });

  test("has a case in which it fires", () => {
    const cases = ruleTests().map((path) => parse(readFileSync(path, "utf8")) as { tests: readonly TestCase[] });
    const expected = cases
      .flatMap(({ tests }) => tests)
      .flatMap(({ promql_expr_test }) => promql_expr_test ?? [])
      .flatMap(({ exp_samples }) => exp_samples ?? [])
      .flatMap(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1] ?? []);
    expect(ALERTS.map(({ alert }) => alert as string).filter((name) => !expected.includes(name))).toEqual([]);
  });
});

interface TestCase {
  readonly promql_expr_test?: readonly { readonly exp_samples?: readonly { readonly labels: string }[] }[];
}

test("prometheus.yml reads both files of rules, and its job is the one that they know", () => {
  const config = parse(readFileSync(prometheusFile("prometheus.yml"), "utf8")) as {
    rule_files: string[];
    scrape_configs: { job_name: string; metrics_path?: string; static_configs: { targets: string[] }[] }[];
  };
  expect(config.rule_files).toEqual(["rules/*.yml"]);
  const jobs = ALERTS.flatMap(({ expr }) => /\bup\{job="([\w-]+)"\}/.exec(expr)?.[1] ?? []);
  expect(jobs.length).toBeGreaterThan(0);
  const [job] = config.scrape_configs.filter(({ job_name }) => jobs.every((name) => name === job_name));
  expect(job.static_configs).toEqual([{ targets: ["load-balancer:8080"] }]);
  expect(job.metrics_path).toBeUndefined();
});
