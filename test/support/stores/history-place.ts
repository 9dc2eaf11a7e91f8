/**
 * A second backend of what happened, for tests: it keeps everything in arrays, and is as asynchronous as a database server is.
 * What it does between two of its waits is done on a copy, so that a transaction is there as a whole or not at all; it notes
 * batches, because its answers can get lost.
 */
import type {
  HistoryBackend,
  HistoryChange,
  HistoryOptions,
  HistoryPage,
  HistoryVisitor,
  KnownServers,
  PagePosition,
  StoreWrite,
} from "../../../src/storage/backend.ts";
import type {
  EventQuery,
  GaugeRow,
  HistoryQuery,
  HistorySpan,
  MetricQuery,
  MetricRow,
  RecordedEvent,
  RequestQuery,
  RequestRow,
  Resolution,
  ServerRow,
} from "../../../src/storage/history-store.ts";
import { undoneOverrides } from "../../../src/storage/override-rules.ts";
import { type StoredEvent, toEvent } from "../../../src/storage/rows/event-row.ts";
import { addCounts } from "../../../src/storage/rows/metric-row.ts";
import type { HistoryRows } from "../../../src/storage/rows/row-kinds.ts";
import { StoreError } from "../../../src/storage/store-error.ts";

const STEP_MS: Readonly<Record<Resolution, number>> = { second: 1_000, minute: 60_000, hour: 3_600_000 };

type Of<Row> = Row & { readonly instance: string };

/** All of it; replaced as a whole, never changed. */
interface Data {
  readonly metrics: Readonly<Record<Resolution, readonly Of<MetricRow>[]>>;
  readonly requests: readonly Of<RequestRow>[];
  readonly gauges: readonly Of<GaugeRow>[];
  readonly events: readonly Of<StoredEvent>[];
  readonly servers: readonly ServerRow[];
  readonly batches: ReadonlySet<string>;
}

const EMPTY: Data = {
  metrics: { second: [], minute: [], hour: [] },
  requests: [],
  gauges: [],
  events: [],
  servers: [],
  batches: new Set(),
};

/** What a server would keep, whoever is connected to it. */
export class MemoryHistoryPlace {
  data = EMPTY;
  owned = false;

  own(options: HistoryOptions): HistoryBackend {
    return new MemoryOwner(this, options);
  }

  visit(): HistoryVisitor {
    return new MemoryReads(this);
  }

  /** As somebody does it by SQL. */
  override(host: string, set: Partial<Pick<ServerRow, "weight" | "capacity">>): void {
    if (!Object.values(set).every((value) => value === null || Number.isFinite(value))) {
      throw new Error("CHECK constraint failed: no finite number");
    }
    const servers = this.data.servers.map((row) => (row.host === host ? { ...row, ...set } : row));
    this.data = { ...this.data, servers };
  }
}

class MemoryReads implements HistoryVisitor {
  protected readonly place: MemoryHistoryPlace;

  constructor(place: MemoryHistoryPlace) {
    this.place = place;
  }

  async metricPage(query: MetricQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<MetricRow>> {
    return pageOf((await this.read()).metrics[query.resolution], query, from, rows);
  }

  async requestPage(query: RequestQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<RequestRow>> {
    const { requests } = await this.read();
    const asked = requests.filter(({ reason }) => query.reasons?.includes(reason) ?? true);
    return pageOf(asked, query, from, rows);
  }

  async gaugePage(query: HistoryQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<GaugeRow>> {
    return pageOf((await this.read()).gauges, { ...query, route: undefined }, from, rows);
  }

  async events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    const { events } = await this.read();
    const asked = events.filter((row) => isAsked(row, { ...query, route: undefined }));
    const kinds = asked.filter(({ kind }) => query.kinds?.includes(kind) ?? true);
    const newest = kinds.toReversed().sort((a, b) => b.atMs - a.atMs);
    return newest.slice(0, query.limit).map(toEvent);
  }

  async servers(): Promise<readonly ServerRow[]> {
    return (await this.read()).servers;
  }

  async span(resolution: Resolution): Promise<HistorySpan> {
    const times = (await this.read()).metrics[resolution].map(({ atMs }) => atMs);
    return { oldestMs: times[0] ?? null, newestMs: times.at(-1) ?? null };
  }

  async close(): Promise<void> {}

  protected async read(): Promise<Data> {
    await wayThere();
    return this.place.data;
  }
}

class MemoryOwner extends MemoryReads implements HistoryBackend {
  readonly durable = true;
  readonly bytes = 0;
  readonly #options: HistoryOptions;

  constructor(place: MemoryHistoryPlace, options: HistoryOptions) {
    super(place);
    this.#options = options;
  }

  async open(): Promise<void> {
    await wayThere();
    if (this.place.owned) throw new StoreError("in_use", "memory: is in use by another instance");
    this.place.owned = true;
  }

  async write({ batchId, rows, change }: StoreWrite<HistoryRows, HistoryChange>): Promise<KnownServers | null> {
    let data = await this.read();
    if (!data.batches.has(batchId)) data = this.#withRows(data, rows);
    data = { ...data, batches: new Set([...data.batches, batchId]) };
    const known = change === null ? null : know(data.servers, change);
    if (known !== null) data = { ...data, servers: known.rows };
    await wayThere();
    this.place.data = this.#withoutOld(data);
    return known;
  }

  async mend(): Promise<void> {
    await wayThere();
  }

  override async close(): Promise<void> {
    await wayThere();
    this.place.owned = false;
  }

  #withRows(data: Data, rows: HistoryRows): Data {
    const { instance } = this.#options;
    const own = <Row extends object>(list: readonly Row[]) => list.map((row) => ({ ...row, instance }));
    const { second, minute, hour } = data.metrics;
    const added = withNew(second, own(rows.metrics), metricKey);
    const fresh = added.filter((row) => !second.includes(row));
    return {
      ...data,
      metrics: {
        second: byTime(added),
        minute: rolledUp(minute, fresh, "minute"),
        hour: rolledUp(hour, fresh, "hour"),
      },
      requests: byTime(withNew(data.requests, own(rows.requests), ({ atMs, requestId }) => `${atMs} ${requestId}`)),
      gauges: byTime(withNew(data.gauges, own(rows.gauges), (row) => [row.atMs, row.pool, row.server].join(" "))),
      events: [...data.events, ...own(rows.events)],
    };
  }

  #withoutOld(data: Data): Data {
    const { limits, nowMs } = this.#options;
    const since = (ms: number) => (row: { readonly atMs: number }) => row.atMs >= nowMs() - ms;
    const { second, minute, hour } = data.metrics;
    return {
      ...data,
      metrics: {
        second: second.filter(since(limits.detailMs)),
        minute: minute.filter(since(limits.minutesMs)),
        hour: hour.filter(since(limits.hoursMs)),
      },
      requests: data.requests.filter(since(limits.detailMs)),
      gauges: data.gauges.filter(since(limits.detailMs)),
      events: data.events.filter(since(limits.hoursMs)),
    };
  }
}

function metricKey({ atMs, instance, pool, route, server, address, statusClass }: Of<MetricRow>): string {
  return JSON.stringify([atMs, instance, pool, route, server, address, statusClass]);
}

/** Those of `more` whose key is not there yet are added. */
function withNew<Row>(rows: readonly Row[], more: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  for (const row of more) if (!byKey.has(keyOf(row))) byKey.set(keyOf(row), row);
  return [...byKey.values()];
}

function rolledUp(rows: readonly Of<MetricRow>[], more: readonly Of<MetricRow>[], resolution: Resolution) {
  const byKey = new Map(rows.map((row) => [metricKey(row), row]));
  for (const second of more) {
    const row = { ...second, atMs: second.atMs - (second.atMs % STEP_MS[resolution]) };
    const before = byKey.get(metricKey(row));
    byKey.set(metricKey(row), before === undefined ? row : { ...addCounts(before, row), instance: row.instance });
  }
  return byTime([...byKey.values()]);
}

function byTime<Row extends { readonly atMs: number }>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => a.atMs - b.atMs);
}

function isAsked(row: { atMs: number; instance: string; pool: string; server: string }, query: HistoryQuery): boolean {
  const { sinceMs, untilMs, instance = row.instance, pool = row.pool, server = row.server } = query;
  const names = row.instance === instance && row.pool === pool && row.server === server;
  const route = query.route === undefined || (row as { route?: string }).route === query.route;
  return names && route && row.atMs >= sinceMs && row.atMs < untilMs;
}

function pageOf<Row extends { atMs: number; pool: string; server: string }>(
  all: readonly Of<Row>[],
  query: HistoryQuery,
  from: PagePosition | null,
  rows: number,
): HistoryPage<Row> {
  const start = Number(from?.[0] ?? 0);
  const asked = all.filter((row) => isAsked(row, query));
  const page = asked.slice(start, start + rows).map(({ instance: _, ...row }) => row as unknown as Row);
  return { rows: page, next: page.length < rows ? null : [start + rows] };
}

function know(before: readonly ServerRow[], { servers, atMs }: HistoryChange): KnownServers {
  const keyOf = ({ pool, host, port }: { pool: string; host: string; port: number }) => `${pool} ${host} ${port}`;
  const byKey = new Map<string, ServerRow>(
    before.map((row) => [keyOf(row), { ...row, removedAtMs: row.removedAtMs ?? atMs }]),
  );
  const undone: ServerRow[] = [];
  for (const server of servers) {
    const was = before.find((row) => keyOf(row) === keyOf(server));
    const lost = was === undefined ? null : undoneOverrides(was, server);
    if (was !== undefined && lost !== null) undone.push(was);
    const { pool, host, port } = server;
    byKey.set(keyOf(server), {
      pool,
      host,
      port,
      weight: lost?.weight ? null : (was?.weight ?? null),
      capacity: lost?.capacity ? null : (was?.capacity ?? null),
      configuredWeight: server.weight,
      configuredCapacity: server.capacity,
      firstSeenMs: was?.firstSeenMs ?? atMs,
      lastSeenMs: atMs,
      removedAtMs: null,
    });
  }
  const rows = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return { rows, undone };
}

/** Others may come between. */
async function wayThere(): Promise<void> {
  for (let i = 0; i < 3; i++) await null;
}
