/** A history store for tests of whoever writes to one: rows of counts are taken once, and writing fails when the test says so. */
import type {
  EventRow,
  GaugeRow,
  HistorySpan,
  KnownServer,
  MetricRow,
  RecordedEvent,
  RequestRow,
  ServerRow,
} from "../../../src/storage/history-store.ts";
import type { StoreStatus } from "../../../src/storage/learning-store.ts";
import { StoreError } from "../../../src/storage/store-error.ts";

/** What is written outlives the store: another one over the same place finds it. */
export class HistoryPlace {
  readonly metrics = new Map<string, MetricRow>();
  readonly requests: RequestRow[] = [];
  readonly gauges: GaugeRow[] = [];
  readonly events: EventRow[] = [];
  servers: readonly ServerRow[] = [];
  undone: readonly ServerRow[] = [];

  /** Sum over all rows. */
  get counted(): number {
    return [...this.metrics.values()].reduce((sum, { requests }) => sum + requests, 0);
  }

  /** The rows, the oldest first. */
  get rows(): MetricRow[] {
    return [...this.metrics.values()].sort((a, b) => a.atMs - b.atMs);
  }
}

/** See the top of this file. */
export class FakeHistory {
  readonly place: HistoryPlace;
  /** Writing fails. */
  fails = false;
  /** It hangs: neither written nor refused. */
  hangs = false;
  /** Told of each call of `knowServers`. */
  readonly known: (readonly KnownServer[])[] = [];
  #metrics: MetricRow[] = [];
  #requests: RequestRow[] = [];
  #gauges: GaugeRow[] = [];
  #events: EventRow[] = [];
  rowsWritten = 0;

  constructor(place = new HistoryPlace()) {
    this.place = place;
  }

  appendMetrics(rows: readonly MetricRow[]): void {
    this.#metrics.push(...rows);
  }
  appendRequests(rows: readonly RequestRow[]): void {
    this.#requests.push(...rows);
  }
  appendGauges(rows: readonly GaugeRow[]): void {
    this.#gauges.push(...rows);
  }
  appendEvents(rows: readonly EventRow[]): void {
    this.#events.push(...rows);
  }

  async flush(): Promise<boolean> {
    if (this.hangs) return new Promise(() => {});
    if (this.fails) return false;
    this.write();
    return true;
  }

  /** All that was handed over comes to be in the place. */
  write(): void {
    const { place } = this;
    for (const row of this.#metrics) {
      const key = JSON.stringify([row.atMs, row.pool, row.route, row.server, row.address, row.statusClass]);
      if (!place.metrics.has(key)) place.metrics.set(key, row);
    }
    place.requests.push(...this.#requests);
    place.gauges.push(...this.#gauges);
    place.events.push(...this.#events);
    this.rowsWritten += this.#metrics.length + this.#requests.length + this.#gauges.length + this.#events.length;
    this.#metrics = [];
    this.#requests = [];
    this.#gauges = [];
    this.#events = [];
  }

  async knowServers(servers: readonly KnownServer[]) {
    this.known.push(servers);
    return { rows: this.place.servers, undone: this.place.undone };
  }
  async servers(): Promise<readonly ServerRow[]> {
    return this.place.servers;
  }
  async span(): Promise<HistorySpan> {
    if (this.fails) throw new StoreError("unavailable", "made to fail");
    const at = this.place.rows.map(({ atMs }) => atMs);
    return { oldestMs: at[0] ?? null, newestMs: at.at(-1) ?? null };
  }
  async *metrics(): AsyncIterable<readonly MetricRow[]> {
    yield this.place.rows;
  }
  async *requests(): AsyncIterable<readonly RequestRow[]> {
    yield this.place.requests;
  }
  async *gauges(): AsyncIterable<readonly GaugeRow[]> {
    yield this.place.gauges;
  }
  async events(): Promise<readonly RecordedEvent[]> {
    return this.place.events.map((row) => ({ ...row, instance: "one" }));
  }
  async close(): Promise<void> {}

  status(): StoreStatus {
    const problem = this.fails ? { kind: "unavailable" as const, message: "full", sinceMs: 0 } : null;
    return {
      durable: true,
      problem,
      bufferedRows: this.#metrics.length,
      rowsWritten: this.rowsWritten,
      rowsDropped: 0,
      flushErrors: 0,
      bytes: 1000,
    };
  }
}
