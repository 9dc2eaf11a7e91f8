import { describe, expect, test } from "bun:test";
import { placeAmong, placeByName, ringOrder, subsetOf } from "../../../src/balancing/subset.ts";

const serversOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `shop|http://10.0.${i >> 8}.${i & 255}:3000|10.0.${i >> 8}.${i & 255}`);
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `edge-${i}`);
const all = (): boolean => true;

/** By instance: the keys of its servers. */
function subsets(names: readonly string[], servers: readonly string[], size: number): Map<string, Set<string>> {
  const order = ringOrder(servers);
  return new Map(
    names.map((name) => {
      const chosen = subsetOf(order, placeAmong(names, name), { size, leastUsable: 0 }, all);
      expect(chosen).toHaveLength(Math.min(size, servers.length));
      return [name, new Set(chosen.map((index) => servers[index]))];
    }),
  );
}

/** How many instances use each server. */
function users(chosen: ReadonlyMap<string, ReadonlySet<string>>, servers: readonly string[]): number[] {
  const counts = new Map(servers.map((server) => [server, 0]));
  for (const keys of chosen.values()) for (const key of keys) counts.set(key, counts.get(key)! + 1);
  return [...counts.values()];
}

/** Servers that instances of both use and did not use before, a mean over them. */
function moved(
  before: ReadonlyMap<string, ReadonlySet<string>>,
  after: ReadonlyMap<string, ReadonlySet<string>>,
): number {
  const stayed = [...after.keys()].filter((name) => before.has(name));
  const fresh = stayed.map((name) => [...after.get(name)!].filter((key) => !before.get(name)!.has(key)).length);
  return fresh.reduce((a, b) => a + b, 0) / stayed.length;
}

describe("balance", () => {
  test.each([
    [8, 10, 5],
    [100, 1000, 100],
    [7, 1000, 30],
    [100, 10, 3],
    [3, 3, 2],
    [33, 257, 19],
  ])("%i instances, %i servers, %i each: servers have as many instances as others, but for one", (n, m, size) => {
    const servers = serversOf(m);
    const counts = users(subsets(namesOf(n), servers, size), servers);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test("by names alone no server of a hundred instances is left out or has three times its part", () => {
    const servers = serversOf(1000);
    const order = ringOrder(servers);
    const chosen = new Map(
      namesOf(100).map((name) => [
        name,
        new Set(subsetOf(order, placeByName(name), { size: 100, leastUsable: 0 }, all).map((i) => servers[i])),
      ]),
    );
    const counts = users(chosen, servers);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThan(30);
  });

  test("neighbours in the configuration are none on the ring", () => {
    const order = ringOrder(serversOf(1000));
    const near = order.filter((index, i) => i > 0 && Math.abs(index - order[i - 1]) === 1);
    expect(near.length).toBeLessThan(20);
  });
});

describe("movement", () => {
  const names = namesOf(100);
  const servers = serversOf(1000);
  const before = subsets(names, servers, 100);

  test("an instance that goes or comes moves others by a twentieth of their servers at most", () => {
    expect(moved(before, subsets(names.slice(1), servers, 100))).toBeLessThanOrEqual(6);
    expect(moved(before, subsets([...names, "edge-x"], servers, 100))).toBeLessThanOrEqual(6);
  });

  test("a server that goes or comes moves each subset by two servers at most", () => {
    for (const others of [servers.slice(1), [...servers, "shop|http://10.9.9.9:3000|10.9.9.9"]]) {
      const after = subsets(names, others, 100);
      for (const [name, keys] of after) {
        expect([...keys].filter((key) => !before.get(name)!.has(key)).length).toBeLessThanOrEqual(2);
      }
    }
  });

  test("an instance that is started again with its name is where it was; the order in which others are listed says nothing", () => {
    const order = ringOrder(servers);
    const size = { size: 100, leastUsable: 0 };
    const here = subsetOf(order, placeAmong(names, "edge-7"), size, all);
    expect(subsetOf(order, placeAmong([...names].reverse(), "edge-7"), size, all)).toEqual(here);
    expect(
      new Set(
        ringOrder([...servers].reverse())
          .map((index) => servers.toReversed()[index])
          .slice(0, 50),
      ),
    ).toEqual(new Set(order.map((index) => servers[index]).slice(0, 50)));
  });
});

describe("a floor", () => {
  const order = ringOrder(serversOf(20));
  const place = placeAmong(namesOf(4), "edge-1");
  const usual = subsetOf(order, place, { size: 6, leastUsable: 3 }, all);

  test("changes nothing while enough of them can take requests", () => {
    const down = new Set(usual.slice(0, 3));
    expect(subsetOf(order, place, { size: 6, leastUsable: 3 }, (index) => !down.has(index))).toEqual(usual);
  });

  test("takes more, those that come next, when too many are down; and gives them back", () => {
    const down = new Set(usual.slice(0, 5));
    const larger = subsetOf(order, place, { size: 6, leastUsable: 3 }, (index) => !down.has(index));
    expect(larger.slice(0, 6)).toEqual(usual);
    expect(larger).toHaveLength(8);
  });

  test("is all there are when none can take any", () => {
    const chosen = subsetOf(order, place, { size: 6, leastUsable: 3 }, () => false);
    expect(chosen.toSorted((a, b) => a - b)).toEqual(order.toSorted((a, b) => a - b));
  });
});

test("no servers, one server, and who is not on the list", () => {
  expect(subsetOf(ringOrder([]), placeByName("a"), { size: 5, leastUsable: 2 }, all)).toEqual([]);
  expect(subsetOf(ringOrder(["a"]), placeByName("z"), { size: 5, leastUsable: 2 }, all)).toEqual([0]);
  expect(placeAmong(["a", "b"], "c")).toEqual(placeByName("c"));
  expect(placeAmong(["a", "b"], "b")).toEqual({ rank: 1, of: 2 });
});
