/** The reading half of every history: what its users ask, put to a backend page by page. */
import type { HistoryPage, HistoryReads, PagePosition } from "./backend.ts";
import type {
  EventQuery,
  GaugeRow,
  HistoryQuery,
  HistoryReader,
  HistorySpan,
  MetricQuery,
  MetricRow,
  RecordedEvent,
  RequestQuery,
  RequestRow,
  Resolution,
  ServerRow,
} from "./history-store.ts";

/** Rows of a page: a few MB of objects at most. */
const PAGE_ROWS = 5_000;

/** Asks for the page after `from`, of at most so many rows. */
type Ask<Row> = (reads: HistoryReads, from: PagePosition | null, rows: number) => Promise<HistoryPage<Row>>;

/** See the top of this file. */
export abstract class HistoryPages implements HistoryReader {
  /** Puts one question to the backend. */
  protected abstract ask<T>(question: (backend: HistoryReads) => Promise<T>): Promise<T>;
  abstract close(): Promise<void>;

  metrics(query: MetricQuery): AsyncIterable<readonly MetricRow[]> {
    return this.#pages((reads, from, rows) => reads.metricPage(query, from, rows));
  }

  requests(query: RequestQuery): AsyncIterable<readonly RequestRow[]> {
    return this.#pages((reads, from, rows) => reads.requestPage(query, from, rows), query.limit);
  }

  gauges(query: HistoryQuery): AsyncIterable<readonly GaugeRow[]> {
    return this.#pages((reads, from, rows) => reads.gaugePage(query, from, rows));
  }

  events(query: EventQuery): Promise<readonly RecordedEvent[]> {
    return this.ask((reads) => reads.events(query));
  }

  servers(): Promise<readonly ServerRow[]> {
    return this.ask((reads) => reads.servers());
  }

  span(resolution: Resolution): Promise<HistorySpan> {
    return this.ask((reads) => reads.span(resolution));
  }

  async *#pages<Row>(page: Ask<Row>, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly Row[]> {
    let from: PagePosition | null = null;
    for (let left = limit; left > 0; ) {
      const start: PagePosition | null = from;
      const { rows, next }: HistoryPage<Row> = await this.ask((reads) => page(reads, start, Math.min(left, PAGE_ROWS)));
      if (rows.length > 0) yield rows;
      if (next === null) return;
      from = next;
      left -= rows.length;
    }
  }
}
