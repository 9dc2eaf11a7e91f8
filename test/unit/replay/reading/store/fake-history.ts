/** A history in memory, to be filled request by request and read as a store's. */

import { historyBucketOf } from "../../../../../src/shared/history-buckets.ts";
import type {
  EventQuery,
  EventRow,
  GaugeRow,
  HistoryQuery,
  HistoryReader,
  HistorySpan,
  MetricQuery,
  MetricRow,
  RequestQuery,
  RequestRow,
  Resolution,
  ServerRow,
} from "../../../../../src/storage/history-store.ts";

/** A window of an hour. */
export const SINCE = Date.UTC(2026, 10, 29, 20);
export const UNTIL = SINCE + 3_600_000;

const STEP_MS: Readonly<Record<Resolution, number>> = { second: 1000, minute: 60_000, hour: 3_600_000 };

type MutableMetric = { -readonly [K in keyof MetricRow]: MetricRow[K] } & { durations: number[] };

export class FakeHistory implements HistoryReader {
  readonly metricRows: Record<Resolution, MutableMetric[]> = { second: [], minute: [], hour: [] };
  readonly requestRows: RequestRow[] = [];
  readonly gaugeRows: GaugeRow[] = [];
  readonly eventRows: EventRow[] = [];
  readonly serverRows: ServerRow[] = [];

  /** One that ended; counted always, and kept as a single one or not. */
  request(row: Partial<RequestRow> = {}, kept = true, weight = 1): void {
    const whole: RequestRow = {
      atMs: SINCE,
      pool: "default",
      route: "default",
      server: "s1:80",
      address: "",
      method: "GET",
      path: "/",
      status: 200,
      error: "",
      durationMs: 10,
      waitMs: 0,
      headMs: 5,
      attempts: 1,
      inFlight: 0,
      responseBytes: 0,
      requestId: "",
      client: "",
      reason: "sample",
      ...row,
      weight,
    };
    if (kept) this.requestRows.push(whole);
    for (const resolution of ["second", "minute", "hour"] as const) this.#count(resolution, whole);
  }

  gauge(row: Partial<GaugeRow>): void {
    const rest = { address: "", state: "up", weight: 1, effectiveWeight: 1, inFlight: 0 };
    this.gaugeRows.push({
      atMs: SINCE,
      pool: "default",
      server: "",
      cpuPercent: Number.NaN,
      memoryPercent: Number.NaN,
      ...rest,
      ...row,
    });
  }

  event(row: Partial<EventRow>): void {
    const rest = { pool: "default", server: "", address: "", actor: "balancer", message: "" };
    this.eventRows.push({ atMs: SINCE, kind: "start", ...rest, detail: null, ...row });
  }

  /** An instance that began a minute before. */
  start(pool: string, strategy: string): void {
    this.event({ atMs: SINCE - 60_000, kind: "start", pool: "", detail: { strategies: { [pool]: strategy } } });
  }

  server(row: Partial<ServerRow>): void {
    const times = { firstSeenMs: SINCE, lastSeenMs: SINCE, removedAtMs: null };
    const set = { weight: null, capacity: null, configuredWeight: 1, configuredCapacity: 0 };
    this.serverRows.push({ pool: "default", host: "", port: 0, ...set, ...times, ...row });
  }

  async *metrics(query: MetricQuery) {
    const rows = this.metricRows[query.resolution].filter((row) => row.atMs >= query.sinceMs && fits(row, query));
    yield* pages(rows);
  }

  async *requests(query: RequestQuery) {
    yield* pages(this.requestRows.filter((row) => row.atMs >= query.sinceMs && fits(row, query)));
  }

  async *gauges(query: HistoryQuery) {
    yield* pages(this.gaugeRows.filter((row) => row.atMs >= query.sinceMs && fits(row, query)));
  }

  async events(query: EventQuery) {
    // Of the whole instance, or of the pool that is asked for.
    const wanted = this.eventRows.filter(
      (row) =>
        row.atMs >= query.sinceMs &&
        row.atMs < query.untilMs &&
        (query.pool === undefined || row.pool === query.pool) &&
        (query.kinds === undefined || query.kinds.includes(row.kind)),
    );
    return wanted
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, query.limit)
      .map((row) => ({ ...row, instance: "one" }));
  }

  async servers() {
    return this.serverRows;
  }

  async span(resolution: Resolution): Promise<HistorySpan> {
    const times = this.metricRows[resolution].map(({ atMs }) => atMs);
    if (times.length === 0) return { oldestMs: null, newestMs: null };
    return { oldestMs: Math.min(...times), newestMs: Math.max(...times) };
  }

  async close() {}

  #count(resolution: Resolution, row: RequestRow): void {
    const step = STEP_MS[resolution];
    const atMs = Math.floor((row.atMs + row.durationMs) / step) * step;
    const { pool, route, server, address } = row;
    const statusClass = Math.floor(row.status / 100);
    const rows = this.metricRows[resolution];
    let counts = rows.find(
      (one) => one.atMs === atMs && one.pool === pool && one.route === route && one.server === server,
    );
    if (counts === undefined) {
      const sums = {
        requests: 0,
        failures: 0,
        retries: 0,
        durationSumMs: 0,
        waitSumMs: 0,
        waited: 0,
        responseBytes: 0,
      };
      counts = { atMs, pool, route, server, address, statusClass, ...sums, durations: [] };
      rows.push(counts);
    }
    counts.requests++;
    counts.durationSumMs += row.durationMs;
    const bucket = historyBucketOf(row.durationMs);
    while (counts.durations.length <= bucket) counts.durations.push(0);
    counts.durations[bucket]++;
  }
}

function fits(row: { atMs: number; pool: string }, { untilMs, pool }: HistoryQuery): boolean {
  return row.atMs < untilMs && (pool === undefined || row.pool === pool);
}

/** Of a size that does not divide anything. */
function* pages<T extends { atMs: number }>(rows: readonly T[]): Generator<readonly T[]> {
  const sorted = [...rows].sort((a, b) => a.atMs - b.atMs);
  for (let at = 0; at < sorted.length; at += 97) yield sorted.slice(at, at + 97);
}
