/** Metrics of requests, over all workers. */

import { DURATION_BOUNDS } from "../../shared/memory/layout/durations.ts";
import { Header, SERIES_CAPACITY, WorkerCounter } from "../../shared/memory/layout/shared-memory.ts";
import { readSeries } from "../../shared/memory/series-table.ts";
import type { Emit, MetricDefinition, MetricGroup } from "./definition.ts";
import type { Work } from "./exposition.ts";
import { emitHistogram } from "./histogram.ts";
import { labelOfServersPool } from "./pool-label.ts";
import type { MetricsSource } from "./source.ts";
import { sumCounter } from "./workers.ts";

/** Read or written between two pauses. */
const SERIES_AT_ONCE = 256;
const SERVERS_AT_ONCE = 16;
/** Label value of requests that no server was chosen for. */
const NO_SERVER = "none";

const requests: MetricDefinition<MetricsSource> = {
  name: "http_requests_total",
  type: "counter",
  help: "Requests answered. `path` is the route, never the raw path; `server_id` is `none` when no server was chosen; `status` 0 gathers what found no room for a series of its own.",
  labels: ["method", "path", "status", "server_id"],
  perPool: true,
  collect: collectRequests,
};

function* collectRequests(source: MetricsSource, emit: Emit): Work<void> {
  const { memory } = source;
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
  for (let i = 0; i < memory.header[Header.WORKER_BLOCKS]; i++) {
    const block = memory.workers[i];
    for (let from = 0; from < SERIES_CAPACITY; from += SERIES_AT_ONCE) {
      readSeries(
        block,
        (s) => add(s.method, routeName(s.route), s.status, s.serverId, s.count),
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
  help: "Time from a request's first byte to the last of its answer, for requests that a server was chosen for. Bounds are met within 3 %.",
  labels: ["server_id"],
  perPool: true,
  *collect(source, emit) {
    const poolOf = labelOfServersPool(source);
    let shown = 0;
    for (const server of source.totals.servers()) {
      const labels = { server_id: server.id, ...poolOf(server.id) };
      emitHistogram(emit, DURATION_BOUNDS, server.buckets, server.durationSumMs / 1000, labels);
      if (++shown % SERVERS_AT_ONCE === 0) yield;
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
  metrics: [requests, durations, refused],
};
