import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ruleGroups, withValueTable } from "../../../scripts/generate/chart/chart.ts";
import { manifestFiles } from "../../../scripts/generate/chart/manifests.ts";
import { valuesSchema } from "../../../scripts/generate/chart/schema.ts";
import { readValues } from "../../../scripts/generate/chart/values.ts";

const ROOT = join(import.meta.dir, "../../..");
const CHART = join(ROOT, "deployments/helm/charts/neurabalancer");
const read = (path: string) => readFileSync(path, "utf8");

describe("values.yaml as it is read", () => {
  const TEXT =
    "# About all.\n\n# -- How many.\nreplicas: 2\nimage:\n  # -- Which one,\n  # in two lines.\n  tag: ''\n# -- A probe.\nprobe:\n  path: /\n";

  test("values with their comments; a mapping with a comment of its own is a value", () => {
    const [replicas, image, probe] = readValues(TEXT);
    expect(replicas).toMatchObject({ path: "replicas", doc: "How many.", value: 2 });
    expect(image.inner).toMatchObject([{ path: "image.tag", doc: "Which one, in two lines.", value: "" }]);
    expect(probe).toMatchObject({ doc: "A probe.", value: { path: "/" }, inner: [] });
  });

  test("one without a comment is an error", () => {
    expect(() => readValues("# -- A.\na: 1\nb: 2\n")).toThrow("b has no comment");
    expect(() => readValues("a: [")).toThrow("values.yaml");
  });

  test("become a table", () => {
    const readme = withValueTable("x\n<!-- values:begin -->\nold\n<!-- values:end -->\ny\n", readValues(TEXT));
    expect(readme).toBe(
      "x\n<!-- values:begin -->\n| Value | Default | Meaning |\n|---|---|---|\n| `replicas` | `2` | How many. |\n" +
        '| `image.tag` |  | Which one, in two lines. |\n| `probe` | `{"path":"/"}` | A probe. |\n<!-- values:end -->\ny\n',
    );
    expect(() => withValueTable("no markers", [])).toThrow("needs the lines");
  });

  test("a shape of a value that is gone is an error", () => {
    expect(() => valuesSchema(readValues(TEXT), read(join(ROOT, "docs/neurabalancer.schema.json")))).toThrow(
      "values.yaml has no",
    );
  });
});

test("rules are taken over group by group, without those about other jobs", () => {
  const text = "# head\ngroups:\n  - name: ours\n    rules: []\n\n  - name: monitoring-alerts\n    rules: []\n";
  expect(ruleGroups(text)).toBe("- name: ours\n  rules: []\n");
  expect(() => ruleGroups("rules: []")).toThrow("groups:");
});

test("manifests are split by template, without what is helm's own", () => {
  const rendered =
    "---\n# Source: neurabalancer/templates/a.yaml\nkind: A\n    helm.sh/chart: x-1\n---\n# Source: neurabalancer/templates/a.yaml\nkind: B\n";
  const files = manifestFiles((args) => (args.includes("--show-only") ? "" : rendered));
  expect(files.map(({ path }) => path)).toEqual([
    "deployments/kubernetes/00-namespace.yaml",
    "deployments/kubernetes/a.yaml",
  ]);
  expect(files[1].content).toEndWith("change it there.\nkind: A\n---\nkind: B\n");
});

describe("versions", () => {
  const { version } = JSON.parse(read(join(ROOT, "package.json")));
  const chart = parse(read(join(CHART, "Chart.yaml")));

  test("the chart installs what package.json is", () => {
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
    for (const { image } of parse(chart.annotations["artifacthub.io/images"])) expect(image).toEndWith(`:${version}`);
  });

  test("so do the raw manifests", () => {
    const text = read(join(ROOT, "deployments/kubernetes/workload.yaml"));
    expect(text).toContain(`image: "ghcr.io/neurabalancer/neurabalancer:${version}"`);
  });

  test("its Grafana is that of the stack", () => {
    const { image } = parse(read(join(CHART, "values.yaml"))).grafana;
    const { grafana } = parse(read(join(ROOT, "docker-compose.yml")), { merge: true }).services;
    expect(`${image.repository}:${image.tag}`).toBe(grafana.image);
  });

  test("what Artifact Hub shows is as it wants it", () => {
    expect(chart.annotations["artifacthub.io/category"]).toBe("networking");
    const links = parse(chart.annotations["artifacthub.io/links"]).map(({ name }: { name: string }) => name);
    expect(links).toContain("support");
    const kinds = parse(chart.annotations["artifacthub.io/changes"]).map(({ kind }: { kind: string }) => kind);
    for (const kind of kinds)
      expect(["added", "changed", "deprecated", "removed", "fixed", "security"]).toContain(kind);
  });
});
