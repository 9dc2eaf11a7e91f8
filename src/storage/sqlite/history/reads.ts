/** The reading half of what happened in SQLite, whoever uses it. What is asked is done at once: no other call comes between. */
import type { HistoryPage, HistoryReads, PagePosition } from "../../backend.ts";
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
} from "../../history-store.ts";
import type { Connection } from "../connection.ts";
import type { HistoryTables } from "./part.ts";

/** See the top of this file. */
export abstract class SqliteHistoryReads implements HistoryReads {
  /** Runs `work` on an open connection. Rejects with a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (connection: Connection<HistoryTables>) => T): Promise<T>;

  metricPage(query: MetricQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<MetricRow>> {
    return this.use(({ tables }) => tables.metrics.of[query.resolution].page(query, from, rows));
  }

  requestPage(query: RequestQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<RequestRow>> {
    return this.use(({ tables }) => tables.requests.page(query, from, rows));
  }

  gaugePage(query: HistoryQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<GaugeRow>> {
    return this.use(({ tables }) => tables.gauges.page(query, from, rows));
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.use(({ tables }) => tables.events.list(query));
  }

  servers(): Promise<readonly ServerRow[]> {
    return this.use(({ tables }) => tables.servers.list());
  }

  span(resolution: Resolution): Promise<HistorySpan> {
    return this.use(({ tables }) => tables.metrics.of[resolution].span());
  }
}
