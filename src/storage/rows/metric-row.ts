/**
 * Counts by the second as rows. When they wait for too long, those of a minute and a key become one: coarser, and still all
 * of what was counted. It stands at the earliest of their seconds, at which no other row of the key was or will be written.
 * Rows that may have been written already stay as they are: within a sum nobody could tell them from those that were not.
 */
import { historyBucketCount } from "../../shared/history-buckets.ts";
import type { MetricKey, MetricRow } from "../history-store.ts";
import { isAmount, isCount, keptText } from "./checked.ts";
import type { RowKind } from "./row-kind.ts";

const MINUTE_MS = 60_000;
/** Of a name. */
const MAX_CHARACTERS = 512;
/** Bytes of a row beside its texts and its histogram. */
const FIXED_BYTES = 200;

/** How counts wait: longer than anything else, some minutes of a large fleet's before any becomes coarser. */
export const METRIC_ROWS: RowKind<MetricRow, MetricRow> = Object.freeze({
  waitingRows: 100_000,
  waitingBytes: 64 * 1024 * 1024,
  flushMs: 1_000,
  encode: toRow,
  bytesOf: ({ pool, route, server, address, durations }: MetricRow) =>
    FIXED_BYTES + 2 * (pool.length + route.length + server.length + address.length) + 8 * durations.length,
  coarserKey: ({ atMs, pool, route, server, address, statusClass, again }: MetricRow) =>
    again === true ? null : [minuteOf(atMs), pool, route, server, address, statusClass].join("\n"),
  merge: merged,
});

function toRow(row: MetricRow): MetricRow | null {
  const { atMs, statusClass, requests, failures, retries, durationSumMs, waitSumMs, waited, responseBytes } = row;
  const { durations } = row;
  const counts = [atMs, requests, failures, retries, waited, responseBytes].every(isCount) && durations.every(isCount);
  if (!counts || !isAmount(durationSumMs) || !isAmount(waitSumMs)) return null;
  if (!(Number.isInteger(statusClass) && statusClass >= 1 && statusClass <= 5)) return null;
  if (durations.length > historyBucketCount) return null;
  const [pool, route, server, address] = [row.pool, row.route, row.server, row.address].map((name) =>
    keptText(name, MAX_CHARACTERS),
  );
  return { ...row, pool, route, server, address, durations: trimmed(durations) };
}

/** A copy without the zeros at its end. */
function trimmed(durations: readonly number[]): readonly number[] {
  let { length } = durations;
  while (length > 0 && durations[length - 1] === 0) length--;
  return durations.slice(0, length);
}

/** One row of two of the same key, at the earlier second: that of the minute's beginning may have been written. */
function merged(a: MetricRow, b: MetricRow): MetricRow {
  return { ...addCounts(a, b), atMs: Math.min(a.atMs, b.atMs) };
}

/** What a row counts, whatever its names are. */
export type Counts = Omit<MetricRow, keyof MetricKey>;

/** The sum of both, at the time (and with the names) of the first. */
export function addCounts<Row extends Counts>(a: Row, b: Counts): Row {
  return {
    ...a,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    retries: a.retries + b.retries,
    durationSumMs: a.durationSumMs + b.durationSumMs,
    waitSumMs: a.waitSumMs + b.waitSumMs,
    waited: a.waited + b.waited,
    responseBytes: a.responseBytes + b.responseBytes,
    durations: addDurations(a.durations, b.durations),
  };
}

/** A histogram with the counts of both. */
function addDurations(a: readonly number[], b: readonly number[]): readonly number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const sum = long.slice();
  for (let i = 0; i < short.length; i++) sum[i] += short[i];
  return sum;
}

function minuteOf(atMs: number): number {
  return atMs - (atMs % MINUTE_MS);
}
