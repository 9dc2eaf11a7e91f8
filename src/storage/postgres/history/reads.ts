/** The reading half of what happened in PostgreSQL, whoever uses it. */
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
import type { Session } from "../wire/session.ts";
import { listEvents } from "./event-table.ts";
import { gaugePage } from "./gauge-table.ts";
import { metricPage, metricSpan } from "./metric-table.ts";
import { requestPage } from "./request-table.ts";
import { listServers } from "./server-table.ts";

/** See the top of this file. */
export abstract class PostgresHistoryReads implements HistoryReads {
  /** Whose reads these are; unset = nobody's in particular. */
  protected readonly instance?: string;
  /** Runs `work` on a session. Rejects with a `StoreError` when there is none or the work fails for it. */
  protected abstract use<T>(work: (session: Session) => Promise<T>): Promise<T>;

  metricPage(query: MetricQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<MetricRow>> {
    return this.use((session) => metricPage(session, query, from, rows));
  }

  requestPage(query: RequestQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<RequestRow>> {
    return this.use((session) => requestPage(session, query, from, rows));
  }

  gaugePage(query: HistoryQuery, from: PagePosition | null, rows: number): Promise<HistoryPage<GaugeRow>> {
    return this.use((session) => gaugePage(session, query, from, rows));
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.use((session) => listEvents(session, query));
  }

  servers(): Promise<readonly ServerRow[]> {
    return this.use((session) => listServers(session, this.instance));
  }

  span(resolution: Resolution): Promise<HistorySpan> {
    return this.use((session) => metricSpan(session, resolution));
  }
}
