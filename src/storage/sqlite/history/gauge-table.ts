/** What servers were like, in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { GaugeRow, HistoryQuery } from "../../history-store.ts";
import { type SeriesTable, seriesCondition } from "./series-table.ts";
import { TimedTable } from "./timed-table.ts";

interface StoredGauge extends Omit<GaugeRow, "pool" | "server" | "address" | "cpuPercent" | "memoryPercent"> {
  readonly series: number;
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
}

const SELECTED = `at AS atMs, series, state, weight, effective_weight AS effectiveWeight, in_flight AS inFlight,
  cpu_percent AS cpuPercent, memory_percent AS memoryPercent`;

/** The gauges of one connection. */
export class GaugeTable extends TimedTable {
  readonly #series: SeriesTable;
  readonly #insert: Statement<unknown, (string | number | null)[]>;

  constructor(db: Database, series: SeriesTable) {
    super(db, "server_gauges");
    this.#series = series;
    this.#insert = db.query(
      `INSERT INTO server_gauges (at, series, state, weight, effective_weight, in_flight, cpu_percent, memory_percent)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
  }

  /** Within the caller's transaction. */
  insert(instance: string, rows: readonly GaugeRow[]): void {
    for (const row of rows) {
      const { atMs, state, weight, effectiveWeight, inFlight, cpuPercent, memoryPercent } = row;
      const series = this.#series.idOf({ ...row, instance, route: "", statusClass: 0 }, atMs);
      const [cpu, memory] = [cpuPercent, memoryPercent].map((percent) => (Number.isNaN(percent) ? null : percent));
      this.#insert.run(atMs, series, state, weight, effectiveWeight, inFlight, cpu, memory);
    }
  }

  page({ route: _, ...query }: HistoryQuery, from: PagePosition | null, rows: number): HistoryPage<GaugeRow> {
    const { sql, values } = seriesCondition(query);
    const found = this.db
      .query<StoredGauge, (string | number)[]>(
        `SELECT ${SELECTED} FROM server_gauges
         WHERE (at, series) > (?, ?) AND at < ?${sql} ORDER BY at, series LIMIT ?`,
      )
      .all(...(from ?? [query.sinceMs, -1]), query.untilMs, ...values, rows);
    const last = found.at(-1);
    return {
      rows: found.map((row) => this.#toRow(row)),
      next: found.length < rows || last === undefined ? null : [last.atMs, last.series],
    };
  }

  #toRow({ series, cpuPercent, memoryPercent, ...rest }: StoredGauge): GaugeRow {
    const { pool, server, address } = this.#series.get(series);
    const [cpu, memory] = [cpuPercent ?? Number.NaN, memoryPercent ?? Number.NaN];
    return { ...rest, pool, server, address, cpuPercent: cpu, memoryPercent: memory };
  }
}
