/** Metrics of responses that are compressed, over all workers. */
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";
import { sumCounter } from "./workers.ts";

/** Where nothing was ever to be compressed there is nothing to say. */
function isUsed(source: MetricsSource): boolean {
  return (
    sumCounter(source, WorkerCounter.RESPONSES_COMPRESSED) + sumCounter(source, WorkerCounter.COMPRESSION_SKIPPED) > 0
  );
}

function counter(
  name: string,
  help: string,
  label: string,
  values: readonly (readonly [value: string, word: number])[],
): MetricDefinition<MetricsSource> {
  return {
    name,
    type: "counter",
    help,
    labels: [label],
    collect: (source, emit) => {
      if (!isUsed(source)) return;
      for (const [value, word] of values) emit(sumCounter(source, word), { [label]: value });
    },
  };
}

/** What compression comes to. */
export const compressionMetrics: MetricGroup<MetricsSource> = {
  title: "Compression",
  doc: "Only once a response was to be compressed. `skipped` are those that were sent as they are because the worker compressed as many others at that moment as it may.",
  metrics: [
    counter(
      "compressed_responses_total",
      "Responses that a route compresses and the client takes so, by whether they were.",
      "result",
      [
        ["compressed", WorkerCounter.RESPONSES_COMPRESSED],
        ["skipped", WorkerCounter.COMPRESSION_SKIPPED],
      ],
    ),
    counter(
      "compressed_bytes_total",
      "Bytes of the bodies of compressed responses, as they came from servers and as they went to clients.",
      "side",
      [
        ["server", WorkerCounter.COMPRESSED_BYTES],
        ["client", WorkerCounter.COMPRESSED_BYTES_SENT],
      ],
    ),
  ],
};
