/** Metrics of attempts at servers: how long their parts take, why they fail, and what they go over. */
import { ATTEMPT_CAUSES } from "../../shared/attempt-causes.ts";
import {
  BriefDurationWord,
  DURATION_BOUNDS,
  NATIVE_FIRST,
  NATIVE_SCHEMA,
} from "../../shared/memory/layout/durations.ts";
import type { MetricDefinition, MetricGroup, MetricType } from "./definition.ts";
import type { ServerTotals } from "./durations.ts";
import { emitHistogram } from "./histogram.ts";
import { labelOfServersPool } from "./pool-label.ts";
import type { MetricsSource } from "./source.ts";

/** Written between two pauses. */
const SERVERS_AT_ONCE = 16;
/** Causes that have a sample of every server from the start, so that the first of them is seen as growth. */
const USUAL_CAUSES: readonly string[] = [
  "server_error",
  "connect_refused",
  "connect_timeout",
  "closed_before_response",
  "try_timeout",
  "response_timeout",
];

/** Writes the samples of one server. */
type Write = (server: ServerTotals, labels: Readonly<Record<string, string | number>>) => void;

function perServer(
  type: MetricType,
  name: string,
  help: string,
  labels: readonly string[],
  writer: (emit: Parameters<MetricDefinition<MetricsSource>["collect"]>[1]) => Write,
): MetricDefinition<MetricsSource> {
  return {
    name,
    type,
    help,
    labels: ["server_id", ...labels],
    perPool: true,
    *collect(source, emit) {
      const poolOf = labelOfServersPool(source);
      const write = writer(emit);
      let shown = 0;
      for (const server of source.totals.servers()) {
        write(server, { server_id: server.id, ...poolOf(server.id) });
        if (++shown % SERVERS_AT_ONCE === 0) yield;
      }
    },
  };
}

function byCause(name: string, help: string, key: "failureCauses" | "retryCauses"): MetricDefinition<MetricsSource> {
  return perServer("counter", name, help, ["cause"], (emit) => (server, labels) => {
    ATTEMPT_CAUSES.forEach((cause, index) => {
      const count = server[key][index];
      if (count > 0 || USUAL_CAUSES.includes(cause)) emit(count, { ...labels, cause });
    });
  });
}

function briefly(name: string, help: string, key: "connects" | "handshakes"): MetricDefinition<MetricsSource> {
  return perServer("histogram", name, help, [], (emit) => (server, labels) => {
    const row = server[key];
    const counts = row.subarray(BriefDurationWord.BUCKETS);
    emitHistogram(emit, DURATION_BOUNDS, counts, row[BriefDurationWord.SUM_SECONDS], labels);
  });
}

const wholeRequests = perServer(
  "histogram",
  "server_request_duration_seconds",
  "Time from a request's first byte to the last of its answer, of requests that the server was chosen for last. Bounds are met within 3 %.",
  [],
  (emit) => (server, labels) =>
    emitHistogram(emit, DURATION_BOUNDS, server.buckets, server.durationSumMs / 1000, labels),
);

const firstBytes = perServer(
  "histogram",
  "server_first_byte_duration_seconds",
  "Time from an attempt's dispatch, connecting included, to its complete response head. Sum and count are exact, bounds of classic and native buckets are met within 3 %.",
  [],
  (emit) => (server, labels) =>
    emitHistogram(emit, DURATION_BOUNDS, server.latencyBuckets, server.latencySumMs / 1000, labels, {
      native: { schema: NATIVE_SCHEMA, first: NATIVE_FIRST, counts: server.latencyNative },
    }),
);

const connects = perServer(
  "counter",
  "server_connects_total",
  "Connections to the server that were made; those that were not are failures with a cause of their own.",
  [],
  (emit) => (server, labels) => emit(countOf(server.connects), labels),
);

const reuses = perServer(
  "counter",
  "server_connection_reuses_total",
  "Attempts at the server over a connection that was kept.",
  [],
  (emit) => (server, labels) => emit(server.reuses, labels),
);

function countOf(row: Float64Array): number {
  return row.subarray(BriefDurationWord.BUCKETS).reduce((a, b) => a + b, 0);
}

/** Per server, of the attempts at it. */
export const attemptMetrics: MetricGroup<MetricsSource> = {
  title: "Attempts at servers",
  doc: `All of servers that are there: these series end with the server. \`cause\` is a code of [the table of failures](../ARCHITECTURE.md#failures), or \`server_error\` for a response of 5xx; of ${USUAL_CAUSES.map((cause) => `\`${cause}\``).join(", ")} there is a sample from the start, of the other ${ATTEMPT_CAUSES.length - USUAL_CAUSES.length} once there was one. So a server has at most ${ATTEMPT_CAUSES.length} samples in each of the two metrics with a cause, 16 in each histogram, and one in each of the others.`,
  metrics: [
    wholeRequests,
    firstBytes,
    briefly(
      "server_connect_duration_seconds",
      "Time to make a connection to the server, its TLS handshake included.",
      "connects",
    ),
    briefly("server_tls_handshake_duration_seconds", "Of that, the TLS handshake, where there is one.", "handshakes"),
    connects,
    reuses,
    byCause(
      "server_failures_total",
      "Attempts that the server failed: no answer, 5xx, or one that broke off.",
      "failureCauses",
    ),
    byCause(
      "server_retries_total",
      "Attempts at the server that were given up for another one, there or elsewhere. `stale_connection` is nobody's failure.",
      "retryCauses",
    ),
  ],
};
