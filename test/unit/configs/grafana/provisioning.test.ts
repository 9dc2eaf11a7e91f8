/** What Grafana is provided with: data sources that know each other, and dashboards where they are looked for. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { PROVISIONED } from "../../../../scripts/generate/dashboards/sources.ts";
import { logNames } from "../../../support/grafana/names.ts";

const CONFIGS = join(import.meta.dir, "../../../../configs");
const ROOT = join(CONFIGS, "grafana");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const texts = readdirSync(ROOT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));

interface Source {
  readonly name: string;
  readonly uid: string;
  readonly type: string;
  readonly jsonData: Record<string, never>;
}
const { apiVersion, datasources } = parse(read("provisioning/datasources/neurabalancer.yml")) as {
  apiVersion: number;
  datasources: Source[];
};
const source = (type: string) =>
  datasources.find((one) => one.type === type)?.jsonData as never as Record<string, never>;

test("the data sources have the uids that dashboards begin with", () => {
  expect(apiVersion).toBe(1);
  expect(Object.fromEntries(datasources.map(({ type, uid }) => [type, uid]))).toEqual(PROVISIONED);
});

test("every uid that one names is another's", () => {
  const named = [...read("provisioning/datasources/neurabalancer.yml").matchAll(/datasourceUid: (\S+)/g)];
  expect(named.length).toBeGreaterThan(4);
  const uids = datasources.map(({ uid }) => uid);
  expect(named.map(([, uid]) => uid).filter((uid) => !uids.includes(uid))).toEqual([]);
});

test("a metric leads to its trace, a line to its trace, a trace to its lines", () => {
  expect(source("prometheus").exemplarTraceIdDestinations).toMatchObject([{ name: "trace_id" }]);
  expect(source("loki").derivedFields).toMatchObject([
    { name: "traceID", matcherType: "label", matcherRegex: "trace_id", url: "$${__value.raw}" },
  ]);
  const { query, customQuery } = source("tempo").tracesToLogsV2 as { query: string; customQuery: boolean };
  expect(customQuery).toBe(true);
  expect(logNames(query.replaceAll("$$", "$"))).toEqual({ labels: ["service"], fields: ["trace_id"] });
});

test("a dollar sign that is meant is doubled, as Grafana takes single ones for its environment", () => {
  for (const file of ["provisioning/datasources/neurabalancer.yml", "provisioning/dashboards/neurabalancer.yml"]) {
    const values = read(file).replaceAll(/^ *#.*$/gm, "");
    expect(values.replaceAll("$$", "")).not.toContain("$");
  }
});

test("dashboards are read from a folder, and what is changed in the browser is not kept in silence", () => {
  const { providers } = parse(read("provisioning/dashboards/neurabalancer.yml"));
  expect(providers).toMatchObject([
    { type: "file", allowUiUpdates: false, options: { path: "/etc/grafana/dashboards/neurabalancer" } },
  ]);
});

test("nobody is let in without a name", () => {
  for (const text of texts) expect(text.toLowerCase()).not.toMatch(/anonymous|admin_password/);
});

test("what it takes for granted of the others is so: the scrape interval, the label of the stream, ids beside the lines", () => {
  const { global } = parse(readFileSync(join(CONFIGS, "prometheus/prometheus.yml"), "utf8"));
  expect(source("prometheus").timeInterval as string).toBe(global.scrape_interval);
  const shipper = readFileSync(join(CONFIGS, "alloy/config.alloy"), "utf8");
  expect(shipper).toContain('"service" = "load-balancer"');
  expect(shipper).toMatch(/stage\.structured_metadata \{\s*values = \{[^}]*trace_id/);
});
