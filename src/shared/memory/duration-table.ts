/**
 * How long requests took, in one worker's block: a row for each route and the pool that its requests went to. Writer: that
 * worker, alone. Readers: whoever renders metrics; a key becomes visible after its row was zeroed. Rows of pairs that are gone
 * stay until others need them.
 */
import {
  BriefDurationWord,
  DURATION_BOUNDS,
  DURATION_BUCKETS,
  DURATION_ROWS,
  DurationWord,
  ExemplarWord,
  NATIVE_BUCKETS,
  NATIVE_FIRST,
} from "./layout/durations.ts";
import { rowKey } from "./row-key.ts";

/** Counts what found no room, and what ends when its route is gone and its row another's. It has no key. */
export const OTHER_ROW = DURATION_ROWS - 1;
/** Rows are made real in such steps. */
const ROW_STEP = 16;

/** The columns of a worker's block that this is about. */
export interface DurationColumns {
  /** Keys of the rows; 0 = free. */
  readonly durationKeys: Float64Array;
  /** `[DURATION_ROWS × DurationWord.LENGTH]` */
  readonly durations: Float64Array;
  /** `[DURATION_ROWS × DURATION_BUCKETS × ExemplarWord.LENGTH]` */
  readonly exemplars: Float64Array;
}

/** What is told apart: the requests of a route that went to a pool. */
export interface DurationPair {
  /** Number of the route, or index into `ROUTES`. */
  readonly route: number;
  /** Name of the route: its number may be another's in the end. */
  readonly name: string;
  /** Name of the pool; "" = to none. */
  readonly pool: string;
}

/** A row that was given to a pair; for as long as the key is there. */
export interface DurationPlace {
  readonly row: number;
  readonly key: number;
}

/** The key of a pair's row. */
export function durationKey({ route, name, pool }: DurationPair): number {
  return rowKey(route, `${name}\0${pool}`);
}

/** How many rows a worker with so many pairs uses, the last one not counted. */
export function durationRows(pairs: number): number {
  return Math.min(OTHER_ROW, Math.ceil(pairs / ROW_STEP) * ROW_STEP);
}

/**
 * Gives each of `keys` a row, the one that it has if it has one. Others have one of the first `durationRows(keys.length)`,
 * which are real then: a free one, or else one of a pair that is gone.
 * @param exemplars the rows have some.
 * @returns rows in the order of the keys; `OTHER_ROW` where there is none left.
 */
export function assignDurationRows(columns: DurationColumns, keys: readonly number[], exemplars: boolean): number[] {
  const { durationKeys, durations } = columns;
  const wanted = new Set(keys);
  const rows = durationRows(keys.length);
  const rowOf = new Map<number, number>();
  durationKeys.forEach((key, row) => {
    if (key !== 0) rowOf.set(key, row);
  });
  const left = [
    ...range(rows).filter((row) => durationKeys[row] === 0),
    ...range(rows).filter((row) => durationKeys[row] !== 0 && !wanted.has(durationKeys[row])),
  ].values();
  return keys.map((key) => {
    const own = rowOf.get(key);
    if (own !== undefined) return own;
    const { value: row, done } = left.next();
    if (done) return OTHER_ROW;
    durationKeys[row] = 0;
    durations.fill(0, row * DurationWord.LENGTH, (row + 1) * DurationWord.LENGTH);
    if (exemplars) clearExemplars(columns.exemplars, row);
    durationKeys[row] = key;
    rowOf.set(key, row);
    return row;
  });
}

const EXEMPLARS = DURATION_BUCKETS * ExemplarWord.LENGTH;

/** There is no example of a row any more. */
export function clearExemplars(exemplars: Float64Array, row: number): void {
  exemplars.fill(0, row * EXEMPLARS, (row + 1) * EXEMPLARS);
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Where a request is counted that was given this place: there, unless the row is another pair's by now. */
export function rowOfPlace({ durationKeys }: DurationColumns, { row, key }: DurationPlace): number {
  return durationKeys[row] === key ? row : OTHER_ROW;
}

/** Counts a duration in a row. @returns the classic bucket that it falls in. */
export function countDuration(durations: Float64Array, row: number, seconds: number): number {
  const at = row * DurationWord.LENGTH;
  const native = nativeBucket(seconds);
  const bucket = classicBucket(seconds, native);
  durations[at + DurationWord.SUM_SECONDS] += seconds;
  durations[at + DurationWord.BUCKETS + bucket]++;
  durations[at + DurationWord.NATIVE + native]++;
  return bucket;
}

/** Says of a request that `countDuration` has counted that it failed. */
export function countFailed(durations: Float64Array, row: number, seconds: number): void {
  durations[row * DurationWord.LENGTH + DurationWord.FAILED + nativeBucket(seconds)]++;
}

/** Counts a duration in a row of a column that has the classic buckets alone (`BriefDurationWord`). */
export function countBriefDuration(column: Float64Array, row: number, seconds: number): void {
  const at = row * BriefDurationWord.LENGTH;
  column[at + BriefDurationWord.SUM_SECONDS] += seconds;
  column[at + BriefDurationWord.BUCKETS + classicBucket(seconds)]++;
}

// ── buckets ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Upper bounds of the native buckets, seconds, inclusive. */
export const NATIVE_BOUNDS = Float64Array.from({ length: NATIVE_BUCKETS }, (_, i) => 2 ** ((i + NATIVE_FIRST) / 8));

const SHORTEST = NATIVE_BOUNDS[0];
const LONGEST = NATIVE_BOUNDS[NATIVE_BUCKETS - 1];
const PER_OCTAVE = 8;
/** A number's mantissa is looked at by its first bits: the slices are so narrow that no two bounds fall into one. */
const SLICES = 32;
const SLICE_SHIFT = 15;
const EXPONENT_SHIFT = 20;
const EXPONENT_BIAS = 1023;
/** By slice: the first of an octave's buckets that ends in it or behind it. */
const BUCKET_OF_SLICE = Uint8Array.from({ length: SLICES }, (_, slice) => {
  let bucket = 0;
  while (2 ** (bucket / PER_OCTAVE) < 1 + slice / SLICES) bucket++;
  return bucket;
});
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer); // little-endian: the second has the exponent

/** Index of the native bucket that a duration falls in: exact, and without a logarithm. */
export function nativeBucket(seconds: number): number {
  if (!(seconds > SHORTEST)) return 0;
  if (seconds > LONGEST) return NATIVE_BUCKETS - 1;
  double[0] = seconds;
  const high = halves[1];
  const octave = (high >>> EXPONENT_SHIFT) - EXPONENT_BIAS;
  const slice = (high >>> SLICE_SHIFT) & (SLICES - 1);
  const bucket = octave * PER_OCTAVE + BUCKET_OF_SLICE[slice] - NATIVE_FIRST;
  return seconds > NATIVE_BOUNDS[bucket] ? bucket + 1 : bucket;
}

/** By native bucket: the first classic one that any of its durations may be in. */
const CLASSIC_OF_NATIVE = Uint8Array.from(NATIVE_BOUNDS, (_, native) => {
  const from = native === 0 ? 0 : NATIVE_BOUNDS[native - 1];
  const at = DURATION_BOUNDS.findIndex((bound) => bound > from);
  return at < 0 ? DURATION_BOUNDS.length : at;
});

/** Index of the bucket by `DURATION_BOUNDS` that a duration falls in. @param native its native bucket. */
export function classicBucket(seconds: number, native = nativeBucket(seconds)): number {
  let at = CLASSIC_OF_NATIVE[native];
  while (at < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[at]) at++;
  return at;
}
