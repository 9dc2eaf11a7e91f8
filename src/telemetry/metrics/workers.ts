/** Metrics that are sums of the workers' counters. */

import { RecorderCounter } from "../../shared/memory/layout/history.ts";
import { LearnerCounter } from "../../shared/memory/layout/learning.ts";
import { Header, SERIES_CAPACITY } from "../../shared/memory/layout/shared-memory.ts";
import { TracerCounter } from "../../shared/memory/layout/tracing.ts";
import { WORKER_GAUGES, WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { seriesInUse } from "../../shared/memory/series-table.ts";
import type { MetricDefinition, MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

/** One word of the workers' counters, summed over all workers, those before a restart included. */
export function sumCounter({ memory }: MetricsSource, word: number): number {
  let sum = 0;
  for (let i = 0; i < memory.header[Header.WORKER_BLOCKS]; i++) sum += memory.workers[i].counters[word];
  return sum;
}

function summed(name: string, word: number, help: string): MetricDefinition<MetricsSource> {
  const type = WORKER_GAUGES.includes(word) ? "gauge" : "counter";
  return { name, type, help, collect: (source, emit) => emit(sumCounter(source, word)) };
}

const C = WorkerCounter;

/** Connections of clients. */
export const clientMetrics: MetricGroup<MetricsSource> = {
  title: "Clients",
  metrics: [
    summed("connections_accepted_total", C.CONNECTIONS_ACCEPTED, "Client connections accepted."),
    summed("connections_open", C.CONNECTIONS_OPEN, "Client connections open now."),
    summed("connections_rejected_total", C.CONNECTIONS_REJECTED, "Client connections refused by a limit."),
    summed("tls_handshake_errors_total", C.TLS_HANDSHAKE_ERRORS, "TLS handshakes with clients that failed."),
    summed(
      "proxy_protocol_errors_total",
      C.PROXY_HEADERS_REFUSED,
      "Connections of trusted proxies that were refused because no header of the PROXY protocol came, or none that is right.",
    ),
    summed("http2_connections_total", C.HTTP2_CONNECTIONS, "Client connections that spoke HTTP/2."),
    summed(
      "http2_protocol_errors_total",
      C.HTTP2_PROTOCOL_ERRORS,
      "Client connections of HTTP/2 that ended over a frame that must not be.",
    ),
    summed(
      "http2_abuse_total",
      C.HTTP2_ABUSE,
      "Client connections of HTTP/2 that ended over too many frames that bring nobody forward: resets, PING, empty ones.",
    ),
    summed(
      "http2_refused_streams_total",
      C.HTTP2_STREAMS_REFUSED,
      "Requests over HTTP/2 that were refused because HTTP2_MAX_STREAMS were under way on their connection.",
    ),
    summed("received_bytes_total", C.BYTES_FROM_CLIENTS, "Bytes received from clients."),
    summed("sent_bytes_total", C.BYTES_TO_CLIENTS, "Bytes sent to clients."),
    summed("client_aborts_total", C.CLIENT_ABORTS, "Requests that the client gave up before the answer was complete."),
    summed("tunnels_open", C.TUNNELS_OPEN, "WebSocket and other tunnels open now."),
    summed("tunnels_total", C.TUNNELS_TOTAL, "Tunnels opened."),
  ],
};

/** Connections to servers, retries and the queue. */
export const upstreamMetrics: MetricGroup<MetricsSource> = {
  title: "Connections to servers, retries, queue",
  metrics: [
    summed("upstream_connects_total", C.UPSTREAM_CONNECTS, "Connections opened to servers."),
    summed(
      "upstream_connect_failures_total",
      C.UPSTREAM_CONNECT_FAILURES,
      "Connections to servers that could not be opened.",
    ),
    summed("upstream_reuses_total", C.UPSTREAM_REUSES, "Requests sent over a kept connection."),
    summed(
      "upstream_http2_stalls_total",
      C.UPSTREAM_STALLS,
      "Connections opened to servers of HTTP/2 because those that there were took nothing of requests: their window was withheld.",
    ),
    summed("upstream_idle_connections", C.UPSTREAM_IDLE, "Idle connections kept to servers."),
    summed("retries_total", C.RETRIES, "Attempts after the first."),
    summed("retries_denied_total", C.RETRIES_DENIED_BY_BUDGET, "Retries that the budget did not allow."),
    summed("queue_length", C.QUEUE_LENGTH, "Requests that wait for a server with room."),
    summed("queue_timeouts_total", C.QUEUE_TIMEOUTS, "Requests that waited too long for a server with room."),
    summed("queue_rejected_total", C.QUEUE_REJECTED, "Requests that found the queue full."),
  ],
};

/** Lost log lines and internal errors. */
export const healthOfSelfMetrics: MetricGroup<MetricsSource> = {
  title: "Logs and internal errors",
  metrics: [
    summed("access_log_lines_total", C.ACCESS_LOG_LINES, "Lines written to the access log."),
    summed(
      "access_log_dropped_total",
      C.ACCESS_LOG_DROPPED,
      "Lines of the access log that were lost: a full disk, a reader that is gone or too slow.",
    ),
    {
      name: "log_dropped_total",
      type: "counter",
      help: "Lines of the processes' own logs that could not be written.",
      collect: (source, emit) => {
        emit(
          source.logDropped() +
            sumCounter(source, C.LOG_DROPPED) +
            source.memory.learnerCounters[LearnerCounter.LOG_DROPPED] +
            source.memory.recorder.counters[RecorderCounter.LOG_DROPPED] +
            source.memory.tracer.counters[TracerCounter.LOG_DROPPED],
        );
      },
    },
    summed(
      "internal_errors_total",
      C.INTERNAL_ERRORS,
      "Exceptions caught at the edge; each is a bug and failed one connection.",
    ),
    summed(
      "series_overflow_total",
      C.SERIES_OVERFLOW,
      "Requests counted without a series of their own because the table was full.",
    ),
    {
      name: "metrics_series",
      type: "gauge",
      help: "Series of `http_requests_total` in the fullest worker's table, those of servers and routes that went lately included.",
      *collect({ memory }, emit) {
        let most = 0;
        for (let i = 0; i < memory.header[Header.WORKER_BLOCKS]; i++) {
          most = Math.max(most, seriesInUse(memory.workers[i]));
          yield;
        }
        emit(most);
      },
    },
    {
      name: "metrics_series_limit",
      type: "gauge",
      help: "How many of these a worker's table has room for.",
      collect: (_, emit) => emit(SERIES_CAPACITY),
    },
  ],
};
