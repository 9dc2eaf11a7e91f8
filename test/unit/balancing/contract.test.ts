/** What every strategy in the registry promises, whatever it is. */

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/balancing/random.ts";
import { STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import { countPicks, firstSlots, fleetOf, make, SLOTS, type TestFleet } from "./fleet.ts";

/** Strategies that learn from outcomes. */
const LEARNERS = STRATEGY_NAMES.filter((name) => make(name, fleetOf([0])).onOutcome !== undefined);

/** Runs traffic in which requests overlap: each pick is in flight for the next `depth` picks. Returns the picks. */
function overlap(name: string, fleet: TestFleet, slots: readonly number[], n: number, seed: number): number[] {
  const strategy = make(name, fleet, seed);
  const candidates = Int32Array.from(slots);
  const random = seededRandom(seed + 1000);
  const picks: number[] = [];
  for (let i = 0; i < n; i++) {
    const slot = strategy.pick(candidates, candidates.length, random.nextUint32(), i);
    fleet.inFlight[slot]++;
    picks.push(slot);
    if (i < 7) continue;
    const done = picks[i - 7];
    fleet.inFlight[done]--;
    strategy.onOutcome?.(done, 5 + random.next() * 10, random.next() < 0.01, i);
  }
  return picks;
}

for (const name of STRATEGY_NAMES) {
  describe(name, () => {
    test("takes the only candidate", () => {
      const strategy = make(name, fleetOf([17]));
      for (let i = 0; i < 20; i++) expect(strategy.pick(Int32Array.of(17), 1, i, i)).toBe(17);
    });

    test("picks only candidates, at whatever slots and in whatever order they are", () => {
      const random = seededRandom(5);
      const fleet = fleetOf(firstSlots(SLOTS));
      const strategy = make(name, fleet);
      const candidates = new Int32Array(SLOTS);
      for (let round = 0; round < 3000; round++) {
        const count = 1 + (random.nextUint32() % 9);
        const allowed = new Set<number>();
        while (allowed.size < count) allowed.add(random.nextUint32() % SLOTS);
        candidates.fill(-1);
        candidates.set([...allowed]);
        strategy.onCandidates?.(candidates, count);
        const slot = strategy.pick(candidates, count, random.nextUint32(), round * 7);
        expect(allowed.has(slot)).toBe(true);
        fleet.inFlight[slot] = (fleet.inFlight[slot] + 1) % 5;
        strategy.onOutcome?.(slot, random.next() * 100, random.next() < 0.1, round * 7);
      }
    });

    test("reads no further than count", () => {
      const strategy = make(name, fleetOf(firstSlots(8)));
      const candidates = Int32Array.of(2, 5, 0, 1, 3);
      for (let i = 0; i < 200; i++) expect([2, 5]).toContain(strategy.pick(candidates, 2, i * 2654435761, i));
    });

    test("the same seed gives the same picks, other seeds give others", () => {
      const run = (seed: number) => overlap(name, fleetOf([3, 9, 11, 40]), [3, 9, 11, 40], 500, seed).join();
      expect(run(7)).toBe(run(7));
      expect(new Set([1, 2, 3, 4, 5, 6, 7, 8].map(run)).size).toBeGreaterThan(2);
    });

    test("spreads overlapping requests over equal servers", () => {
      const slots = [1, 4, 6, 30, 63];
      const picks = overlap(name, fleetOf(slots), slots, 5000, 3);
      for (const slot of slots) {
        const share = picks.filter((pick) => pick === slot).length / picks.length;
        expect(share).toBeGreaterThan(0.1);
        expect(share).toBeLessThan(0.35);
      }
    });

    test("leaves out a candidate that is left out, and takes it back", () => {
      const slots = [2, 3, 4];
      const strategy = make(name, fleetOf(slots));
      countPicks(strategy, slots, 300);
      expect(countPicks(strategy, [2, 4], 300, 2000).has(3)).toBe(false);
      expect(countPicks(strategy, slots, 3000, 3000).get(3)).toBeGreaterThan(0);
    });

    test("a newcomer, in a new slot or a used one, gets some requests and not all", () => {
      const slots = [0, 1, 2];
      const fleet = fleetOf(slots);
      const strategy = make(name, fleet);
      for (const newcomer of [5, 1]) {
        const random = seededRandom(newcomer);
        fleet.place(newcomer);
        const all = [...new Set([...slots, newcomer])];
        const candidates = Int32Array.from(all);
        const before = overlapOn(fleet, [0, 2], 500, random.nextUint32, newcomer * 10_000);
        expect(before.length).toBe(500);
        strategy.onCandidates?.(candidates, candidates.length);
        const picks = overlapOn(fleet, all, 1000, random.nextUint32, newcomer * 10_000 + 5000);
        const got = picks.filter((slot) => slot === newcomer).length;
        expect(got).toBeGreaterThan(50);
        expect(got).toBeLessThan(600);
      }

      function overlapOn(on: TestFleet, among: readonly number[], n: number, key: () => number, fromMs: number) {
        const candidates = Int32Array.from(among);
        const picks: number[] = [];
        for (let i = 0; i < n; i++) {
          const slot = strategy.pick(candidates, candidates.length, key(), fromMs + i);
          on.inFlight[slot]++;
          picks.push(slot);
          if (i < 4) continue;
          const done = picks[i - 4];
          on.inFlight[done]--;
          strategy.onOutcome?.(done, 8 + (key() % 5), false, fromMs + i);
        }
        for (const slot of picks.slice(-4)) on.inFlight[slot]--;
        return picks;
      }
    });

    test("keeps nothing alive: the heap does not grow with picks", () => {
      const fleet = fleetOf(firstSlots(10));
      const strategy = make(name, fleet);
      countPicks(strategy, firstSlots(10), 20_000);
      Bun.gc(true);
      const before = heapStats();
      countPicks(strategy, firstSlots(10), 50_000, 100_000);
      Bun.gc(true);
      const after = heapStats();
      expect(after.objectCount - before.objectCount).toBeLessThan(1000);
      expect(after.heapSize - before.heapSize).toBeLessThan(256 * 1024);
    });

    test("honours slow start: a server at a twentieth of its weight gets far less than its share", () => {
      const slots = [0, 1, 2, 3];
      const fleet = fleetOf(slots);
      fleet.effectiveWeight[2] = 0.05;
      const picks = overlap(name, fleet, slots, 4000, 11);
      const share = picks.filter((slot) => slot === 2).length / picks.length;
      expect(share).toBeLessThan(0.06);
    });

    if (LEARNERS.includes(name)) {
      test("keeps what was learned about the servers that stay when others come and go", () => {
        const fleet = fleetOf([0, 1, 2]);
        const strategy = make(name, fleet);
        const teach = Int32Array.of(0, 1, 2);
        for (let ms = 0; ms < 1000; ms++) {
          strategy.onOutcome?.(0, 10, false, ms);
          strategy.onOutcome?.(1, 200, false, ms);
          strategy.onOutcome?.(2, 10, false, ms);
        }
        strategy.pick(teach, 3, 0, 1000);
        fleet.place(2); // another server in the slot of a good one
        fleet.place(3);
        const candidates = Int32Array.of(0, 1, 3);
        strategy.onCandidates?.(candidates, 3);
        let slow = 0;
        for (let i = 0; i < 300; i++) {
          const slot = strategy.pick(candidates, 3, 0, 1001 + i);
          if (slot === 1) slow++;
          else strategy.onOutcome?.(slot, 10, false, 1001 + i);
        }
        expect(slow).toBe(0);
      });

      test("forgets what was learned about the former server of a slot", () => {
        const fleet = fleetOf([0, 1, 2]);
        const strategy = make(name, fleet);
        const candidates = Int32Array.of(0, 1, 2);
        for (let ms = 0; ms < 1000; ms++) {
          for (const slot of candidates) strategy.onOutcome?.(slot, slot === 1 ? 5000 : 10, false, ms);
        }
        expect(countPicks(strategy, [0, 1, 2], 300, 1000).get(1)).toBe(0);
        fleet.place(1);
        strategy.onCandidates?.(candidates, 3);
        expect(countPicks(strategy, [0, 1, 2], 300, 1300).get(1)).toBeGreaterThan(0);
      });
    }
  });
}
