import { expect, test } from "bun:test";
import { surplusByPool } from "../../../src/storage/pool-parts.ts";

const surplus = (counts: Record<string, number>, most: number) =>
  Object.fromEntries(
    surplusByPool(
      Object.entries(counts).map(([pool, count]) => ({ pool, count })),
      most,
    ).map(({ pool, count }) => [pool, count]),
  );

test("one pool gives all that is too much", () => {
  expect(surplus({ a: 10 }, 4)).toEqual({ a: 6 });
  expect(surplus({ a: 4 }, 4)).toEqual({});
  expect(surplus({}, 4)).toEqual({});
});

test("those that have the most give down to one level; a pool below its equal part gives nothing", () => {
  expect(surplus({ a: 100, b: 10, c: 50 }, 100)).toEqual({ a: 55, c: 5 });
  expect(surplus({ a: 100, b: 10 }, 100)).toEqual({ a: 10 });
  expect(surplus({ a: 6, b: 6, c: 6 }, 10)).toEqual({ a: 3, b: 3, c: 2 });
  expect(surplus({ a: 5, b: 3 }, 0)).toEqual({ a: 5, b: 3 });
});
