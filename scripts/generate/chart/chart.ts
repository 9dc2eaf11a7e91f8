/** What of the Helm chart is made from elsewhere: rules and dashboards, the schema of its values, the table in its README. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderConfigSchema } from "../config/schema.ts";
import { dashboardFiles } from "../dashboards/dashboards.ts";
import { valuesSchema } from "./schema.ts";
import { type ChartValue, readValues } from "./values.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CHART = "deployments/helm/charts/neurabalancer";
const RULES = "configs/prometheus/rules";
const BEGIN = "<!-- values:begin -->";
const END = "<!-- values:end -->";
/** Rules about the tools beside the balancer: in a cluster other jobs are other people's. */
const NOT_IN_A_CLUSTER = "monitoring-alerts";

/** Files below deployments/helm/ that are made. Throws when values.yaml or the README is not as it has to be. */
export function chartFiles(): { readonly path: string; readonly content: string }[] {
  const read = (path: string) => readFileSync(ROOT + path, "utf8");
  const values = readValues(read(`${CHART}/values.yaml`));
  return [
    { path: `${CHART}/values.schema.json`, content: valuesSchema(values, renderConfigSchema()) },
    { path: `${CHART}/README.md`, content: withValueTable(read(`${CHART}/README.md`), values) },
    ...readdirSync(ROOT + RULES)
      .sort()
      .map((name) => ({
        path: `${CHART}/files/rules/${name}`,
        content: ruleGroups(read(`${RULES}/${name}`)),
      })),
    ...dashboardFiles().map(({ path, content }) => ({
      path: `${CHART}/files/dashboards/${path.split("/").at(-1)}`,
      content: `${JSON.stringify(JSON.parse(content))}\n`,
    })),
    ...["dashboards", "datasources"].map((name) => ({
      path: `${CHART}/files/provisioning/${name}.yml`,
      content: read(`configs/grafana/provisioning/${name}/neurabalancer.yml`),
    })),
  ];
}

/** The groups of a file of rules, as a list that stands in a template. Throws when there is none. */
export function ruleGroups(text: string): string {
  const [, list] = text.split(/^groups:\n/m);
  if (list === undefined) throw new Error("a file of rules has no line `groups:`");
  const groups = list.split(/^(?= {2}- name: )/m);
  const kept = groups.filter((group) => !group.startsWith(`  - name: ${NOT_IN_A_CLUSTER}\n`));
  return `${kept.join("").trimEnd().replace(/^ {2}/gm, "")}\n`;
}

/** The README with the table of all values between its markers. Throws when it has none. */
export function withValueTable(readme: string, values: readonly ChartValue[]): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the chart's README needs the lines ${BEGIN} and ${END}`);
  const rows = leaves(values).map(({ path, doc, value }) => `| \`${path}\` | ${shown(value)} | ${cell(doc)} |`);
  const table = ["| Value | Default | Meaning |", "|---|---|---|", ...rows].join("\n");
  return `${readme.slice(0, begin)}${BEGIN}\n${table}\n${readme.slice(end)}`;
}

function leaves(values: readonly ChartValue[]): ChartValue[] {
  return values.flatMap((value) => (value.inner.length > 0 ? leaves(value.inner) : [value]));
}

/** Long defaults are in the file. */
function shown(value: unknown): string {
  if (value === "" || value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? "see values.yaml" : `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
