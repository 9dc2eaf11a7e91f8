/** Metrics of requests, over all workers. */
import { BriefDurationWord, DURATION_BOUNDS, DURATION_ROWS } from "../../shared/memory/layout/durations.ts";
import { Header, SERIES_CAPACITY } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { readSeries } from "../../shared/memory/series-table.ts";
import type { Emit, MetricDefinition, MetricGroup } from "./definition.ts";
import type { Work } from "./exposition.ts";
import { emitHistogram } from "./histogram.ts";
import { labelOfPool, labelOfServersPool, NO_POOL } from "./pool-label.ts";
import { readDurations } from "./request-durations.ts";
import type { MetricsSource } from "./source.ts";
import { sumCounter } from "./workers.ts";

/** Read or written between two pauses. */
const SERIES_AT_ONCE = 256;
/** Label value of requests that no server was chosen for. */
const NO_SERVER = "none";
/** Of durations that have no row of their own: no route is called so. */
const OTHER_PATH = "(other)";

const requests: MetricDefinition<MetricsSource> = {
  name: "http_requests_total",
  type: "counter",
  help: "Requests answered. `path` is the route, never the raw path; `server_id` is `none` when no server was chosen; `status` 0 gathers what found no room for a series of its own.",
  labels: ["method", "path", "status", "server_id"],
  perPool: true,
  collect: collectRequests,
};

function* collectRequests(source: MetricsSource, emit: Emit): Work<void> {
  const { memory, shownSeries } = source;
  const { routeName } = source.topology();
  const poolOf = labelOfServersPool(source);
  const sums = new Map<string, { labels: Record<string, string | number>; count: number }>();
  const add = (method: string, path: string, status: number, server: number, count: number) => {
    const key = `${method} ${path} ${status} ${server}`;
    const sum = sums.get(key);
    if (sum !== undefined) sum.count += count;
    else {
      const labels = { method, path, status, server_id: server === 0 ? NO_SERVER : server, ...poolOf(server) };
      sums.set(key, { labels, count });
    }
  };
  const shows = shownSeries(); // as it is now: all workers are asked for the same
  for (let i = 0; i < memory.header[Header.WORKER_BLOCKS]; i++) {
    const block = memory.workers[i];
    for (let from = 0; from < SERIES_CAPACITY; from += SERIES_AT_ONCE) {
      readSeries(
        block,
        (s) => {
          if (shows(s.route, s.serverId)) add(s.method, routeName(s.route), s.status, s.serverId, s.count);
        },
        from,
        from + SERIES_AT_ONCE,
      );
      yield;
    }
    const overflow = block.counters[WorkerCounter.SERIES_OVERFLOW];
    if (overflow > 0) add("other", "/*", 0, 0, overflow);
  }
  let emitted = 0;
  for (const { labels, count } of sums.values()) {
    emit(count, labels);
    if (++emitted % SERIES_AT_ONCE === 0) yield;
  }
}

const durations: MetricDefinition<MetricsSource> = {
  name: "http_request_duration_seconds",
  type: "histogram",
  help: `Time from a request's first byte to the last of its answer, by route (\`path\`, as in \`http_requests_total\`) and pool (\`none\`: it went to none). Without reserved paths and requests that were refused before their route was known; a tunnel lasts as long as it is open. Classic and native buckets are exact. \`${OTHER_PATH}\` has what found no room.`,
  labels: ["path"],
  perPool: true,
  *collect(source, emit) {
    const poolOf = labelOfPool(source);
    for (const { pair, figures } of readDurations(source)) {
      const labels =
        pair === null
          ? { path: OTHER_PATH, ...poolOf(NO_POOL) }
          : { path: source.topology().routeName(pair.route), ...poolOf(pair.pool === "" ? NO_POOL : pair.pool) };
      emit.histogram(figures, labels);
      yield;
    }
  },
};

const waits: MetricDefinition<MetricsSource> = {
  name: "queue_wait_seconds",
  type: "histogram",
  help: "Time that requests waited for a server with room, of those that had to wait, whatever became of them, by why they did: `full` (every server was at its hard limit), `held` (every server worked on as many as was learned that it can).",
  labels: ["reason"],
  perPool: true,
  collect: (source, emit) => {
    const poolOf = labelOfPool(source);
    for (const { name } of source.topology().pools) {
      for (const reason of ["full", "held"]) {
        const row = source.waits.of(name, reason === "held");
        const counts = row.subarray(BriefDurationWord.BUCKETS);
        const labels = { reason, ...poolOf(name) };
        emitHistogram(emit, DURATION_BOUNDS, counts, row[BriefDurationWord.SUM_SECONDS], labels);
      }
    }
  },
};

const refused: MetricDefinition<MetricsSource> = {
  name: "http_requests_refused_total",
  type: "counter",
  help: "Requests refused before a server was chosen: malformed, oversize or late.",
  collect: (source, emit) => emit(sumCounter(source, WorkerCounter.REQUESTS_REFUSED)),
};

/** Metrics of requests. */
export const requestMetrics: MetricGroup<MetricsSource> = {
  title: "Requests",
  doc: `How many series there can be: of \`http_requests_total\` ${SERIES_CAPACITY} per worker, which \`metrics_series\` and \`metrics_series_limit\` watch; those of servers and routes that are gone end after ten minutes, and their room is used again. Durations have 16 samples for each route and pool that its requests go to, ${DURATION_ROWS - 1} such pairs at most, and \`queue_wait_seconds\` 32 for each pool. While traces are exported, the last traced request of each bucket stands beside it as an exemplar (\`trace_id\`), in the formats that have them.`,
  metrics: [requests, durations, waits, refused],
};
