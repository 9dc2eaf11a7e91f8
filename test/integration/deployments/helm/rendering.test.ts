/** Helm takes the chart, and Kubernetes, from the oldest to the newest, knows every field of what it makes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import {
  CHART,
  HAS_HELM,
  HELMS,
  KUBERNETES,
  nonconformity,
  objectsOf,
  render,
  say,
  template,
} from "../../../support/helm/render.ts";
import { SHAPES } from "./shapes.ts";

/** Secrets of Kubernetes have room for 1 MiB, and helm keeps a release in one. */
const MOST_BYTES = 700_000;

describe.skipIf(!HAS_HELM)("the chart", () => {
  let directory: string;
  const files: string[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "neurabalancer-chart-"));
    for (const [name, shape] of Object.entries(SHAPES)) {
      const { code, out, err } = template(shape);
      if (code !== 0) throw new Error(`${name}: ${err}`);
      files.push(join(directory, `${name.replaceAll(/\W+/g, "-")}.yaml`));
      writeFileSync(files.at(-1)!, out);
    }
  }, 180_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  for (const helm of HELMS) {
    test(`${helm.split("/").at(-1)} lint --strict has nothing to say`, () => {
      const { code, out, err } = say(helm, ["lint", "--strict", CHART]);
      expect(`${out}${err}`).not.toMatch(/WARNING|ERROR/);
      expect(code).toBe(0);
    }, 60_000);
  }

  test.each(KUBERNETES)(
    "every shape is what Kubernetes %s knows, strictly",
    (version) => {
      // Rendered for that version, where a shape is not for a newer one.
      const own = Object.entries(SHAPES).filter(([, { kubernetes = KUBERNETES[0] }]) => kubernetes <= version);
      const fitting = files.filter((_, at) => own.some(([name]) => name === Object.keys(SHAPES)[at]));
      expect(fitting.length).toBeGreaterThan(12);
      expect(nonconformity(fitting, version)).toBe("");
    },
    120_000,
  );

  test("names that YAML would take for numbers and booleans stay names", () => {
    const secret = { existingSecret: "true" };
    const values = {
      nameOverride: "7",
      fullnameOverride: "12",
      existingConfigMap: "5",
      env: null,
      config: null,
      podSecurityContext: null,
      db: { host: "1", existingSecretPasswordKey: "0", ...secret },
      redis: { addr: "r:1", existingSecretPasswordKey: "0x1", ...secret },
      adminTokens: { existingSecretKey: "1e3", ...secret },
      tls: secret,
      grafana: { ...secret, prometheusUrl: "http://p" },
      metrics: { serviceMonitor: { enabled: true, jobName: "on", tokenSecret: { name: "9", key: "1" } } },
      modelServer: { enabled: true, existingClaim: "3" },
      persistence: { enabled: true, storageClass: "no" },
      serviceAccount: { name: "4" },
      networkPolicy: { enabled: true },
      ingress: { enabled: true, className: "n", hosts: [{ host: "a.example", paths: [{ path: "/" }] }] },
      priorityClassName: "6",
    };
    const { code, out, err } = template({ values, release: "8", namespace: "10" });
    expect([code, err]).toEqual([0, ""]);
    const path = join(directory, "numbers.yaml");
    // What the Prometheus operator has is no part of Kubernetes.
    const own = out.split(/^---$/m).filter((text) => !text.includes("monitoring.coreos.com"));
    writeFileSync(path, own.join("---"));
    expect(own.length).toBeGreaterThan(10);
    expect(nonconformity([path], KUBERNETES[1])).toBe("");
  });

  test("kubeconform would have found a field that is none", () => {
    const path = join(directory, "wrong.yaml");
    const [deployment] = render({ values: { replicaCount: 3 } }).filter(({ kind }) => kind === "Deployment");
    writeFileSync(path, stringify({ ...deployment, spec: { ...deployment.spec, replicaCount: 3 } }));
    expect(nonconformity([path], KUBERNETES[0])).toContain("replicaCount");
  }, 60_000);

  test("helm 3 makes the same of it", () => {
    const [first, second] = HELMS.map((helm) => render({ ...SHAPES.monitoring, helm }));
    expect(second).toEqual(first);
  }, 60_000);

  test.skipIf(Bun.which("promtool") === null)(
    "rules of the PrometheusRule are taken by promtool",
    () => {
      const rule = render(SHAPES.monitoring).find(({ kind }) => kind === "PrometheusRule")!;
      const path = join(directory, "rules.yml");
      writeFileSync(path, stringify(rule.spec));
      const { code, out, err } = say("promtool", ["check", "rules", path]);
      expect(`${code} ${out}${err}`).toMatch(/^0 [\s\S]*SUCCESS/);
      expect(JSON.stringify(rule.spec)).toContain('up{job=\\"edge\\"} == 0');
      expect(JSON.stringify(rule.spec)).not.toContain("MonitoringTargetDown");
    },
    60_000,
  );

  test("it fits into a release, and a package", () => {
    const { code, err } = say(HELMS[0], ["package", CHART, "-d", directory]);
    expect(err).toBe("");
    expect(code).toBe(0);
    const [name] = readdirSync(directory).filter((each) => each.endsWith(".tgz"));
    const { version } = parse(say(HELMS[0], ["show", "chart", CHART]).out);
    expect(name).toBe(`neurabalancer-${version}.tgz`);
    expect(statSync(join(directory, name)).size).toBeLessThan(MOST_BYTES);
  }, 60_000);

  test("Argo CD's project allows every kind that it makes", () => {
    const project = parse(readFileSync(join(CHART, "../../../argocd/project.yaml"), "utf8"));
    const allowed = project.spec.namespaceResourceWhitelist.map(
      ({ group, kind }: Record<string, string>) => `${group}/${kind}`,
    );
    const made = files
      .flatMap((path) => objectsOf(readFileSync(path, "utf8")))
      .map(({ apiVersion, kind }) => {
        return `${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}/${kind}`;
      });
    expect([...new Set(made)].filter((kind) => !allowed.includes(kind))).toEqual([]);
  });

  test("objects have the namespace of the release, or one that they are for", () => {
    for (const path of files) {
      for (const { kind, metadata } of objectsOf(readFileSync(path, "utf8"))) {
        if (/-(object|text)$/.test(metadata.name)) continue; // extraObjects, which are theirs
        expect(`${kind} ${metadata.name} in ${metadata.namespace}`).not.toContain("undefined");
      }
    }
  });
});
