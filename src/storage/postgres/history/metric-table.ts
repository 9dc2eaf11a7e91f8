/**
 * Counts in PostgreSQL. They come by COPY into a table of the session, and from there into `metrics`, where a second's row of a
 * series is there once; only rows that were not there before add to minutes and hours (roll-up.ts), in the same transaction.
 * Where those are continuous aggregates they add up by themselves.
 */
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { HistorySpan, MetricQuery, MetricRow, Resolution } from "../../history-store.ts";
import type { Flavour } from "../schema/flavour.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";
import { COUNT_COLUMNS, keyOf, RollUp, toCounts } from "./roll-up.ts";
import { type SeriesNumbers, seriesCondition } from "./series-table.ts";

/** By step of time. */
export const METRIC_TABLES: Readonly<Record<Resolution, string>> = {
  second: "metrics",
  minute: "metrics_1m",
  hour: "metrics_1h",
};

/** Makes tables of the session that rows come into first. */
export function stagingOf(flavour: Flavour): string {
  return ["metrics", "requests", "server_gauges", ...(flavour === "plain" ? ["metrics_1m", "metrics_1h"] : [])]
    .map((name) => `CREATE TEMPORARY TABLE IF NOT EXISTS new_${name} (LIKE ${name}) ON COMMIT DELETE ROWS`)
    .join(";\n");
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const COLUMNS = `at, series, ${COUNT_COLUMNS.join(", ")}, durations`;

const INSERTED = `INSERT INTO metrics (${COLUMNS}) SELECT ${COLUMNS} FROM new_metrics ORDER BY at, series
  ON CONFLICT (at, series) DO NOTHING`;

/** Inserts rows, at least one, whose series were learned. Within a transaction of their owner's. */
export async function insertMetrics(
  session: Session,
  rows: readonly MetricRow[],
  series: SeriesNumbers,
  flavour: Flavour,
): Promise<void> {
  const data = new CopyData();
  const numbers = rows.map((row) => series.idOf(row));
  for (const [i, row] of rows.entries()) {
    data.row(10).time(row.atMs).int4(numbers[i]).int8(row.requests).int8(row.failures).int8(row.retries);
    data.float8(row.durationSumMs).float8(row.waitSumMs).int8(row.waited).int8(row.responseBytes).int4s(row.durations);
  }
  await session.copy(`COPY new_metrics (${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
  if (flavour !== "plain") {
    await session.query(INSERTED);
    return;
  }
  const inserted = await session.query<{ at: Date; series: number }>(`${INSERTED} RETURNING at, series`);
  const isNew = new Set(inserted.map(({ at, series }) => keyOf(at.getTime(), series)));
  const minutes = new RollUp("metrics_1m", MINUTE_MS);
  const hours = new RollUp("metrics_1h", HOUR_MS);
  for (const [i, row] of rows.entries()) {
    if (!isNew.delete(keyOf(row.atMs, numbers[i]))) continue;
    minutes.add(numbers[i], row);
    hours.add(numbers[i], row);
  }
  await minutes.write(session);
  await hours.write(session);
}

interface StoredMetric extends Omit<MetricRow, "atMs" | "durations"> {
  readonly at: Date;
  readonly series: number;
  readonly durations: string;
}

const SELECTED = `m.at, m.series, s.pool, s.route, s.server, s.address, s.status_class AS "statusClass",
  m.requests::float8 AS requests, m.failures::float8 AS failures, m.retries::float8 AS retries,
  m.duration_sum_ms AS "durationSumMs", m.wait_sum_ms AS "waitSumMs", m.waited::float8 AS waited,
  m.response_bytes::float8 AS "responseBytes", array_to_string(m.durations, ',', '0') AS durations`;

/** See `HistoryReads.metricPage`. */
export async function metricPage(
  session: Session,
  query: MetricQuery,
  from: PagePosition | null,
  rows: number,
): Promise<HistoryPage<MetricRow>> {
  const [atMs, series] = (from ?? [query.sinceMs, -1]) as readonly [number, number];
  const { sql, values } = seriesCondition(query, 5);
  const found = await session.query<StoredMetric>(
    `SELECT ${SELECTED} FROM ${METRIC_TABLES[query.resolution]} AS m JOIN series AS s ON s.id = m.series
     WHERE m.at >= $1 AND (m.at, m.series) > ($1, $2) AND m.at < $3${sql} ORDER BY m.at, m.series LIMIT $4`,
    [timeOf(atMs), series, timeOf(query.untilMs), rows, ...values],
  );
  const last = found.at(-1);
  return {
    rows: found.map(toRow),
    next: found.length < rows || last === undefined ? null : [last.at.getTime(), last.series],
  };
}

/** Of what there is of a step of time. */
export async function metricSpan(session: Session, resolution: Resolution): Promise<HistorySpan> {
  const [{ oldest, newest }] = await session.query<{ oldest: Date | null; newest: Date | null }>(
    `SELECT (SELECT min(at) FROM ${METRIC_TABLES[resolution]}) AS oldest, (SELECT max(at) FROM ${METRIC_TABLES[resolution]}) AS newest`,
  );
  return { oldestMs: oldest?.getTime() ?? null, newestMs: newest?.getTime() ?? null };
}

/** Name by name: this is done for hundreds of thousands, and the rest of an object takes longer than its histogram. */
function toRow(row: StoredMetric): MetricRow {
  return {
    atMs: row.at.getTime(),
    pool: row.pool,
    route: row.route,
    server: row.server,
    address: row.address,
    statusClass: row.statusClass,
    requests: row.requests,
    failures: row.failures,
    retries: row.retries,
    durationSumMs: row.durationSumMs,
    waitSumMs: row.waitSumMs,
    waited: row.waited,
    responseBytes: row.responseBytes,
    durations: toCounts(row.durations),
  };
}
