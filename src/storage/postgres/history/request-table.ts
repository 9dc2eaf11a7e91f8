/** Single requests in PostgreSQL. */
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { RequestQuery, RequestRow } from "../../history-store.ts";
import { statusClassOf } from "../../rows/request-row.ts";
import { CopyData } from "../wire/copy.ts";
import type { Parameter, Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";
import { type SeriesNumbers, seriesCondition } from "./series-table.ts";

const COLUMNS = `at, series, request_id, method, path, status, error, duration_ms, wait_ms, head_ms, attempts, in_flight,
  response_bytes, client, reason, weight`;

/** The series that a request is of. */
export function seriesOfRequest(row: RequestRow) {
  return { ...row, statusClass: statusClassOf(row.status) };
}

/** Inserts rows, at least one, whose series were learned; the same request twice is there once. Within a transaction. */
export async function insertRequests(
  session: Session,
  rows: readonly RequestRow[],
  series: SeriesNumbers,
): Promise<void> {
  const data = new CopyData();
  for (const row of rows) {
    data
      .row(16)
      .time(row.atMs)
      .int4(series.idOf(seriesOfRequest(row)))
      .text(row.requestId)
      .text(row.method);
    data.text(row.path).int2(row.status).text(row.error).float8(row.durationMs).float8(row.waitMs).known(row.headMs);
    data.int8(row.attempts).int8(row.inFlight).int8(row.responseBytes).text(row.client).text(row.reason);
    data.float8(row.weight);
  }
  await session.copy(`COPY new_requests (${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
  await session.query(`INSERT INTO requests (${COLUMNS}) SELECT ${COLUMNS} FROM new_requests ON CONFLICT DO NOTHING`);
}

interface StoredRequest extends Omit<RequestRow, "atMs" | "headMs"> {
  readonly at: Date;
  readonly series: number;
  readonly headMs: number | null;
}

const SELECTED = `r.at, r.series, s.pool, s.route, s.server, s.address, r.request_id AS "requestId", r.method, r.path,
  r.status, r.error, r.duration_ms AS "durationMs", r.wait_ms AS "waitMs", r.head_ms AS "headMs",
  r.attempts::float8 AS attempts, r.in_flight::float8 AS "inFlight", r.response_bytes::float8 AS "responseBytes", r.client,
  r.reason, r.weight`;

/** See `HistoryReads.requestPage`. */
export async function requestPage(
  session: Session,
  query: RequestQuery,
  from: PagePosition | null,
  rows: number,
): Promise<HistoryPage<RequestRow>> {
  const [atMs, series, requestId] = (from ?? [query.sinceMs, -1, ""]) as readonly [number, number, string];
  const { sql, values } = seriesCondition(query, 6);
  const parameters: Parameter[] = [timeOf(atMs), series, requestId, timeOf(query.untilMs), rows, ...values];
  let reason = "";
  if (query.reasons !== undefined && query.reasons.length > 0) {
    parameters.push(query.reasons);
    reason = ` AND r.reason = ANY($${parameters.length}::text[])`;
  }
  const found = await session.query<StoredRequest>(
    `SELECT ${SELECTED} FROM requests AS r JOIN series AS s ON s.id = r.series
     WHERE r.at >= $1 AND (r.at, r.series, r.request_id) > ($1, $2, $3) AND r.at < $4${sql}${reason}
     ORDER BY r.at, r.series, r.request_id LIMIT $5`,
    parameters,
  );
  const last = found.at(-1);
  return {
    rows: found.map(({ at, series: _, headMs, ...rest }) => ({
      ...rest,
      atMs: at.getTime(),
      headMs: headMs ?? Number.NaN,
    })),
    next: found.length < rows || last === undefined ? null : [last.at.getTime(), last.series, last.requestId],
  };
}
