import { describe, expect, test } from "bun:test";
import { placeAmong, type RingPlace } from "../../../../../src/balancing/subset.ts";
import type { DiscoveredServer } from "../../../../../src/control/discovery/discovered-server.ts";
import { FleetSubset, type UsedServer } from "../../../../../src/control/fleet/subsets/fleet-subset.ts";
import { DRAINED, host } from "../fixtures.ts";

function server(name: string, more: { backup?: boolean; zone?: string } = {}): DiscoveredServer {
  const spec = { ...host(name, 3000), ...more };
  return { spec, url: spec.url, hostname: name, address: name, port: 3000, weight: 1 };
}

const TWENTY = Array.from({ length: 20 }, (_, i) => server(`10.0.0.${i + 1}`));
const used = (servers: readonly DiscoveredServer[], down: ReadonlySet<DiscoveredServer> = new Set()): UsedServer[] =>
  servers.map((one) => ({ server: one, ownVerdict: down.has(one) ? "down" : "up", withdrawal: null }));

function subsetAt(first: RingPlace = { rank: 0, of: 4 }) {
  let place = first;
  const subset = new FleetSubset(() => place);
  const options = { subsetSize: 5 };
  return {
    subset,
    choose: (present: readonly UsedServer[] = [], nowMs = 0, wanted: readonly DiscoveredServer[] = TWENTY) =>
      subset.choose(wanted, options, present, nowMs),
    isDue: (present: readonly UsedServer[], nowMs = 0) => subset.isDue(options.subsetSize, present, nowMs),
    move: (to: RingPlace) => {
      place = to;
    },
  };
}

test("without a size all are used, and nothing is ever due", () => {
  const { subset } = subsetAt();
  expect(subset.choose(TWENTY, {}, [], 0)).toBe(TWENTY);
  expect(subset.choose(TWENTY, { subsetSize: 0 }, [], 0)).toBe(TWENTY);
  expect(subset.isDue(0, used(TWENTY, new Set(TWENTY)), 0)).toBe(false);
});

test("four instances use all twenty servers, five each", () => {
  const names = ["a", "b", "c", "d"];
  const all = names.flatMap((name) => subsetAt(placeAmong(names, name)).choose());
  expect(all).toHaveLength(20);
  expect(new Set(all).size).toBe(20);
});

test("another place is due", () => {
  const { choose, isDue, move } = subsetAt();
  const before = choose();
  expect(isDue(used(before))).toBe(false);
  move({ rank: 1, of: 4 });
  expect(isDue(used(before))).toBe(true);
  expect(choose(used(before)).some((one) => before.includes(one))).toBe(false);
});

describe("more are used", () => {
  test("while too many are down, or an operator has them out", () => {
    const { choose, isDue } = subsetAt();
    const before = choose();
    const twoDown = used(before, new Set(before.slice(0, 2)));
    expect(isDue(used(before, new Set(before.slice(0, 1))))).toBe(false);
    expect(isDue(twoDown)).toBe(true);
    expect(choose(twoDown)).toHaveLength(6);
    const drained = used(before).map((one, i) => (i < 2 ? { ...one, withdrawal: DRAINED } : one));
    expect(subsetAt().choose(drained)).toHaveLength(6);
  });

  test("those that were taken are given back when they have not been needed for a minute", () => {
    const { choose, isDue } = subsetAt();
    const before = choose();
    const more = choose(used(before, new Set(before.slice(0, 2))));
    expect(isDue(used(more), 1_000)).toBe(false);
    expect(isDue(used(more), 60_000)).toBe(false);
    expect(isDue(used(more), 61_000)).toBe(true);
    expect(choose(used(more), 61_000)).toEqual(before);
  });

  test("one that goes up and down moves nobody", () => {
    const { choose, isDue } = subsetAt();
    const before = choose();
    const down = new Set(before.slice(0, 2));
    const more = choose(used(before, down));
    for (let nowMs = 1_000; nowMs < 600_000; nowMs += 20_000) {
      expect(isDue(used(more), nowMs)).toBe(false);
      expect(isDue(used(more, down), nowMs + 10_000)).toBe(false);
    }
  });
});

test("a server that comes or goes moves as good as none of the others", () => {
  const { choose } = subsetAt({ rank: 2, of: 4 });
  const before = choose();
  const after = choose(used(before), 0, [...TWENTY, server("10.0.9.9")]);
  expect(after.filter((one) => !before.includes(one)).length).toBeLessThanOrEqual(2);
});

test("backups are a ring of their own, and zones where they matter", () => {
  const backups = Array.from({ length: 10 }, (_, i) => server(`10.1.0.${i + 1}`, { backup: true }));
  const { subset } = subsetAt();
  const chosen = subset.choose([...TWENTY, ...backups], { subsetSize: 5 }, [], 0);
  expect(chosen.filter(({ spec }) => spec.backup)).toHaveLength(5);
  expect(chosen).toHaveLength(10);
  const zones = TWENTY.map((one, i) => ({ ...one, spec: { ...one.spec, zone: i < 7 ? "here" : "there" } }));
  const apart = subsetAt().subset.choose(zones, { subsetSize: 5, preferZone: true }, [], 0);
  expect(apart.filter(({ spec }) => spec.zone === "here")).toHaveLength(5);
});

test("a server that is listed twice counts once", () => {
  const { choose } = subsetAt();
  expect(choose([], 0, [...TWENTY, ...TWENTY])).toHaveLength(5);
});
