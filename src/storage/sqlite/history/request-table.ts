/** Single requests in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { RequestQuery, RequestRow } from "../../history-store.ts";
import { statusClassOf } from "../../rows/request-row.ts";
import { type SeriesTable, seriesCondition } from "./series-table.ts";
import { TimedTable } from "./timed-table.ts";

interface StoredRequest extends Omit<RequestRow, "pool" | "route" | "server" | "address" | "headMs"> {
  readonly series: number;
  readonly headMs: number | null;
}

const SELECTED = `at AS atMs, series, request_id AS requestId, method, path, status, error, duration_ms AS durationMs,
  wait_ms AS waitMs, head_ms AS headMs, attempts, in_flight AS inFlight, response_bytes AS responseBytes, client, reason,
  weight`;

/** The requests of one connection. */
export class RequestTable extends TimedTable {
  readonly #series: SeriesTable;
  readonly #insert: Statement<unknown, (string | number | null)[]>;

  constructor(db: Database, series: SeriesTable) {
    super(db, "requests");
    this.#series = series;
    this.#insert = db.query(
      `INSERT INTO requests (at, series, request_id, method, path, status, error, duration_ms, wait_ms, head_ms, attempts,
         in_flight, response_bytes, client, reason, weight)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  /** The same request twice is there once. Within the caller's transaction. */
  insert(instance: string, rows: readonly RequestRow[]): void {
    for (const row of rows) {
      const series = this.#series.idOf({ ...row, instance, statusClass: statusClassOf(row.status) }, row.atMs);
      this.#insert.run(
        row.atMs,
        series,
        row.requestId,
        row.method,
        row.path,
        row.status,
        row.error,
        row.durationMs,
        row.waitMs,
        Number.isNaN(row.headMs) ? null : row.headMs,
        row.attempts,
        row.inFlight,
        row.responseBytes,
        row.client,
        row.reason,
        row.weight,
      );
    }
  }

  page(query: RequestQuery, from: PagePosition | null, rows: number): HistoryPage<RequestRow> {
    const { sql, values } = seriesCondition(query);
    const { reasons = [] } = query;
    const reason = reasons.length === 0 ? "" : ` AND reason IN (${reasons.map(() => "?").join(", ")})`;
    const found = this.db
      .query<StoredRequest, (string | number)[]>(
        `SELECT ${SELECTED} FROM requests WHERE (at, series, request_id) > (?, ?, ?) AND at < ?${sql}${reason}
         ORDER BY at, series, request_id LIMIT ?`,
      )
      .all(...(from ?? [query.sinceMs, -1, ""]), query.untilMs, ...values, ...reasons, rows);
    const last = found.at(-1);
    return {
      rows: found.map((row) => this.#toRow(row)),
      next: found.length < rows || last === undefined ? null : [last.atMs, last.series, last.requestId],
    };
  }

  #toRow({ series, headMs, ...rest }: StoredRequest): RequestRow {
    const { pool, route, server, address } = this.#series.get(series);
    return { ...rest, pool, route, server, address, headMs: headMs ?? Number.NaN };
  }
}
