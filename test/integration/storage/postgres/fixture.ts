/** What tests of PostgreSQL have in common. */
import { afterAll, describe } from "bun:test";
import type { HistoryBackend, HistoryOptions } from "../../../../src/storage/backend.ts";
import type { HistoryLimits, MetricRow, RequestRow } from "../../../../src/storage/history-store.ts";
import type { PostgresLocation } from "../../../../src/storage/postgres/location.ts";
import { POSTGRES } from "../../../../src/storage/postgres/postgres.ts";
import type { StoredEvent } from "../../../../src/storage/rows/event-row.ts";
import type { HistoryRows } from "../../../../src/storage/rows/row-kinds.ts";
import { hasPostgres, PostgresServer, type ServerOptions } from "../../../support/databases/postgres-server.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** The beginning of an hour. */
export const NOW_MS = 1_699_999_200_000;

export const LIMITS: HistoryLimits = {
  detailMs: 72 * HOUR_MS,
  minutesMs: 31 * DAY_MS,
  hoursMs: 400 * DAY_MS,
  maxBytes: 2 ** 40,
};
export const NO_ROWS: HistoryRows = { metrics: [], requests: [], gauges: [], events: [] };

/** Defines tests with a server of their own, which is started for the first that asks for it. */
export function withServer(
  title: string,
  define: (server: () => Promise<PostgresServer>) => void,
  options: ServerOptions = {},
) {
  describe.skipIf(!hasPostgres)(title, () => {
    let started: Promise<PostgresServer> | null = null;
    afterAll(async () => (await started)?.remove());
    define(() => {
      started ??= PostgresServer.start(options);
      return started;
    });
  });
}

export function metric(atMs: number, changed: Partial<MetricRow> = {}): MetricRow {
  return {
    atMs,
    pool: "default",
    route: "all",
    server: "a:80",
    address: "",
    statusClass: 2,
    requests: 3,
    failures: 1,
    retries: 0,
    durationSumMs: 1.5,
    waitSumMs: 0,
    waited: 0,
    responseBytes: 5,
    durations: [0, 1, 2],
    ...changed,
  };
}

export function request(atMs: number, changed: Partial<RequestRow> = {}): RequestRow {
  return {
    atMs,
    pool: "default",
    route: "all",
    server: "a:80",
    address: "",
    method: "GET",
    path: "/",
    status: 200,
    error: "",
    durationMs: 1.5,
    waitMs: 0,
    headMs: 1,
    attempts: 1,
    inFlight: 0,
    responseBytes: 10,
    requestId: `r${atMs}`,
    client: "127.0.0.1",
    reason: "sample",
    weight: 1,
    ...changed,
  };
}

export function event(atMs: number, changed: Partial<StoredEvent> = {}): StoredEvent {
  return {
    atMs,
    kind: "start",
    pool: "",
    server: "",
    address: "",
    actor: "balancer",
    message: "It began.",
    detail: "null",
    ...changed,
  };
}

/** A history's backend; not open yet. */
export function history(location: PostgresLocation, changed: Partial<HistoryOptions> = {}): HistoryBackend {
  const options = {
    nowMs: () => NOW_MS,
    movedAside: () => {},
    instance: location.instance,
    limits: LIMITS,
    ...changed,
  };
  return POSTGRES.history.own(location, options);
}

/** Writes one batch. */
export function write(backend: HistoryBackend, batchId: string, rows: Partial<HistoryRows>) {
  return backend.write({ batchId, rows: { ...NO_ROWS, ...rows }, change: null, probe: false });
}

/** Sums of requests by table, as the database has them. */
export async function sums(server: PostgresServer, { database }: PostgresLocation) {
  const [row] = await server.query<Record<"metrics" | "minutes" | "hours", string | null>>(
    `SELECT (SELECT sum(requests) FROM metrics) AS metrics, (SELECT sum(requests) FROM metrics_1m) AS minutes,
       (SELECT sum(requests) FROM metrics_1h) AS hours`,
    database,
  );
  return [Number(row.metrics), Number(row.minutes), Number(row.hours)];
}
