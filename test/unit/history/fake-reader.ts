/** History in memory: seconds as they were counted, rolled up as the store does, and cut off by age as retention does. */
import { historyBucketCount, historyBucketOf } from "../../../src/shared/history-buckets.ts";
import type {
  EventRow,
  GaugeRow,
  HistoryQuery,
  HistoryReader,
  MetricRow,
  RequestRow,
  Resolution,
  ServerRow,
} from "../../../src/storage/history-store.ts";

const STEP = { second: 1_000, minute: 60_000, hour: 3_600_000 } as const;

/** What it holds. */
export interface Past {
  readonly seconds?: readonly MetricRow[];
  readonly requests?: readonly RequestRow[];
  readonly gauges?: readonly GaugeRow[];
  readonly events?: readonly EventRow[];
  readonly servers?: readonly ServerRow[];
  /** What is older is gone, by resolution. */
  readonly keptSinceMs?: Partial<Readonly<Record<Resolution, number>>>;
}

/** A reader that also notes what it was asked for. */
export class FakeReader implements HistoryReader {
  readonly asked: string[] = [];
  readonly #past: Past;
  readonly #metrics: Readonly<Record<Resolution, readonly MetricRow[]>>;

  constructor(past: Past) {
    this.#past = past;
    const seconds = past.seconds ?? [];
    const kept = (resolution: Resolution) =>
      rolledUp(seconds, STEP[resolution]).filter(({ atMs }) => atMs >= (past.keptSinceMs?.[resolution] ?? 0));
    this.#metrics = { second: kept("second"), minute: kept("minute"), hour: kept("hour") };
  }

  async *metrics(query: HistoryQuery & { readonly resolution: Resolution }) {
    this.asked.push(query.resolution);
    const rows = this.#metrics[query.resolution].filter((row) => isMeant(row, query));
    for (let i = 0; i < rows.length; i += 100) yield rows.slice(i, i + 100);
  }

  async *requests(query: HistoryQuery & { readonly reasons?: readonly string[] }) {
    const rows = (this.#past.requests ?? []).filter((row) => isMeant(row, query));
    yield rows.filter(({ reason }) => query.reasons?.includes(reason) ?? true);
  }

  async *gauges(query: HistoryQuery) {
    yield (this.#past.gauges ?? []).filter((row) => isMeant(row, query));
  }

  async events(query: HistoryQuery & { readonly kinds?: readonly string[]; readonly limit: number }) {
    const rows = (this.#past.events ?? []).filter(
      (row) => isMeant(row, query) && (query.kinds?.includes(row.kind) ?? true),
    );
    return rows
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, query.limit)
      .map((row) => ({ instance: "one", ...row }));
  }

  async servers() {
    return this.#past.servers ?? [];
  }

  async span(resolution: Resolution) {
    const times = this.#metrics[resolution].map(({ atMs }) => atMs);
    return times.length === 0
      ? { oldestMs: null, newestMs: null }
      : { oldestMs: Math.min(...times), newestMs: Math.max(...times) };
  }

  async close() {}
}

/** A second's counts of requests that took so long, with all else from `rest`. */
export function second(atMs: number, durationsMs: readonly number[], rest: Partial<MetricRow> = {}): MetricRow {
  const durations = new Array<number>(historyBucketCount).fill(0);
  for (const ms of durationsMs) durations[historyBucketOf(ms)]++;
  return {
    atMs,
    pool: "default",
    route: "default",
    server: "10.0.0.1:80",
    address: "",
    statusClass: 2,
    requests: durationsMs.length,
    failures: 0,
    retries: 0,
    durationSumMs: durationsMs.reduce((sum, ms) => sum + ms, 0),
    waitSumMs: 0,
    waited: 0,
    responseBytes: 100 * durationsMs.length,
    durations: durations.slice(0, 1 + durations.findLastIndex((n) => n > 0)),
    ...rest,
  };
}

function isMeant(
  row: { readonly atMs: number; readonly pool: string; readonly server: string; readonly route?: string },
  { sinceMs, untilMs, pool, server, route }: HistoryQuery,
): boolean {
  return (
    row.atMs >= sinceMs &&
    row.atMs < untilMs &&
    (pool === undefined || row.pool === pool) &&
    (server === undefined || row.server === server) &&
    (route === undefined || row.route === undefined || row.route === route)
  );
}

function rolledUp(seconds: readonly MetricRow[], stepMs: number): MetricRow[] {
  const rows = new Map<string, MetricRow>();
  for (const row of seconds) {
    const atMs = Math.floor(row.atMs / stepMs) * stepMs;
    const key = JSON.stringify([atMs, row.pool, row.route, row.server, row.address, row.statusClass]);
    const sum = rows.get(key);
    if (sum === undefined) rows.set(key, { ...row, atMs });
    else {
      const longest = Math.max(sum.durations.length, row.durations.length);
      rows.set(key, {
        ...sum,
        requests: sum.requests + row.requests,
        failures: sum.failures + row.failures,
        retries: sum.retries + row.retries,
        durationSumMs: sum.durationSumMs + row.durationSumMs,
        waitSumMs: sum.waitSumMs + row.waitSumMs,
        waited: sum.waited + row.waited,
        responseBytes: sum.responseBytes + row.responseBytes,
        durations: Array.from({ length: longest }, (_, i) => (sum.durations[i] ?? 0) + (row.durations[i] ?? 0)),
      });
    }
  }
  return [...rows.values()];
}
