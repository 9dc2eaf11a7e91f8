import { describe, expect, test } from "bun:test";
import { Chooser, type Kept, keep, shareOut } from "../../../../src/recorder/sampling/choose.ts";
import { Reservoir } from "../../../../src/recorder/sampling/reservoir.ts";
import { seeded } from "../../../support/networks.ts";

/** A second of traffic: how many requests of each kind (`DetailReason`), and with which probability details were written. */
interface Traffic {
  readonly counts: readonly [number, number, number];
  readonly shares: readonly [number, number, number];
}

const VALUE = 0;

/** Details of a second, each request with a value of its own in its first word. */
function reservoirs({ counts, shares }: Traffic, maxRows: number, random: () => number): Reservoir[] {
  return counts.map((count, kind) => {
    const reservoir = new Reservoir(maxRows, random);
    for (let i = 0; i < count; i++) {
      if (shares[kind] < 1 && random() >= shares[kind]) continue;
      reservoir.add(Int32Array.of(i % 10, kind), shares[kind], 0);
    }
    return reservoir;
  });
}

function choose(chooser: Chooser, traffic: Traffic, maxRows: number, random: () => number): Kept[] {
  const strata = reservoirs(traffic, maxRows, random).map(({ all }, kind) => ({
    count: traffic.counts[kind],
    details: all,
  }));
  return chooser.choose(strata);
}

const kindOf = ({ detail }: Kept): number => detail.words[1];
const weightOf = (kept: readonly Kept[]): number => kept.reduce((sum, { weight }) => sum + weight, 0);

describe("requests that are kept", () => {
  const TRAFFICS: readonly [string, Traffic][] = [
    ["usual", { counts: [900, 9, 3], shares: [0.3, 1, 1] }],
    ["a burst", { counts: [50_000, 500, 20], shares: [0.02, 0.5, 1] }],
    ["all fail", { counts: [0, 0, 5_000], shares: [1, 1, 0.1] }],
    ["nothing fails", { counts: [2_000, 0, 0], shares: [0.2, 1, 1] }],
    ["little of all", { counts: [3, 2, 1], shares: [1, 1, 1] }],
    ["more failures than room", { counts: [1_000, 100, 9_000], shares: [0.25, 1, 0.05] }],
  ];

  test.each([...TRAFFICS])("%s: no more than may be, and for each kind as many as there were", (_name, traffic) => {
    for (const maxRows of [0, 1, 2, 3, 10, 100]) {
      const random = seeded(7);
      const chooser = new Chooser(maxRows);
      for (let second = 0; second < 20; second++) {
        const kept = choose(chooser, traffic, maxRows, random);
        expect(kept.length).toBeLessThanOrEqual(maxRows);
        expect(kept.every(({ weight }) => weight >= 1)).toBe(true);
        if (maxRows === 0) continue;
        expect(weightOf(kept)).toBeCloseTo(traffic.counts[0] + traffic.counts[1] + traffic.counts[2], 3);
        if (maxRows < 3) continue;
        for (const kind of [0, 1, 2]) {
          expect(weightOf(kept.filter((each) => kindOf(each) === kind))).toBeCloseTo(traffic.counts[kind], 3);
        }
      }
    }
  });

  test("sums over part of them are right in the mean, also where shares changed within the second", () => {
    const random = seeded(11);
    const maxRows = 20;
    let sum = 0;
    const rounds = 3_000;
    const count = 1_000;
    for (let round = 0; round < rounds; round++) {
      const reservoir = new Reservoir(maxRows, random);
      for (let i = 0; i < count; i++) {
        // What comes early in the second is unlike what comes late, and so is its chance.
        const share = i < 500 ? 0.4 : 0.05;
        if (random() < share) reservoir.add(Int32Array.of(i < 500 ? 1 : 3), share, 0);
      }
      for (const { detail, weight } of keep(reservoir.all, maxRows, count)) sum += detail.words[VALUE] * weight;
    }
    const truth = count * 2;
    expect(Math.abs(sum / rounds - truth) / truth).toBeLessThan(0.02);
  });

  test("of failed, slow and usual ones each has a part, and what one leaves the others have", () => {
    expect(shareOut([1000, 1000, 1000], 100)).toEqual([50, 25, 25]);
    expect(shareOut([1000, 5, 1000], 100)).toEqual([70, 5, 25]);
    expect(shareOut([3, 2, 1000], 100)).toEqual([3, 2, 95]);
    expect(shareOut([3, 2, 10], 100)).toEqual([3, 2, 10]);
    expect(shareOut([50, 50, 50], 3)).toEqual([1, 1, 1]);
    expect(shareOut([50], 1)).toEqual([1]);
  });

  test("with less room than kinds, one row stands for several", () => {
    const random = seeded(3);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const kept = choose(new Chooser(1), { counts: [10, 10, 10], shares: [1, 1, 1] }, 1, random);
      expect(kept).toHaveLength(1);
      expect(kept[0].weight).toBeCloseTo(30, 6);
      seen.add(kindOf(kept[0]));
    }
    expect(seen.size).toBe(3);
  });

  test("requests without details are represented by later ones of their kind, for a while", () => {
    const random = seeded(3);
    const chooser = new Chooser(10);
    const nothing = { counts: [40, 0, 0], shares: [1e-9, 1, 1] } as const;
    expect(choose(chooser, nothing, 10, random)).toEqual([]);
    expect(choose(chooser, nothing, 10, random)).toEqual([]);
    const all = { counts: [10, 0, 0], shares: [1, 1, 1] } as const;
    expect(weightOf(choose(chooser, all, 10, random))).toBeCloseTo(90, 6);
    expect(weightOf(choose(chooser, all, 10, random))).toBeCloseTo(10, 6);
    for (let second = 0; second < 12; second++) choose(chooser, nothing, 10, random);
    expect(weightOf(choose(chooser, all, 10, random))).toBeLessThanOrEqual(50);
  });
});

test("a reservoir keeps no more than it is asked for, whatever comes", () => {
  const random = seeded(1);
  const reservoir = new Reservoir(50, random);
  for (let i = 0; i < 10_000; i++) reservoir.add(Int32Array.of(i), 1, 0);
  expect(reservoir.length).toBe(51);
  const ranks = reservoir.all.map(({ rank }) => rank);
  expect(Math.max(...ranks)).toBeLessThan(0.01);
  const none = new Reservoir(0, random);
  none.add(Int32Array.of(1), 1, 0);
  expect(none.length).toBe(0);
});
