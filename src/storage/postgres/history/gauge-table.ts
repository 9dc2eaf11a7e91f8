/** What servers were like, in PostgreSQL. */
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { GaugeRow, HistoryQuery } from "../../history-store.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";
import { type SeriesNumbers, seriesCondition } from "./series-table.ts";

const COLUMNS = "at, series, state, weight, effective_weight, in_flight, cpu_percent, memory_percent";

/** The series that a gauge is of. */
export function seriesOfGauge(row: GaugeRow) {
  return { ...row, route: "", statusClass: 0 };
}

/** Inserts rows, at least one, whose series were learned. Within a transaction. */
export async function insertGauges(session: Session, rows: readonly GaugeRow[], series: SeriesNumbers): Promise<void> {
  const data = new CopyData();
  for (const row of rows) {
    data
      .row(8)
      .time(row.atMs)
      .int4(series.idOf(seriesOfGauge(row)))
      .text(row.state)
      .float8(row.weight);
    data.float8(row.effectiveWeight).int8(row.inFlight).known(row.cpuPercent).known(row.memoryPercent);
  }
  await session.copy(`COPY new_server_gauges (${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
  await session.query(
    `INSERT INTO server_gauges (${COLUMNS}) SELECT ${COLUMNS} FROM new_server_gauges ON CONFLICT DO NOTHING`,
  );
}

interface StoredGauge extends Omit<GaugeRow, "atMs" | "cpuPercent" | "memoryPercent"> {
  readonly at: Date;
  readonly series: number;
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
}

const SELECTED = `g.at, g.series, s.pool, s.server, s.address, g.state, g.weight, g.effective_weight AS "effectiveWeight",
  g.in_flight::float8 AS "inFlight", g.cpu_percent AS "cpuPercent", g.memory_percent AS "memoryPercent"`;

/** See `HistoryReads.gaugePage`. */
export async function gaugePage(
  session: Session,
  { route: _, ...query }: HistoryQuery,
  from: PagePosition | null,
  rows: number,
): Promise<HistoryPage<GaugeRow>> {
  const [atMs, series] = (from ?? [query.sinceMs, -1]) as readonly [number, number];
  const { sql, values } = seriesCondition(query, 5);
  const found = await session.query<StoredGauge>(
    `SELECT ${SELECTED} FROM server_gauges AS g JOIN series AS s ON s.id = g.series
     WHERE g.at >= $1 AND (g.at, g.series) > ($1, $2) AND g.at < $3${sql} ORDER BY g.at, g.series LIMIT $4`,
    [timeOf(atMs), series, timeOf(query.untilMs), rows, ...values],
  );
  const last = found.at(-1);
  return {
    rows: found.map(({ at, series: _series, cpuPercent, memoryPercent, ...rest }) => ({
      ...rest,
      atMs: at.getTime(),
      cpuPercent: cpuPercent ?? Number.NaN,
      memoryPercent: memoryPercent ?? Number.NaN,
    })),
    next: found.length < rows || last === undefined ? null : [last.at.getTime(), last.series],
  };
}
