import { expect, test } from "bun:test";
import { PoolRows } from "../../../../src/control/fleet/pool-rows.ts";
import { MAX_POOLS } from "../../../../src/shared/memory/layout/shared-memory.ts";

const names = (count: number, prefix = "pool") => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

function take(rows: PoolRows, wanted: readonly string[]): void {
  for (const [name, row] of rows.plan(wanted)) rows.take(name, row);
}

test("rows are given in order, and a pool keeps its own whatever comes and goes beside it", () => {
  const rows = new PoolRows();
  take(rows, ["a", "b", "c"]);
  expect([...rows.plan(["c", "d", "a"])]).toEqual([
    ["c", 2],
    ["d", 3],
    ["a", 0],
  ]);
});

test("what is only planned is not taken", () => {
  const rows = new PoolRows();
  rows.plan(["a", "b"]);
  expect([...rows.plan(["c"])]).toEqual([["c", 0]]);
});

test("the row of a pool that goes is another's when its last server is gone, and not before", () => {
  const rows = new PoolRows();
  take(rows, ["a", "b"]);
  expect(rows.plan(["b", "c"]).get("c")).toBe(2);
  rows.release("a");
  expect(rows.plan(["b", "c"]).get("c")).toBe(0);
});

test("a configuration that finds no room is refused, with the pools that are in its way", () => {
  const rows = new PoolRows();
  take(rows, names(MAX_POOLS));
  expect(() => rows.plan([...names(MAX_POOLS - 1), "new"])).toThrow(
    `pools: there is room for ${MAX_POOLS} pools, those included that go and still finish requests (pool-${MAX_POOLS - 1}): new finds none; take away first, and add when those are gone (0 can be added now)`,
  );
  rows.release(`pool-${MAX_POOLS - 1}`);
  expect(rows.plan([...names(MAX_POOLS - 1), "new"]).get("new")).toBe(MAX_POOLS - 1);
});

test("when very many would have to go at once, the message stays short and says how many can be added", () => {
  const rows = new PoolRows();
  take(rows, names(100));
  expect(() => rows.plan(names(100, "other"))).toThrow(
    "(pool-0, pool-1, pool-2, pool-3, pool-4 and 95 more): other-28 finds none; take away first, and add when those are gone (28 can be added now)",
  );
});
