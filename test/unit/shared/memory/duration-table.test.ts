/** Rows of durations: whose they are, and which buckets a duration is counted in. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import {
  assignDurationRows,
  classicBucket,
  countBriefDuration,
  countDuration,
  countFailed,
  type DurationColumns,
  durationKey,
  durationRows,
  NATIVE_BOUNDS,
  nativeBucket,
  OTHER_ROW,
  rowOfPlace,
} from "../../../../src/shared/memory/duration-table.ts";
import {
  BriefDurationWord,
  DURATION_BOUNDS,
  DURATION_BUCKETS,
  DURATION_ROWS,
  DurationWord,
  ExemplarWord,
  NATIVE_BUCKETS,
} from "../../../../src/shared/memory/layout/durations.ts";

function columns(): DurationColumns {
  return {
    durationKeys: new Float64Array(DURATION_ROWS),
    durations: new Float64Array(DURATION_ROWS * DurationWord.LENGTH),
    exemplars: new Float64Array(DURATION_ROWS * DURATION_BUCKETS * ExemplarWord.LENGTH),
  };
}

const keysOf = (...names: string[]): number[] =>
  names.map((name, index) => durationKey({ route: 16 + index, name, pool: "default" }));
const count = ({ durations }: DurationColumns, row: number): number =>
  durations
    .subarray(row * DurationWord.LENGTH + DurationWord.BUCKETS, row * DurationWord.LENGTH + DurationWord.NATIVE)
    .reduce((a, b) => a + b, 0);

describe("buckets", () => {
  test("native ones end, inclusive, at the powers of 2^(1/8) and nowhere else", () => {
    for (let i = 0; i < NATIVE_BUCKETS; i++) {
      const bound = NATIVE_BOUNDS[i];
      expect(nativeBucket(bound)).toBe(i);
      expect(nativeBucket(bound * (1 - Number.EPSILON))).toBe(i);
      expect(nativeBucket(bound * (1 + Number.EPSILON))).toBe(Math.min(i + 1, NATIVE_BUCKETS - 1));
    }
    expect(NATIVE_BOUNDS[104]).toBe(1);
    expect(NATIVE_BOUNDS[112]).toBe(2);
    for (const none of [0, -1, Number.NaN, 1e-300]) expect(nativeBucket(none)).toBe(0);
    for (const long of [129, 1e9, Number.POSITIVE_INFINITY]) expect(nativeBucket(long)).toBe(NATIVE_BUCKETS - 1);
  });

  test("classic ones end, inclusive, at their bounds, whichever native one helped to find them", () => {
    for (const [index, bound] of DURATION_BOUNDS.entries()) {
      expect(classicBucket(bound)).toBe(index);
      expect(classicBucket(bound * (1 - Number.EPSILON))).toBe(index);
      expect(classicBucket(bound * (1 + Number.EPSILON))).toBe(index + 1);
    }
    expect(classicBucket(0)).toBe(0);
    expect(classicBucket(1e6)).toBe(DURATION_BOUNDS.length);
    const random = seededRandom(7).next;
    for (let i = 0; i < 20_000; i++) {
      const seconds = Math.exp(random() * 18 - 12);
      const at = DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
      expect(classicBucket(seconds)).toBe(at < 0 ? DURATION_BOUNDS.length : at);
      const native = NATIVE_BOUNDS.findIndex((bound) => seconds <= bound);
      expect(nativeBucket(seconds)).toBe(native < 0 ? NATIVE_BUCKETS - 1 : native);
    }
  });
});

test("a duration is counted once in the sum, in a classic and in a native bucket of its row alone", () => {
  const { durations } = columns();
  expect(countDuration(durations, 3, 0.004)).toBe(2);
  expect(countDuration(durations, 3, 30)).toBe(DURATION_BOUNDS.length);
  const row = durations.subarray(3 * DurationWord.LENGTH, 4 * DurationWord.LENGTH);
  expect(row[DurationWord.SUM_SECONDS]).toBe(30.004);
  expect(row[DurationWord.BUCKETS + 2]).toBe(1);
  expect(row[DurationWord.NATIVE + nativeBucket(30)]).toBe(1);
  const everything = durations.reduce((a, b) => a + b, 0);
  expect(everything).toBe(30.004 + 2 + 2);
  countFailed(durations, 3, 30);
  expect(row[DurationWord.FAILED + nativeBucket(30)]).toBe(1);
  expect(durations.reduce((a, b) => a + b, 0)).toBe(everything + 1);
  const brief = new Float64Array(4 * BriefDurationWord.LENGTH);
  countBriefDuration(brief, 2, 0.25);
  expect([...brief.subarray(2 * BriefDurationWord.LENGTH, 3 * BriefDurationWord.LENGTH)].filter(Boolean)).toEqual([
    0.25, 1,
  ]);
});

describe("rows", () => {
  test("pairs keep theirs over reloads and restarts, whatever comes and goes beside them", () => {
    const table = columns();
    const [a, b, c] = keysOf("a", "b", "c");
    const [rowA, rowB] = assignDurationRows(table, [a, b], false);
    countDuration(table.durations, rowA, 0.1);
    countDuration(table.durations, rowB, 0.1);
    expect(assignDurationRows(table, [b, c], false)[0]).toBe(rowB);
    expect(assignDurationRows(table, [c, b, a], false).slice(1)).toEqual([rowB, rowA]); // it was not needed: still there
    expect(count(table, rowA)).toBe(1);
    expect(rowOfPlace(table, { row: rowA, key: a })).toBe(rowA);
  });

  test("that are needed are taken from pairs that are gone, and what ends then for these is nobody else's", () => {
    const table = columns();
    const many = keysOf(...Array.from({ length: durationRows(1) }, (_, i) => `old-${i}`));
    const old = assignDurationRows(table, many, true).map((row, index) => ({ row, key: many[index] }));
    expect(new Set(old.map(({ row }) => row)).size).toBe(many.length);
    for (const { row } of old) countDuration(table.durations, row, 1);
    table.exemplars.fill(7);
    const news = keysOf(...Array.from({ length: many.length }, (_, i) => `new-${i}`));
    const rows = assignDurationRows(table, news, true);
    expect(new Set(rows)).toEqual(new Set(old.map(({ row }) => row)));
    for (const row of rows) expect(count(table, row)).toBe(0);
    expect(table.exemplars[rows[0] * DURATION_BUCKETS * ExemplarWord.LENGTH]).toBe(0);
    for (const place of old) expect(rowOfPlace(table, place)).toBe(OTHER_ROW);
  });

  test("are real when they are given: the first of them, and the last", () => {
    const table = columns();
    for (let round = 0; round < 40; round++) {
      const keys = keysOf(...Array.from({ length: 1 + (round % 20) }, (_, i) => `route-${round}-${i}`));
      for (const row of assignDurationRows(table, keys, false)) expect(row).toBeLessThan(durationRows(20));
    }
    expect(table.durationKeys.subarray(durationRows(20)).every((key) => key === 0)).toBe(true);
  });

  test("of more pairs than there is room for are the last one's", () => {
    const table = columns();
    const keys = keysOf(...Array.from({ length: DURATION_ROWS + 5 }, (_, i) => `r${i}`));
    const rows = assignDurationRows(table, keys, false);
    expect(rows.filter((row) => row === OTHER_ROW).length).toBe(6);
    expect(new Set(rows).size).toBe(DURATION_ROWS);
  });

  test("belong to a name, a number and a pool together", () => {
    const pairs = [
      { route: 16, name: "a", pool: "x" },
      { route: 17, name: "a", pool: "x" },
      { route: 16, name: "b", pool: "x" }, // its number was given to another route
      { route: 16, name: "a", pool: "y" },
      { route: 16, name: "a", pool: "" },
    ];
    expect(new Set(pairs.map(durationKey)).size).toBe(pairs.length);
  });
});
