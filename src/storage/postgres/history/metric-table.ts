/**
 * Counts in PostgreSQL. They come by COPY into a table of the session, and from there into `metrics`, where a second's row of a
 * series is there once; only rows that were not there before add to minutes and hours, in the same statement. Where those are
 * continuous aggregates they add up by themselves.
 */
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { HistorySpan, MetricQuery, MetricRow, Resolution } from "../../history-store.ts";
import type { Flavour } from "../schema/flavour.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";
import { type SeriesNumbers, seriesCondition } from "./series-table.ts";

/** By step of time. */
export const METRIC_TABLES: Readonly<Record<Resolution, string>> = {
  second: "metrics",
  minute: "metrics_1m",
  hour: "metrics_1h",
};

/** Tables of the session that rows come into first. */
export const STAGING = ["metrics", "requests", "server_gauges"]
  .map((name) => `CREATE TEMPORARY TABLE IF NOT EXISTS new_${name} (LIKE ${name}) ON COMMIT DELETE ROWS`)
  .join(";\n");

const COUNTS = ["requests", "failures", "retries", "duration_sum_ms", "wait_sum_ms", "waited", "response_bytes"];
const COLUMNS = `at, series, ${COUNTS.join(", ")}, durations`;

/** Adds the rows of `inserted` to the table of a longer step. Both histograms of a row end with their last that is not zero. */
function addingUp(table: string, unit: "minute" | "hour"): string {
  const sums = COUNTS.map((name) => `sum(${name})${name.endsWith("_ms") ? "" : "::bigint"} AS ${name}`).join(", ");
  const added = COUNTS.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", ");
  return `
    INSERT INTO ${table} (${COLUMNS})
      SELECT sums.at, sums.series, ${COUNTS.map((name) => `sums.${name}`).join(", ")}, coalesce(bins.durations, '{}')
      FROM (SELECT date_trunc('${unit}', at) AS at, series, ${sums} FROM inserted GROUP BY 1, 2) AS sums
      LEFT JOIN (SELECT at, series, array_agg(n ORDER BY i) AS durations FROM (
          SELECT date_trunc('${unit}', at) AS at, series, i, sum(n)::bigint AS n
          FROM inserted, unnest(durations) WITH ORDINALITY AS bin(n, i) GROUP BY 1, 2, 3) AS bin
        GROUP BY 1, 2) AS bins ON bins.at = sums.at AND bins.series = sums.series
      ORDER BY sums.at, sums.series
    ON CONFLICT (at, series) DO UPDATE SET ${added}, durations = ARRAY(
      SELECT coalesce(mine, 0) + coalesce(new, 0)
      FROM unnest(${table}.durations, excluded.durations) WITH ORDINALITY AS bin(mine, new, i) ORDER BY i)`;
}

const INSERTED = `INSERT INTO metrics (${COLUMNS}) SELECT ${COLUMNS} FROM new_metrics ORDER BY at, series
  ON CONFLICT (at, series) DO NOTHING`;
const WITH_ROLL_UPS = `
  WITH inserted AS (${INSERTED} RETURNING *), minutes AS (${addingUp("metrics_1m", "minute")})
  ${addingUp("metrics_1h", "hour")}`;

/** Inserts rows, at least one, whose series were learned. Within a transaction. */
export async function insertMetrics(
  session: Session,
  rows: readonly MetricRow[],
  series: SeriesNumbers,
  flavour: Flavour,
): Promise<void> {
  const data = new CopyData();
  for (const row of rows) {
    data.row(10).time(row.atMs).int4(series.idOf(row)).int8(row.requests).int8(row.failures).int8(row.retries);
    data.float8(row.durationSumMs).float8(row.waitSumMs).int8(row.waited).int8(row.responseBytes).int4s(row.durations);
  }
  await session.copy(`COPY new_metrics (${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
  await session.query(flavour === "plain" ? WITH_ROLL_UPS : INSERTED);
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

function toRow({ at, series: _, durations, ...rest }: StoredMetric): MetricRow {
  return { ...rest, atMs: at.getTime(), durations: toCounts(durations) };
}

/** Without the zeros at their end: continuous aggregates have all buckets. */
function toCounts(text: string): number[] {
  if (text === "") return [];
  const counts = text.split(",").map(Number);
  let { length } = counts;
  while (length > 0 && counts[length - 1] === 0) length--;
  counts.length = length;
  return counts;
}
