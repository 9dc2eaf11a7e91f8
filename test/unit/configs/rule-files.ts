/** The rules for Prometheus, as tests read them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const FOLDER = join(import.meta.dir, "../../../configs/prometheus");

/** One rule, as its file has it. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** Absolute path of a file below configs/prometheus/. */
export function prometheusFile(name: string): string {
  return join(FOLDER, name);
}

/** Files of tests for promtool. */
export function ruleTests(): string[] {
  return readdirSync(prometheusFile("tests")).map((name) => prometheusFile(`tests/${name}`));
}

/** All rules of `rules/<name>.yml`, in order. */
export function rulesOf(name: "recording" | "alerts"): readonly Rule[] {
  const { groups } = parse(readFileSync(prometheusFile(`rules/${name}.yml`), "utf8")) as RuleFile;
  return groups.flatMap(({ rules }) => rules);
}

/** Names of the product's metrics that an expression reads, as they are exposed, without `neurabalancer_`. */
export function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/(?<![\w:])neurabalancer_(\w+)(?![\w:])/g)].map((match) => match[1]);
}

/** Recorded series that an expression reads. */
export function recordsIn(expression: string): string[] {
  return expression.match(/\b[a-z]\w*:neurabalancer_\w+:\w+|\bneurabalancer:\w+:\w+/g) ?? [];
}

/** Values that an expression asks the label `name` of `metric` for, by `=`, `=~` or their negations. */
export function labelsIn(expression: string, metric: string, name: string): string[] {
  const selectors = expression.matchAll(new RegExp(`neurabalancer_${metric}\\{([^}]*)\\}`, "g"));
  return [...selectors].flatMap(([, matchers]) => {
    const found = new RegExp(`\\b${name}(?:!~|=~|!=|=)"([^"]*)"`).exec(matchers);
    return found === null ? [] : found[1].split("|");
  });
}
