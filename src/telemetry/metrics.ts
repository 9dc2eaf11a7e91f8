/** The metrics of an instance: the list of all there are, and their exposition in the Prometheus text format 0.0.4. */
import { type Metric, Registry } from "prom-client";
import { METRIC_PREFIX, type MetricDefinition, type MetricGroup } from "./metrics-definition.ts";
import { processMetrics } from "./metrics-process.ts";
import { requestMetrics } from "./metrics-requests.ts";
import { controlMetrics, serverMetrics } from "./metrics-servers.ts";
import type { MetricsSource, ServerFigures } from "./metrics-source.ts";
import { clientMetrics, healthOfSelfMetrics, upstreamMetrics } from "./metrics-workers.ts";

/** Every metric, in the order in which it is exposed and documented. */
export const METRIC_GROUPS: readonly MetricGroup<MetricsSource>[] = [
  requestMetrics,
  serverMetrics,
  controlMetrics,
  clientMetrics,
  upstreamMetrics,
  healthOfSelfMetrics,
  processMetrics,
];

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/**
 * A metric whose values are read at the scrape. The client's own counters only know `inc()` from a value they keep; the
 * values here are kept in the shared memory, so the registry is given what it asks a metric for: `get()`.
 */
class ScrapedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator = "sum";
  readonly #definition: MetricDefinition<MetricsSource>;
  readonly #source: MetricsSource;

  constructor(definition: MetricDefinition<MetricsSource>, source: MetricsSource) {
    this.name = METRIC_PREFIX + definition.name;
    this.help = definition.help;
    this.type = definition.type;
    this.#definition = definition;
    this.#source = source;
  }

  get(): { name: string; help: string; type: string; aggregator: string; values: Sample[] } {
    const values: Sample[] = [];
    this.#definition.collect(this.#source, (value, labels = {}, suffix) => {
      values.push(suffix === undefined ? { value, labels } : { value, labels, metricName: this.name + suffix });
    });
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }
}

/** The exposition of one source. */
export class Metrics {
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  /** Read once per scrape: percentiles cost a walk over the histograms. */
  #servers: readonly ServerFigures[] = [];

  constructor(source: MetricsSource) {
    this.#source = source;
    const scrape: MetricsSource = { ...source, servers: () => this.#servers };
    for (const { metrics } of METRIC_GROUPS) {
      for (const definition of metrics) {
        this.#registry.registerMetric(new ScrapedMetric(definition, scrape) as unknown as Metric);
      }
    }
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
