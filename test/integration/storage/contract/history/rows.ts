/** Rows of what happened, for tests; all values of a row tell which it is. */
import type {
  EventRow,
  GaugeRow,
  HistoryQuery,
  HistoryReader,
  KnownServer,
  MetricRow,
  RequestRow,
  Resolution,
} from "../../../../../src/storage/history-store.ts";

/** When each test begins: at the beginning of an hour. */
export const BEGAN_MS = 1_699_999_200_000;

/** All of time. */
export const ALWAYS: HistoryQuery = { sinceMs: 0, untilMs: 8e15 };

/** Counts of the second `n` after the beginning. */
export function metric(n: number, changed: Partial<MetricRow> = {}): MetricRow {
  return {
    atMs: BEGAN_MS + 1_000 * n,
    pool: "default",
    route: "all",
    server: "a:80",
    address: "10.0.0.1",
    statusClass: 2,
    requests: n + 1,
    failures: n % 3,
    retries: n % 2,
    durationSumMs: n + 0.5,
    waitSumMs: n / 4,
    waited: n % 5,
    responseBytes: 1_000 * n,
    durations: [0, 0, n, 0, 1],
    ...changed,
  };
}

/** Counts of the seconds `from` … `to - 1`. */
export function metrics(from: number, to: number, changed: Partial<MetricRow> = {}): MetricRow[] {
  return Array.from({ length: to - from }, (_, i) => metric(from + i, changed));
}

/** Request number `n`, ten in a second. */
export function request(n: number, changed: Partial<RequestRow> = {}): RequestRow {
  return {
    atMs: BEGAN_MS + 100 * n,
    pool: "default",
    route: "all",
    server: "a:80",
    address: "",
    method: "GET",
    path: `/${n}`,
    status: 200 + (n % 2) * 300,
    error: n % 2 === 0 ? "" : "connect_refused",
    durationMs: n + 0.25,
    waitMs: n / 8,
    headMs: n % 2 === 0 ? n : Number.NaN,
    attempts: 1 + (n % 3),
    inFlight: (n % 4) - 1,
    responseBytes: 10 * n,
    requestId: `id-${n}`,
    client: "192.0.2.1",
    reason: (["sample", "slow", "failed"] as const)[n % 3],
    weight: 1 + n / 2,
    ...changed,
  };
}

/** Requests `from` … `to - 1`. */
export function requests(from: number, to: number): RequestRow[] {
  return Array.from({ length: to - from }, (_, i) => request(from + i));
}

export function gauge(n: number, changed: Partial<GaugeRow> = {}): GaugeRow {
  return {
    atMs: BEGAN_MS + 10_000 * n,
    pool: "default",
    server: "a:80",
    address: "",
    state: "up",
    weight: 2,
    effectiveWeight: 1.5,
    inFlight: n,
    cpuPercent: n % 2 === 0 ? 12.5 : Number.NaN,
    memoryPercent: n % 2 === 0 ? Number.NaN : 40.25,
    ...changed,
  };
}

export function event(n: number, changed: Partial<EventRow> = {}): EventRow {
  return {
    atMs: BEGAN_MS + n,
    kind: "change",
    pool: "default",
    server: "a:80",
    address: "",
    actor: "admin API (127.0.0.1)",
    message: `Number ${n}.`,
    detail: { n },
    ...changed,
  };
}

export function server(host: string, changed: Partial<KnownServer> = {}): KnownServer {
  return { pool: "default", host, port: 80, weight: 1, capacity: 10, ...changed };
}

/** All rows of all pages. */
export async function all<Row>(pages: AsyncIterable<readonly Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

/** Counts at a resolution, of all time unless something else is asked. */
export function counts(reader: HistoryReader, resolution: Resolution = "second", query: Partial<HistoryQuery> = {}) {
  return all(reader.metrics({ ...ALWAYS, ...query, resolution }));
}
