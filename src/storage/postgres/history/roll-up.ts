/**
 * What seconds add up to by the minute or hour in PostgreSQL, where no extension does it. Rows of one series are one owner's,
 * whose transactions come one after another (each locks its row of `owners`): so what is there can be read, added to here and
 * put back, many times faster than arrays are added to each other in SQL.
 */
import type { MetricRow } from "../../history-store.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";

/** Columns of what is counted, the histogram apart. */
export const COUNT_COLUMNS = [
  "requests",
  "failures",
  "retries",
  "duration_sum_ms",
  "wait_sum_ms",
  "waited",
  "response_bytes",
] as const;

const COLUMNS = `at, series, ${COUNT_COLUMNS.join(", ")}, durations`;
const READ = COUNT_COLUMNS.map((name) => `${name}::float8`).join(", ");
const REPLACED = [...COUNT_COLUMNS, "durations"].map((name) => `${name} = excluded.${name}`).join(", ");

const COMMA = 44;
const ZERO = 48;

/** Sums of one series within one step, in the order of `COUNT_COLUMNS`. */
interface Sum {
  readonly atMs: number;
  readonly series: number;
  readonly counts: number[];
  durations: number[];
}

type Stored = { readonly at: Date; readonly series: number; readonly durations: string } & {
  readonly [Column in (typeof COUNT_COLUMNS)[number]]: number;
};

/** A row's key as one text. */
export function keyOf(atMs: number, series: number): string {
  return `${atMs}/${series}`;
}

/** Counts of a transaction's seconds in a table of longer steps. */
export class RollUp {
  readonly #table: "metrics_1m" | "metrics_1h";
  readonly #stepMs: number;
  readonly #sums = new Map<string, Sum>();

  constructor(table: "metrics_1m" | "metrics_1h", stepMs: number) {
    this.#table = table;
    this.#stepMs = stepMs;
  }

  /** Adds a second that was not there before. */
  add(series: number, row: MetricRow): void {
    const atMs = row.atMs - (row.atMs % this.#stepMs);
    const { requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes, durations } = row;
    const counts = [requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes];
    this.#add({ atMs, series, counts, durations });
  }

  /** Adds all to what is there. Within a transaction of the owner's; nothing is added afterwards. */
  async write(session: Session): Promise<void> {
    if (this.#sums.size === 0) return;
    for (const row of await this.#stored(session)) {
      const counts = COUNT_COLUMNS.map((name) => row[name]);
      this.#add({ atMs: row.at.getTime(), series: row.series, counts, durations: toCounts(row.durations) });
    }
    const data = new CopyData();
    for (const { atMs, series, counts, durations } of this.#sums.values()) {
      const [requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes] = counts;
      data.row(10).time(atMs).int4(series).int8(requests).int8(failures).int8(retries);
      data.float8(durationSumMs).float8(waitSumMs).int8(waited).int8(responseBytes).int8s(durations);
    }
    await session.copy(`COPY new_${this.#table} (${COLUMNS}) FROM STDIN (FORMAT binary)`, data.end());
    await session.query(
      `INSERT INTO ${this.#table} (${COLUMNS}) SELECT ${COLUMNS} FROM new_${this.#table} ORDER BY at, series
       ON CONFLICT (at, series) DO UPDATE SET ${REPLACED}`,
    );
  }

  /** What is there already of the same keys: each is looked up by itself, whatever the planner knows of the table. */
  #stored(session: Session): Promise<readonly Stored[]> {
    const keys = [...this.#sums.values()];
    return session.query<Stored>(
      `SELECT m.at, m.series, ${READ}, array_to_string(m.durations, ',', '0') AS durations
       FROM unnest($1::timestamptz[], $2::integer[]) AS key(at, series)
       CROSS JOIN LATERAL (SELECT * FROM ${this.#table} AS m WHERE m.at = key.at AND m.series = key.series LIMIT 1) AS m`,
      [keys.map(({ atMs }) => timeOf(atMs).toISOString()), keys.map(({ series }) => series)],
    );
  }

  #add({ atMs, series, counts, durations }: Omit<Sum, "durations"> & { readonly durations: readonly number[] }): void {
    const key = keyOf(atMs, series);
    const sum = this.#sums.get(key);
    if (sum === undefined) {
      this.#sums.set(key, { atMs, series, counts, durations: durations.slice() });
      return;
    }
    for (let i = 0; i < counts.length; i++) sum.counts[i] += counts[i];
    while (sum.durations.length < durations.length) sum.durations.push(0);
    for (let i = 0; i < durations.length; i++) sum.durations[i] += durations[i];
  }
}

/** Counts between commas, without the zeros at their end: continuous aggregates have all buckets. */
export function toCounts(text: string): number[] {
  const counts: number[] = [];
  let length = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== COMMA) {
      value = value * 10 + code - ZERO;
      continue;
    }
    counts.push(value);
    if (value !== 0) length = counts.length;
    value = 0;
  }
  if (value === 0) counts.length = length;
  else counts.push(value);
  return counts;
}
