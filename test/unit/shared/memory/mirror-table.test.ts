import { expect, test } from "bun:test";
import {
  assignMirrorRows,
  MIRROR_BOUNDS,
  MIRROR_ROWS,
  MirrorWord,
  mirrorBucket,
  mirrorFigures,
  mirrorKey,
} from "../../../../src/shared/memory/mirror-table.ts";
import { ROUTE_NUMBERS } from "../../../../src/shared/memory/series-table.ts";

const columns = () => ({
  mirrorKeys: new Float64Array(MIRROR_ROWS),
  mirrorFigures: new Float64Array(MIRROR_ROWS * MirrorWord.LENGTH),
});

test("a route keeps its row, and another pool has another", () => {
  const table = columns();
  const shop = mirrorKey(16, "shop");
  const [row] = assignMirrorRows(table, [shop]);
  mirrorFigures(table, row)[MirrorWord.COMPLETED] = 5;
  expect(assignMirrorRows(table, [mirrorKey(16, "api"), shop])).toEqual([1, row]);
  expect(mirrorFigures(table, row)[MirrorWord.COMPLETED]).toBe(5);
  expect(mirrorFigures(table, 1)[MirrorWord.COMPLETED]).toBe(0);
});

test("rows of routes that are gone are used again, with nothing in them; beyond the last row there is none", () => {
  const table = columns();
  const first = Array.from({ length: MIRROR_ROWS }, (_, i) => mirrorKey(i, "a"));
  assignMirrorRows(table, first);
  table.mirrorFigures.fill(7);
  const second = [...first.slice(1), mirrorKey(999, "b"), mirrorKey(1000, "b")];
  const rows = assignMirrorRows(table, second);
  expect(rows.slice(-2)).toEqual([0, -1]);
  expect(rows.slice(0, -2)).toEqual(Array.from({ length: MIRROR_ROWS - 1 }, (_, i) => i + 1));
  expect([...mirrorFigures(table, 0)]).toEqual(new Array(MirrorWord.LENGTH).fill(0));
});

test("keys are whole numbers that a Float64 holds, and never that of a free row", () => {
  expect(mirrorKey(0, "")).toBeGreaterThan(0);
  expect(Number.isSafeInteger(mirrorKey(ROUTE_NUMBERS - 1, "x".repeat(63)))).toBe(true);
  expect(mirrorKey(1, "a")).not.toBe(mirrorKey(1, "b"));
});

test("a latency is in the bucket of the first bound that it does not exceed", () => {
  expect(mirrorBucket(0)).toBe(0);
  expect(mirrorBucket(1)).toBe(0);
  expect(mirrorBucket(1.1)).toBe(1);
  expect(mirrorBucket(10_000)).toBe(MIRROR_BOUNDS.length - 1);
  expect(mirrorBucket(10_001)).toBe(MIRROR_BOUNDS.length);
  expect(MirrorWord.MIRROR_LATENCY + MIRROR_BOUNDS.length + 1).toBeLessThanOrEqual(MirrorWord.LENGTH);
});
