/** Metrics of classes of requests: how many there are of each, and what they cost. */
import { type PublishedClass, readClasses } from "../../../shared/memory/class-table.ts";
import { CLASSES } from "../../../shared/memory/layout/classes.ts";
import { visible } from "../../../shared/visible-text.ts";
import type { Labels, MetricDefinition, MetricGroup, MetricType } from "../definition.ts";
import { labelOfPool } from "../pool-label.ts";
import type { MetricsSource } from "../source.ts";

/** What the labels of the class without a template say. */
const REST = "other";

function ofClasses(
  name: string,
  type: MetricType,
  help: string,
  value: (one: PublishedClass) => number,
): MetricDefinition<MetricsSource> {
  return {
    name,
    type,
    help,
    labels: ["route", "method", "template"],
    perPool: true,
    *collect(source, emit) {
      const poolOf = labelOfPool(source);
      for (const { row, name: pool } of source.learner().classed) {
        for (const one of readClasses(source.memory.classes.pools[row])) {
          emit(value(one), { ...poolOf(pool), ...labelsOf(one, source) });
        }
        yield;
      }
    },
  };
}

function labelsOf({ method, template, route }: PublishedClass, { topology }: MetricsSource): Labels {
  return {
    route: route === null ? REST : topology().routeName(route),
    method: method ?? REST,
    template: template === null ? REST : visible(template),
  };
}

/** Only of pools that tell classes apart. */
export const classMetrics: MetricGroup<MetricsSource> = {
  title: "Classes of requests",
  doc: `Where REQUEST_CLASSES is on: requests by method and path template ([request classes](request-classes.md)). A pool has ${CLASSES - 1} classes at most, the heaviest and most frequent; all others are \`other\`, and what a server refuses (4xx) is in none. A class that gives way to another takes its series with it.`,
  metrics: [
    ofClasses(
      "class_requests_total",
      "counter",
      "Good responses of the class that costs were learned from; where there are very many, not of all.",
      ({ requests }) => requests,
    ),
    ofClasses(
      "class_cost",
      "gauge",
      "What a request of the class is expected to cost, in mean requests of the pool; 1 = not known, or not known to differ.",
      ({ cost }) => cost,
    ),
    ofClasses(
      "class_work_share",
      "gauge",
      "Share of the class in the expected work of the pool's requests over the last minutes, 0 to 1.",
      ({ workShare }) => workShare,
    ),
  ],
};
