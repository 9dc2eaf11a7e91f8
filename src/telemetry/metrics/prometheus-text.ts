/** The Prometheus text format 0.0.4. */
import { type Labels, METRIC_PREFIX } from "./definition.ts";
import type { ExpositionFormat } from "./exposition.ts";

/** What every Prometheus understands. */
export const PROMETHEUS_TEXT: ExpositionFormat = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",

  head({ name, help, type }) {
    const full = METRIC_PREFIX + name;
    return `# HELP ${full} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${full} ${type}\n`;
  },

  sample({ name }, value, labels, suffix) {
    return `${METRIC_PREFIX}${name}${suffix ?? ""}${labels === undefined ? "" : labelled(labels)} ${written(value)}\n`;
  },

  foot: "\n",
};

function labelled(labels: Labels): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name];
    text += `${text === "" ? "{" : ","}${name}="${typeof value === "number" ? value : escaped(value)}"`;
  }
  return text === "" ? "" : `${text}}`;
}

function escaped(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function written(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
