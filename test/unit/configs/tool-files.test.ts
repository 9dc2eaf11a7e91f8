/**
 * The files for Loki, Alloy, Promtail, Tempo and the collector: what stands in several of them agrees, and nothing is in them
 * that their tools gave up. `scripts/check-stack.sh` asks the tools themselves.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { DEFAULT_ACCESS_LOG_FIELDS } from "../../../src/shared/access-log-fields.ts";
import { blocksOf } from "../../support/doc-blocks.ts";
import { logNames } from "../../support/grafana/names.ts";

const CONFIGS = join(import.meta.dir, "../../../configs");
const read = (path: string): string => readFileSync(join(CONFIGS, path), "utf8");
// biome-ignore lint/suspicious/noExplicitAny: files of other tools, looked into key by key
const yaml = (path: string): any => parse(read(path), { uniqueKeys: true });

describe("Tempo", () => {
  const tempo = yaml("tempo/tempo.yml");

  test("has what version 3 needs, and none of what it refuses to start with", () => {
    const known = "server distributor storage metrics_generator overrides usage_report".split(" ");
    expect(Object.keys(tempo).filter((key) => !known.includes(key))).toEqual([]);
    expect(tempo.storage.trace).toEqual({
      backend: "local",
      wal: { path: "/var/tempo/wal" },
      local: { path: "/var/tempo/blocks" },
    });
    expect(Object.keys(tempo.overrides)).toEqual(["defaults"]);
    expect(tempo.overrides.defaults.metrics_generator.processors).not.toContain("local-blocks");
    expect(tempo.metrics_generator).not.toHaveProperty("traces_storage");
  });

  test("listens where the collector sends to", () => {
    const { protocols } = tempo.distributor.receivers.otlp;
    const { endpoint } = yaml("otel/otel-collector.yml").exporters["otlp_grpc/tempo"];
    expect(`tempo:${protocols.grpc.endpoint.split(":")[1]}`).toBe(endpoint);
  });
});

describe("the collector", () => {
  const collector = yaml("otel/otel-collector.yml");
  const kinds = (section: object): string[] => Object.keys(section).map((name) => name.split("/")[0]);

  test("has no component under a name that was given up", () => {
    expect(kinds(collector.exporters)).toEqual(["otlp_grpc"]);
    expect(kinds(collector.receivers)).toEqual(["otlp"]);
    expect(collector.service.telemetry.metrics).not.toHaveProperty("address");
  });

  test("uses what it defines, and defines what it uses", () => {
    const pipelines = Object.values(collector.service.pipelines) as Record<string, string[]>[];
    for (const part of ["receivers", "processors", "exporters"]) {
      const used = new Set(pipelines.flatMap((pipeline) => pipeline[part]));
      expect([...used].sort()).toEqual(Object.keys(collector[part]).sort());
    }
    expect(collector.service.extensions).toEqual(Object.keys(collector.extensions));
    // What limits memory comes first: what is refused later has cost it already.
    expect(pipelines.map(({ processors }) => processors[0])).toEqual(["memory_limiter"]);
  });

  test("shows its own metrics where Prometheus looks for them", () => {
    const jobs = yaml("prometheus/prometheus.yml").scrape_configs;
    const { targets } = jobs.find(({ job_name }: { job_name: string }) => job_name === "otel-collector")
      .static_configs[0];
    const [{ pull }] = collector.service.telemetry.metrics.readers;
    expect(targets).toEqual([`otel-collector:${pull.exporter.prometheus.port}`]);
  });
});

describe("Loki", () => {
  const loki = yaml("loki/loki.yml");

  test("takes structured metadata, which needs this schema and index", () => {
    expect(loki.schema_config.configs.map(({ schema, store }: Record<string, string>) => [schema, store])).toEqual([
      ["v13", "tsdb"],
    ]);
    expect(loki.limits_config.allow_structured_metadata).toBe(true);
  });

  test("removes what it says it does not keep", () => {
    expect(loki.limits_config.retention_period).toMatch(/^\d+h$/);
    expect(loki.compactor.retention_enabled).toBe(true);
    expect(loki.compactor.delete_request_store).toBe(loki.schema_config.configs[0].object_store);
  });
});

describe("Alloy and Promtail", () => {
  const alloy = read("alloy/config.alloy");
  const promtail = yaml("promtail/promtail.yml");
  const [job] = promtail.scrape_configs;
  const names = (text: string): string[] => [...text.matchAll(/(\w+) = ""/g)].map((match) => match[1]);

  test("read the same files, under the label of the contract", () => {
    const targets = [...alloy.matchAll(/\{"__path__" = "([^"]+)", "service" = "([^"]+)", "log" = "([^"]+)"\}/g)];
    expect(targets.map(([, path, service, log]) => ({ service, log, __path__: path }))).toEqual(
      job.static_configs.map(({ labels }: { labels: object }) => labels),
    );
    expect(new Set(targets.map(([, , service]) => service))).toEqual(new Set(["load-balancer"]));
    expect(alloy).toContain(`url = "${promtail.clients[0].url}"`);
  });

  test("make labels of what is bounded, and structured metadata of ids", () => {
    const labels = [...alloy.matchAll(/stage\.labels \{\s+values = \{([^}]*)\}/g)].flatMap(([, values]) =>
      names(values),
    );
    const metadata = [...alloy.matchAll(/stage\.structured_metadata \{\s+values = \{([^}]*)\}/g)];
    expect(labels).toEqual(["level"]);
    expect(metadata.flatMap(([, values]) => names(values))).toEqual(["request_id", "trace_id", "span_id"]);
    const stages = job.pipeline_stages.flatMap(({ match }: { match?: { stages: object[] } }) => match?.stages ?? []);
    const keysOf = (stage: string): string[] =>
      stages.flatMap((each: Record<string, object>) => Object.keys(each[stage] ?? {}));
    expect(keysOf("labels")).toEqual(labels);
    expect(keysOf("structured_metadata")).toEqual(["request_id", "trace_id", "span_id"]);
  });

  test("look for fields that lines have, in the set that is written unless one is chosen", () => {
    const [access, processLog] = [...alloy.matchAll(/expressions = \{([^}]*)\}/g)].map(([, fields]) => names(fields));
    expect(access.filter((name) => !(DEFAULT_ACCESS_LOG_FIELDS as readonly string[]).includes(name))).toEqual([]);
    expect(processLog).toEqual(["time", "level"]);
  });

  test("braces and quotes of Alloy's file are closed", () => {
    const code = alloy.replaceAll(/^\s*\/\/.*$/gm, "").replaceAll(/"(?:\\.|[^"\\\n])*"/g, "");
    expect(code).not.toContain('"');
    expect(code.split("{").length).toBe(code.split("}").length);
    expect(code.split("[").length).toBe(code.split("]").length);
  });
});

describe("queries of the documents", () => {
  const queries = ["docs/monitoring.md", "docs/logs.md"].flatMap((path) =>
    blocksOf(path)
      .filter(({ language }) => language === "logql")
      .flatMap(({ text }) => text.trim().split("\n")),
  );

  test("ask the stream for labels that the shipper sets, and no others", () => {
    expect(queries).toContain('{service="load-balancer"} | json | duration > 1s');
    const shipped = [...read("alloy/config.alloy").matchAll(/"(\w+)" = /g)].map(([, name]) => name);
    for (const query of queries) expect(logNames(query).labels.filter((label) => !shipped.includes(label))).toEqual([]);
  });
});
