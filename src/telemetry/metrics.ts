/** The metrics of an instance: the list of all there are, and their exposition in the Prometheus text format 0.0.4. */
import type { Registry } from "prom-client";
import type { MetricGroup } from "./metrics-definition.ts";
import { learningMetrics } from "./metrics-learning.ts";
import { processMetrics } from "./metrics-process.ts";
import { requestMetrics } from "./metrics-requests.ts";
import { controlMetrics, serverMetrics } from "./metrics-servers.ts";
import type { MetricsSource, ServerFigures } from "./metrics-source.ts";
import { clientMetrics, healthOfSelfMetrics, upstreamMetrics } from "./metrics-workers.ts";
import { scrapedRegistry } from "./scraped-metric.ts";

/** Every metric, in the order in which it is exposed and documented. */
export const METRIC_GROUPS: readonly MetricGroup<MetricsSource>[] = [
  requestMetrics,
  serverMetrics,
  controlMetrics,
  clientMetrics,
  upstreamMetrics,
  learningMetrics,
  healthOfSelfMetrics,
  processMetrics,
];

/** The exposition of one source. */
export class Metrics {
  readonly #source: MetricsSource;
  readonly #registry: Registry;
  /** Read once per scrape: percentiles cost a walk over the histograms. */
  #servers: readonly ServerFigures[] = [];

  constructor(source: MetricsSource) {
    this.#source = source;
    this.#registry = scrapedRegistry(METRIC_GROUPS, { ...source, servers: () => this.#servers });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Reads everything and renders it. */
  render(): Promise<string> {
    this.#source.totals.update();
    this.#servers = this.#source.servers();
    return this.#registry.metrics();
  }
}
