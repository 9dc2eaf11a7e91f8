/** Rows that have changed: each is seen once, none is missed, and few of many cost a look at few words. */
import { expect, test } from "bun:test";
import { DirtyRows, dirtyWords } from "../../../../../src/shared/memory/rate-limits/dirty-rows.ts";

function make(count: number) {
  const { rows, groups } = dirtyWords(count);
  const words = { rows: new Int32Array(rows), groups: new Int32Array(groups) };
  return { ...words, dirty: new DirtyRows(words.rows, words.groups) };
}

function taken(dirty: DirtyRows): number[] {
  const seen: number[] = [];
  dirty.take((row) => seen.push(row));
  return seen;
}

test("each row that was marked is seen once, in order", () => {
  const { dirty } = make(2 ** 20);
  const marked = [0, 31, 32, 63, 1023, 1024, 77_777, 2 ** 20 - 1];
  for (const row of [...marked].reverse()) dirty.mark(row);
  for (const row of marked) dirty.mark(row);
  expect(taken(dirty)).toEqual(marked);
  expect(taken(dirty)).toEqual([]);
});

test("a million rows are a thousand words to look at", () => {
  const { rows, groups } = dirtyWords(2 ** 20);
  expect([rows, groups]).toEqual([2 ** 15, 2 ** 10]);
  expect(dirtyWords(64)).toEqual({ rows: 2, groups: 1 });
});

test("all rows at once", () => {
  const { dirty } = make(4096);
  for (let row = 0; row < 4096; row++) dirty.mark(row);
  expect(taken(dirty)).toHaveLength(4096);
});

test("what is marked while rows are looked at is seen now or the next time", () => {
  const { dirty } = make(4096);
  dirty.mark(5);
  const seen: number[] = [];
  let more = true;
  dirty.take((row) => {
    seen.push(row);
    if (!more) return;
    more = false;
    for (const other of [5, 6, 4000]) dirty.mark(other);
  });
  expect(new Set([...seen, ...taken(dirty)])).toEqual(new Set([5, 6, 4000]));
});

test("a worker that was ended between its two writes hides nothing from the next one", () => {
  const { dirty, rows } = make(4096);
  rows[3] = 1 << 4; // the row was marked, its group not
  expect(taken(dirty)).toEqual([]);
  dirty.mark(3 * 32 + 4);
  expect(taken(dirty)).toEqual([3 * 32 + 4]);
});
