/** The metrics of an instance: the list of all there are, and their exposition. */
import { attemptMetrics } from "./attempts.ts";
import { compressionMetrics } from "./compression.ts";
import type { MetricGroup } from "./definition.ts";
import { complete, exposition, type Work } from "./exposition.ts";
import { PROMETHEUS_TEXT } from "./formats/prometheus-text.ts";
import { historyMetrics } from "./history.ts";
import { learningMetrics } from "./learning.ts";
import { mirrorMetrics } from "./mirrors.ts";
import { processMetrics } from "./process.ts";
import { requestMetrics } from "./requests.ts";
import { poolMetrics, serverStateMetrics } from "./server-states.ts";
import { controlMetrics, serverMetrics } from "./servers.ts";
import type { MetricsSource, ServerFigures } from "./source.ts";
import { clientMetrics, healthOfSelfMetrics, upstreamMetrics } from "./workers.ts";

/** Every metric, in the order in which it is exposed and documented. */
export const METRIC_GROUPS: readonly MetricGroup<MetricsSource>[] = [
  requestMetrics,
  serverMetrics,
  attemptMetrics,
  serverStateMetrics,
  poolMetrics,
  controlMetrics,
  clientMetrics,
  upstreamMetrics,
  mirrorMetrics,
  compressionMetrics,
  learningMetrics,
  historyMetrics,
  healthOfSelfMetrics,
  processMetrics,
];

/** The exposition of one source. */
export class Metrics {
  readonly #source: MetricsSource;

  constructor(source: MetricsSource) {
    this.#source = source;
  }

  /** Reads everything and renders it, a little at a time. */
  *rendering(): Work<Buffer> {
    const { totals, waits, topology, servers } = this.#source;
    yield* totals.updating();
    waits.update(topology().pools);
    const read: ServerFigures[] = []; // once per scrape: percentiles cost a walk over the histograms
    for (const server of servers()) {
      read.push(server);
      yield;
    }
    return yield* exposition(METRIC_GROUPS, { ...this.#source, servers: () => read }, PROMETHEUS_TEXT);
  }

  /** As `rendering`, at once. */
  render(): string {
    return complete(this.rendering()).toString();
  }
}
