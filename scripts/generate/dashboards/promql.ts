/** PromQL of our metrics: names are those of the registry, and every selector has the variables that its metric can have. */
import { METRIC_PREFIX } from "../../../src/telemetry/metrics/definition.ts";
import { METRIC_GROUPS } from "../../../src/telemetry/metrics/metrics.ts";

/** How far a rate looks back: Grafana knows the scrape interval and the resolution. */
const RATE_WINDOW = "$__rate_interval";

/**
 * A selector with the dashboard's variables.
 * @param name without the prefix; with `_bucket`, `_sum` or `_count` for parts of a histogram or a summary.
 * @param matchers further ones, such as `state="up"`.
 * @throws when there is no such metric, or it does not have the label.
 */
export function series(name: string, ...matchers: string[]): string {
  const { perPool = false, labels = [] } = definitionOf(name);
  const all = [`instance=~"$instance"`];
  if (perPool) all.push(`pool=~"$pool"`);
  // The pool is named only where there are several: without the label it is that of the one that is chosen.
  else if (labels.includes("pool")) all.push(`pool=~"$pool|"`);
  for (const matcher of matchers) {
    const label = matcher.split(/[=!]/)[0];
    if (label !== "le" && label !== "quantile" && !labels.includes(label))
      throw new Error(`${name} has no label ${label}`);
  }
  return `${METRIC_PREFIX}${name}{${[...all, ...matchers].join(", ")}}`;
}

/** By seconds, of a counter. */
export function rate(name: string, ...matchers: string[]): string {
  return `rate(${series(name, ...matchers)}[${RATE_WINDOW}])`;
}

/** How much a counter rose in the dashboard's whole window. */
export function increase(name: string, ...matchers: string[]): string {
  return `increase(${series(name, ...matchers)}[$__range])`;
}

/** Sum, with what is left of the labels. */
export function sum(by: string, expression: string): string {
  return by === "" ? `sum(${expression})` : `sum by (${by}) (${expression})`;
}

/**
 * By server, under its URL, of those that are chosen; of several instances together. `server_id` means a server only within
 * a running instance, so URLs come from `server_info`.
 * @param expression has the labels `instance` and `server_id`.
 * @param by labels to keep besides.
 */
export function byServer(expression: string, by: string[] = [], aggregate: "sum" | "max" | "avg" = "sum"): string {
  return `${aggregate} by (${["pool", "url", ...by].join(", ")}) (${named(expression)})`;
}

/** `expression`, with the URL and the pool of its servers. */
export function named(expression: string): string {
  return `${expression} * on (instance, server_id) group_left (pool, url) ${SERVER_INFO}`;
}

/** One for each server that is chosen. */
export const SERVER_INFO = `max by (instance, server_id, pool, url) (${METRIC_PREFIX}server_info{instance=~"$instance", pool=~"$pool", url=~"$server"})`;

/** A quantile of a histogram's buckets over the resolution. `buckets` has `le` and the labels of `by`. */
export function quantile(q: number, by: string, buckets: string): string {
  return `histogram_quantile(${q}, sum by (${["le", ...(by === "" ? [] : [by])].join(", ")}) (${buckets}))`;
}

/** A quantile of a server's histogram, by URL. */
export function serverQuantile(q: number, histogram: string): string {
  return quantile(q, "pool, url", named(rate(`${histogram}_bucket`)));
}

/** `part / whole`, of rates; nothing while the whole is nothing. */
export function share(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

/** Zero where there is no series, so that "none" is told from "not known". @param alive has a series while we are there. */
export function orZero(expression: string, alive = `0 * sum(${series("build_info")})`): string {
  return `${expression} or ${alive}`;
}

interface KnownMetric {
  readonly perPool?: boolean;
  readonly labels?: readonly string[];
  readonly type: string;
}

const METRICS: ReadonlyMap<string, KnownMetric> = new Map(
  METRIC_GROUPS.flatMap(({ metrics }) => metrics.map((metric) => [metric.name, metric] as const)),
);

function definitionOf(name: string): KnownMetric {
  const exact = METRICS.get(name);
  const [, family] = /^(.+)_(?:bucket|sum|count)$/.exec(name) ?? [];
  const found = exact ?? METRICS.get(family);
  if (found === undefined) throw new Error(`there is no metric ${METRIC_PREFIX}${name}`);
  if (exact === undefined && found.type !== "histogram" && found.type !== "summary") {
    throw new Error(`${family} is a ${found.type}: it has no ${name}`);
  }
  return found;
}
