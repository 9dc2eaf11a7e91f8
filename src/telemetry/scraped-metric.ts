/** Metrics whose values are read at the scrape, in the Prometheus text format 0.0.4. */
import { type Metric, Registry } from "prom-client";
import { METRIC_PREFIX, type MetricDefinition, type MetricGroup } from "./metrics-definition.ts";

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/**
 * A metric whose values are read at the scrape. The client's own counters only know `inc()` from a value they keep; the
 * values here are kept elsewhere, so the registry is given what it asks a metric for: `get()`.
 */
class ScrapedMetric<Source> {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator = "sum";
  readonly #definition: MetricDefinition<Source>;
  readonly #source: Source;

  constructor(definition: MetricDefinition<Source>, source: Source) {
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

/** A registry of all metrics of `groups`, read from `source` at every scrape. */
export function scrapedRegistry<Source>(groups: readonly MetricGroup<Source>[], source: Source): Registry {
  const registry = new Registry();
  for (const { metrics } of groups) {
    for (const definition of metrics) {
      registry.registerMetric(new ScrapedMetric(definition, source) as unknown as Metric);
    }
  }
  return registry;
}
