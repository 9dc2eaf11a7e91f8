/** The metrics of an instance: the list of all there are, and their exposition. */
import { attemptMetrics } from "./attempts.ts";
import { certificateMetrics } from "./certificates.ts";
import { compressionMetrics } from "./compression.ts";
import { adminMetrics } from "./control/admin.ts";
import { canaryMetrics } from "./control/canaries.ts";
import { clusterMetrics } from "./control/cluster.ts";
import { overrideMetrics } from "./control/overrides.ts";
import { rateLimitMetrics } from "./control/rate-limits.ts";
import type { MetricGroup } from "./definition.ts";
import { complete, exposition, type Work } from "./exposition.ts";
import { FORMATS } from "./formats/formats.ts";
import type { FormatName } from "./formats/negotiation.ts";
import { grpcMetrics } from "./grpc.ts";
import { historyMetrics } from "./history.ts";
import { classMetrics } from "./learned/classes.ts";
import { holdingMetrics } from "./learned/holding.ts";
import { learningMetrics } from "./learned/learning.ts";
import { mirrorMetrics } from "./mirrors.ts";
import { processMetrics } from "./process.ts";

import { requestMetrics } from "./requests.ts";
import { poolMetrics, serverStateMetrics } from "./server-states.ts";
import { controlMetrics, serverMetrics } from "./servers.ts";
import type { RefusedSamples } from "./sound-samples.ts";
import type { MetricsSource, ServerFigures } from "./source.ts";
import { tracingMetrics } from "./tracing.ts";
import { clientMetrics, healthOfSelfMetrics, upstreamMetrics } from "./workers.ts";

/** What a scrape reads. */
interface ScrapedSource extends MetricsSource {
  readonly refused: Readonly<RefusedSamples>;
}

const expositionMetrics: MetricGroup<ScrapedSource> = {
  title: "Exposition",
  metrics: [
    {
      name: "metrics_samples_refused_total",
      type: "counter",
      help: "Samples that were left out of these metrics, by reason: `invalid` (no number, or a negative one, where that cannot be), `duplicate` (the series was there already). Each is a defect of ours.",
      labels: ["reason"],
      collect: ({ refused }, emit) => {
        for (const [reason, count] of Object.entries(refused)) emit(count, { reason });
      },
    },
  ],
};

/** Every metric, in the order in which it is exposed and documented. */
export const METRIC_GROUPS: readonly MetricGroup<ScrapedSource>[] = [
  requestMetrics,
  serverMetrics,
  attemptMetrics,
  serverStateMetrics,
  poolMetrics,
  controlMetrics,
  clientMetrics,
  upstreamMetrics,
  mirrorMetrics,
  rateLimitMetrics,
  clusterMetrics,
  grpcMetrics,
  compressionMetrics,
  overrideMetrics,
  canaryMetrics,
  holdingMetrics,
  classMetrics,
  learningMetrics,
  historyMetrics,
  tracingMetrics,
  adminMetrics,
  healthOfSelfMetrics,
  processMetrics,
  certificateMetrics,
  expositionMetrics,
];

/** The exposition of one source. */
export class Metrics {
  readonly #source: MetricsSource;
  /** Since the start. */
  readonly #refused: RefusedSamples = { invalid: 0, duplicate: 0 };

  constructor(source: MetricsSource) {
    this.#source = source;
  }

  /** Reads everything and renders it, a little at a time. */
  *rendering(format: FormatName): Work<Buffer> {
    const { totals, waits, topology, servers } = this.#source;
    yield* totals.updating();
    waits.update(topology().pools);
    const read: ServerFigures[] = []; // once per scrape: percentiles cost a walk over the histograms
    for (const server of servers()) {
      read.push(server);
      yield;
    }
    const source = { ...this.#source, servers: () => read, refused: this.#refused };
    return yield* exposition(METRIC_GROUPS, source, FORMATS[format], this.#refused);
  }

  /** As `rendering`, at once, as text. */
  render(): string {
    return complete(this.rendering("text")).toString();
  }
}
