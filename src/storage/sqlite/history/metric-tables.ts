/** Counts by the second in SQLite, and by the minute and hour what they add up to. */
import type { Database } from "bun:sqlite";
import type { MetricRow, Resolution } from "../../history-store.ts";
import { addCounts, type Counts } from "../../rows/metric-row.ts";
import { MetricTable } from "./metric-table.ts";
import type { SeriesTable } from "./series-table.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The three tables of one connection. */
export class MetricTables {
  readonly of: Readonly<Record<Resolution, MetricTable>>;
  readonly #series: SeriesTable;

  constructor(db: Database, series: SeriesTable) {
    this.#series = series;
    this.of = {
      second: new MetricTable(db, "metrics", series),
      minute: new MetricTable(db, "metrics_1m", series),
      hour: new MetricTable(db, "metrics_1h", series),
    };
  }

  /** Inserts seconds that are not there yet, and adds those to their minutes and hours. Within the caller's transaction. */
  insert(instance: string, rows: readonly MetricRow[]): void {
    const minutes = new Sums(MINUTE_MS);
    const hours = new Sums(HOUR_MS);
    for (const row of rows) {
      const series = this.#series.idOf({ ...row, instance }, row.atMs);
      if (!this.of.second.insert(series, row)) continue;
      minutes.add(series, row);
      hours.add(series, row);
    }
    minutes.addTo(this.of.minute);
    hours.addTo(this.of.hour);
  }
}

/** What several rows add up to, by step of time and series. */
class Sums {
  readonly #stepMs: number;
  readonly #bySeries = new Map<string, { readonly series: number; readonly counts: Counts }>();

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  add(series: number, row: Counts): void {
    const atMs = row.atMs - (row.atMs % this.#stepMs);
    const key = `${atMs}/${series}`;
    const before = this.#bySeries.get(key);
    const counts = before === undefined ? { ...row, atMs } : addCounts(before.counts, row);
    this.#bySeries.set(key, { series, counts });
  }

  addTo(table: MetricTable): void {
    for (const { series, counts } of this.#bySeries.values()) table.add(series, counts);
  }
}
