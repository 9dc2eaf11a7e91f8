/** Who gets how much: exact sequences where there are any, else shares within binomial bounds. Seeded. */
import { describe, expect, test } from "bun:test";
import { WeightedRoundRobin } from "../../../src/balancing/weighted-round-robin.ts";
import { binomialTolerance, chiSquare, countPicks, firstSlots, fleetOf, make } from "./fleet.ts";

function sequence(strategy: ReturnType<typeof make>, slots: readonly number[], n: number): number[] {
  const candidates = Int32Array.from(slots);
  return Array.from({ length: n }, (_, i) => strategy.pick(candidates, candidates.length, 0, i));
}

describe("round_robin", () => {
  test("serves each in turn, by slot, whatever the weights and the order of the candidates", () => {
    const picks = sequence(make("round_robin", fleetOf([7, 2, 5], [9, 1, 1])), [7, 2, 5], 9);
    const start = picks[0];
    const turns = [2, 5, 7, 2, 5, 7, 2, 5, 7, 2, 5];
    expect(picks).toEqual(turns.slice(turns.indexOf(start), turns.indexOf(start) + 9));
  });

  test("goes on from where it was when candidates come and go", () => {
    const strategy = make("round_robin", fleetOf([1, 2, 3, 4]));
    while (sequence(strategy, [1, 2, 3, 4], 1)[0] !== 2);
    expect(sequence(strategy, [1, 2, 4], 2)).toEqual([4, 1]);
    expect(sequence(strategy, [1, 2, 3, 4], 4)).toEqual([2, 3, 4, 1]);
  });

  test("workers start anywhere", () => {
    const starts = new Map(firstSlots(4).map((slot) => [slot, 0]));
    for (let seed = 0; seed < 2000; seed++) {
      const [slot] = sequence(make("round_robin", fleetOf(firstSlots(4)), seed), firstSlots(4), 1);
      starts.set(slot, (starts.get(slot) ?? 0) + 1);
    }
    expect(chiSquare(starts.values())).toBeLessThan(25.9); // 3 degrees of freedom: p = 1e-5
  });

  test("a server in slow start takes the share of its turns that its factor says", () => {
    const fleet = fleetOf([0, 1, 2], [1, 4, 1]);
    fleet.effectiveWeight[1] = 1; // a quarter of its weight
    const rounds = 4000;
    // Its own turns come once per round; a round is two picks without it and three with it.
    const counts = countPicks(make("round_robin", fleet), [0, 1, 2], rounds * 2.25);
    expect(Math.abs((counts.get(1) ?? 0) - rounds / 4)).toBeLessThan(binomialTolerance(rounds, 0.25));
    expect(counts.get(0)).toBeCloseTo(counts.get(2) ?? 0, -1);
  });

  test("all servers in slow start: requests are served none the less", () => {
    const fleet = fleetOf([0, 1]);
    fleet.effectiveWeight.fill(1e-9);
    const counts = countPicks(make("round_robin", fleet), [0, 1], 100);
    expect([...counts.values()].reduce((a, b) => a + b)).toBe(100);
  });
});

describe("weighted_round_robin", () => {
  test("is nginx's smooth sequence", () => {
    const strategy = new WeightedRoundRobin({ fleet: fleetOf([0, 1, 2], [5, 1, 1]), random: () => 0 });
    expect(sequence(strategy, [0, 1, 2], 14)).toEqual([0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
  });

  test("gives exact shares in every period, fractions included, from wherever it starts", () => {
    for (let seed = 0; seed < 20; seed++) {
      const strategy = make("weighted_round_robin", fleetOf([4, 5, 6], [2.5, 1, 0.5]), seed);
      expect([...countPicks(strategy, [4, 5, 6], 800).values()]).toEqual([500, 200, 100]);
    }
  });

  test("workers start at places of their own: first picks follow the weights", () => {
    let heavy = 0;
    for (let seed = 0; seed < 2000; seed++) {
      if (sequence(make("weighted_round_robin", fleetOf([0, 1], [4, 1]), seed), [0, 1], 1)[0] === 0) heavy++;
    }
    expect(Math.abs(heavy - 1600)).toBeLessThan(binomialTolerance(2000, 0.8));
  });

  test("keeps the credit of those that stay, and gives a slot's next server none of the last one's", () => {
    const fleet = fleetOf([0, 1, 2], [5, 1, 1]);
    const strategy = new WeightedRoundRobin({ fleet, random: () => 0 });
    expect(sequence(strategy, [0, 1, 2], 3)).toEqual([0, 0, 1]); // credits now 1, -4, 3
    fleet.place(2, 1); // without its 3
    // What they have before each choice: 6, -3, 1; then 4, -2, 2; then 2, -1, 3.
    expect(sequence(strategy, [0, 1, 2], 3)).toEqual([0, 0, 2]);
  });

  test("a slow-starting server's share follows its effective weight", () => {
    const fleet = fleetOf([0, 1]);
    fleet.effectiveWeight[1] = 0.25;
    expect([...countPicks(make("weighted_round_robin", fleet), [0, 1], 1000).values()]).toEqual([800, 200]);
  });
});

describe("random", () => {
  test.each([{ weights: [1, 1, 1, 1] }, { weights: [5, 3, 1, 1] }, { weights: [0.1, 0.2, 0.3, 0.4] }])(
    "shares follow the weights $weights",
    ({ weights }) => {
      const n = 40_000;
      const slots = [3, 8, 21, 60];
      const total = weights.reduce<number>((a, b) => a + b, 0);
      const counts = countPicks(make("random", fleetOf(slots, weights)), slots, n);
      for (const [i, slot] of slots.entries()) {
        const p = weights[i] / total;
        expect(Math.abs((counts.get(slot) ?? 0) - n * p)).toBeLessThan(binomialTolerance(n, p));
      }
    },
  );
});

describe("least_connections", () => {
  test("takes the least loaded", () => {
    const fleet = fleetOf([0, 1, 2]);
    fleet.inFlight.set([3, 1, 2]);
    expect(new Set(sequence(make("least_connections", fleet), [0, 1, 2], 50))).toEqual(new Set([1]));
  });

  test("weighs: requests that stay settle in proportion to the weights", () => {
    const weights = [6, 3, 1];
    const fleet = fleetOf([0, 1, 2], weights);
    const strategy = make("least_connections", fleet);
    for (let i = 0; i < 1000; i++) fleet.inFlight[sequence(strategy, [0, 1, 2], 1)[0]]++;
    expect([...fleet.inFlight.subarray(0, 3)]).toEqual([600, 300, 100]);
  });

  test("ties are fair: among all, and among tied candidates far apart", () => {
    const slots = firstSlots(10);
    const fleet = fleetOf(slots);
    expect(chiSquare(countPicks(make("least_connections", fleet), slots, 20_000).values())).toBeLessThan(40); // p = 1e-5
    fleet.inFlight.fill(5);
    for (const slot of [1, 2, 9]) fleet.inFlight[slot] = 2;
    const counts = countPicks(make("least_connections", fleet), slots, 20_000);
    const tied = [1, 2, 9].map((slot) => counts.get(slot) ?? 0);
    expect(tied.reduce((a, b) => a + b)).toBe(20_000);
    expect(chiSquare(tied)).toBeLessThan(23); // 2 degrees of freedom: p = 1e-5
  });

  test("weights that tie are fair too", () => {
    const fleet = fleetOf([0, 1, 2], [1, 2, 4]);
    fleet.inFlight.set([0, 1, 3]); // each would be at a load of 1
    expect(chiSquare(countPicks(make("least_connections", fleet), [0, 1, 2], 20_000).values())).toBeLessThan(23);
  });
});

describe("p2c", () => {
  test("never takes the most loaded, and the least loaded as often as it is drawn", () => {
    const slots = firstSlots(5);
    const fleet = fleetOf(slots);
    fleet.inFlight.set([4, 3, 2, 1, 0]);
    const n = 20_000;
    const counts = countPicks(make("p2c", fleet), slots, n);
    // The k-th best wins the pairs with those behind it: 4, 3, 2, 1, 0 of the 10.
    for (const [slot, wins] of [0, 1, 2, 3, 4].entries()) {
      const p = wins / 10;
      expect(Math.abs((counts.get(slot) ?? 0) - n * p)).toBeLessThanOrEqual(binomialTolerance(n, p));
    }
  });

  test("compares by weight", () => {
    const fleet = fleetOf([0, 1], [1, 3]);
    fleet.inFlight.set([1, 4]); // loads 2 and 5/3
    expect(countPicks(make("p2c", fleet), [0, 1], 100).get(1)).toBe(100);
    fleet.inFlight.set([1, 6]); // loads 2 and 7/3
    expect(countPicks(make("p2c", fleet), [0, 1], 100).get(0)).toBe(100);
  });

  test("idle servers share evenly", () => {
    const slots = firstSlots(7);
    expect(chiSquare(countPicks(make("p2c", fleetOf(slots)), slots, 20_000).values())).toBeLessThan(33); // 6, p = 1e-5
  });

  test("its fullest server is far less full than random's (Mitzenmacher: log log n against log n)", () => {
    const slots = firstSlots(50);
    const fullest = (name: string) => {
      const fleet = fleetOf(slots);
      const strategy = make(name, fleet);
      for (let i = 0; i < 5000; i++) fleet.inFlight[sequence(strategy, slots, 1)[0]]++;
      return Math.max(...fleet.inFlight) - 100;
    };
    expect(fullest("p2c")).toBeLessThanOrEqual(4);
    expect(fullest("random")).toBeGreaterThan(10);
  });
});
