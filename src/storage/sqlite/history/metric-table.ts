/** Counts in SQLite, of one step of time: second, minute or hour. */
import type { Database, Statement } from "bun:sqlite";
import type { HistoryPage, PagePosition } from "../../backend.ts";
import type { HistoryQuery, MetricRow } from "../../history-store.ts";
import { addCounts, type Counts } from "../../rows/metric-row.ts";
import { StoreError } from "../../store-error.ts";
import { decodeDurations, encodeDurations } from "./durations-blob.ts";
import { type SeriesTable, seriesCondition } from "./series-table.ts";
import { TimedTable } from "./timed-table.ts";

interface StoredCounts extends Omit<Counts, "durations"> {
  readonly durations: Uint8Array;
}

type Values = (number | Uint8Array)[];

const COLUMNS = `at, series, requests, failures, retries, duration_sum_ms, wait_sum_ms, waited, response_bytes, durations`;
const SELECTED = `at AS atMs, requests, failures, retries, duration_sum_ms AS durationSumMs, wait_sum_ms AS waitSumMs, waited,
  response_bytes AS responseBytes, durations`;

/** The counts of one connection. */
export class MetricTable extends TimedTable {
  readonly #series: SeriesTable;
  readonly #table: string;
  readonly #insert: Statement<unknown, Values>;
  readonly #replace: Statement<unknown, Values>;
  readonly #get: Statement<StoredCounts, [number, number]>;

  constructor(db: Database, table: "metrics" | "metrics_1m" | "metrics_1h", series: SeriesTable) {
    super(db, table);
    this.#series = series;
    this.#table = table;
    const insert = `INTO ${table} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    this.#insert = db.query(`INSERT ${insert} ON CONFLICT DO NOTHING`);
    this.#replace = db.query(`REPLACE ${insert}`);
    this.#get = db.query(`SELECT ${SELECTED} FROM ${table} WHERE at = ? AND series = ?`);
  }

  /** False when there is a row of this series and time already: then it stays as it is. */
  insert(series: number, counts: Counts): boolean {
    return this.#insert.run(...valuesOf(series, counts)).changes === 1;
  }

  /** Adds to the row of this series and time, if there is one. */
  add(series: number, counts: Counts): void {
    const before = this.#get.get(counts.atMs, series);
    const sum = before === null ? counts : addCounts(toCounts(before), counts);
    this.#replace.run(...valuesOf(series, sum));
  }

  page(query: HistoryQuery, from: PagePosition | null, rows: number): HistoryPage<MetricRow> {
    const { sql, values } = seriesCondition(query);
    const found = this.db
      .query<StoredCounts & { readonly series: number }, (string | number)[]>(
        `SELECT ${SELECTED}, series FROM ${this.#table}
         WHERE (at, series) > (?, ?) AND at < ?${sql} ORDER BY at, series LIMIT ?`,
      )
      .all(...(from ?? [query.sinceMs, -1]), query.untilMs, ...values, rows);
    const last = found.at(-1);
    return {
      rows: found.map((row) => this.#toRow(row)),
      next: found.length < rows || last === undefined ? null : [last.atMs, last.series],
    };
  }

  #toRow(row: StoredCounts & { readonly series: number }): MetricRow {
    const { pool, route, server, address, statusClass } = this.#series.get(row.series);
    // Name by name: this is done for hundreds of thousands.
    return {
      atMs: row.atMs,
      pool,
      route,
      server,
      address,
      statusClass,
      requests: row.requests,
      failures: row.failures,
      retries: row.retries,
      durationSumMs: row.durationSumMs,
      waitSumMs: row.waitSumMs,
      waited: row.waited,
      responseBytes: row.responseBytes,
      durations: histogram(row.durations),
    };
  }
}

function toCounts(row: StoredCounts): Counts {
  const { atMs, requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes, durations } = row;
  return {
    atMs,
    requests,
    failures,
    retries,
    durationSumMs,
    waitSumMs,
    waited,
    responseBytes,
    durations: histogram(durations),
  };
}

function histogram(bytes: Uint8Array): number[] {
  try {
    return decodeDurations(bytes);
  } catch (error) {
    throw new StoreError("corrupt", `the history is damaged: ${(error as Error).message}`, error);
  }
}

function valuesOf(series: number, counts: Counts): Values {
  const { atMs, requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes, durations } = counts;
  return [
    atMs,
    series,
    requests,
    failures,
    retries,
    durationSumMs,
    waitSumMs,
    waited,
    responseBytes,
    encodeDurations(durations),
  ];
}
