/** Metrics of mirrored requests, by route and pool, over all workers. */
import { Header } from "../../shared/memory/layout/shared-memory.ts";
import {
  mirrorFigures as figuresOf,
  MIRROR_BOUNDS,
  MIRROR_ROWS,
  MirrorWord,
  mirrorKey,
} from "../../shared/memory/mirror-table.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import { emitHistogram } from "./histogram.ts";
import type { MetricsSource, MirroringRoute } from "./source.ts";

const RESULTS = [
  ["completed", MirrorWord.COMPLETED],
  ["failed", MirrorWord.FAILED],
  ["skipped_body", MirrorWord.SKIPPED_BODY],
  ["skipped_busy", MirrorWord.SKIPPED_BUSY],
  ["skipped_no_server", MirrorWord.SKIPPED_NO_SERVER],
  ["skipped_upgrade", MirrorWord.SKIPPED_UPGRADE],
] as const;
const STATUSES = [
  ["same", MirrorWord.SAME_STATUS],
  ["different", MirrorWord.OTHER_STATUS],
] as const;
const SIDES = [
  ["primary", MirrorWord.PRIMARY_LATENCY, MirrorWord.PRIMARY_LATENCY_SUM_MS],
  ["mirror", MirrorWord.MIRROR_LATENCY, MirrorWord.MIRROR_LATENCY_SUM_MS],
] as const;

/** The figures of each route that mirrors, summed over the workers. */
function* figures({ memory, mirrors }: MetricsSource): Iterable<[MirroringRoute, Float64Array]> {
  for (const mirror of mirrors()) {
    const sum = new Float64Array(MirrorWord.LENGTH);
    const key = mirrorKey(mirror.number, mirror.pool);
    for (let i = 0; i < memory.header[Header.WORKER_BLOCKS]; i++) {
      const row = memory.workers[i].mirrorKeys.indexOf(key);
      if (row < 0) continue;
      const own = figuresOf(memory.workers[i], row);
      for (let word = 0; word < sum.length; word++) sum[word] += own[word];
    }
    yield [mirror, sum];
  }
}

function counter(
  name: string,
  label: string,
  values: readonly (readonly [string, number])[],
  help: string,
): MetricDefinition<MetricsSource> {
  return {
    name,
    type: "counter",
    help,
    labels: ["route", "pool", label],
    collect: (source, emit) => {
      for (const [{ route, pool }, sum] of figures(source)) {
        for (const [value, word] of values) emit(sum[word], { route, pool, [label]: value });
      }
    },
  };
}

const latency: MetricDefinition<MetricsSource> = {
  name: "mirror_response_duration_seconds",
  type: "histogram",
  help: "Time to the response head, of requests that were mirrored (`side` `primary`) and of their mirrors (`mirror`), where both got one.",
  labels: ["route", "pool", "side"],
  collect: (source, emit) => {
    for (const [{ route, pool }, sum] of figures(source)) {
      for (const [side, at, sumMs] of SIDES) {
        const buckets = sum.subarray(at, at + MIRROR_BOUNDS.length + 1);
        emitHistogram(emit, MIRROR_BOUNDS, buckets, sum[sumMs] / 1000, { route, pool, side });
      }
    }
  },
};

/** What mirrors say. */
export const mirrorMetrics: MetricGroup<MetricsSource> = {
  title: "Mirroring",
  doc: `Only of routes that mirror, of which each worker counts ${MIRROR_ROWS} at most. \`pool\` is the one that is mirrored to. A mirrored request is \`completed\` when its response came to its end, or as far as it is read (1 MiB, and so long as a response body may take); \`failed\` when none came or it broke off. It is not sent when the request's body did not come whole with its head or is longer than 256 KiB (\`skipped_body\`), when 256 are under way in that worker, or 16 MiB of them (\`skipped_busy\`), when no server has room (\`skipped_no_server\`), or when the request asks for another protocol (\`skipped_upgrade\`).`,
  metrics: [
    counter("mirrored_requests_total", "result", RESULTS, "Requests that were to be mirrored, by what became of that."),
    counter(
      "mirror_statuses_total",
      "status",
      STATUSES,
      "Mirrored requests where both got a response, by whether its status was the same.",
    ),
    latency,
  ],
};
