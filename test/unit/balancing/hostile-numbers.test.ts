/** No number, from wherever it comes, makes a strategy throw, choose what is no candidate, or never recover. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/balancing/random.ts";
import { createStrategy, STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import { stallFactor } from "../../../src/balancing/stall-watch.ts";
import type { Strategy } from "../../../src/balancing/strategy.ts";
import {
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  Rung,
  SCORE_COLUMNS,
  TABLE_COPIES,
  TABLE_MODELS,
} from "../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../src/shared/memory/layout/shared-memory.ts";
import { WEIGHT } from "../../../src/shared/ranges.ts";
import { fleetOf, SLOTS, type TestFleet } from "./fleet.ts";

const SERVERS = [2, 5, 9, 40];
/** What no clock of ours gives. */
const IMPOSSIBLE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300, -0, 5e-324];
/** What no weight can be: the supervisor lets none of them in. */
const NO_WEIGHTS = [Number.NaN, Number.POSITIVE_INFINITY, 0, -1, 5e-324, 1e308];
const LOADS = [0, 1, 7, 1000, 0x7fff_ffff, -1, -40, -0x8000_0000];

/** A table of the learner's with room for the fleet, full of `cost`. */
function tableOf(fleet: TestFleet, cost: () => number): LearnedTable {
  const { words, figures, ...limits } = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).learned[0];
  const rows = TABLE_MODELS * TABLE_COPIES * SLOTS;
  const rowId = Int32Array.from({ length: rows }, (_, row) => fleet.id[row % SLOTS]);
  words[LearnerWord.RUNG] = Rung.MODEL;
  words[LearnerWord.CHAMPION_COSTS] = 1;
  figures[LearnerFigure.SECOND_SHARE] = 0.1;
  figures[LearnerFigure.CONTROL_SHARE] = 0.1;
  const costs = Float32Array.from({ length: rows * SCORE_COLUMNS }, cost);
  return { ...limits, words, figures, rowId, cost: costs };
}

/** Places `n` requests of which each is in flight for the next five; returns how many each server got. */
function traffic(strategy: Strategy, fleet: TestFleet, n: number, fromMs: number, learned?: LearnedTable) {
  const random = seededRandom(77);
  const candidates = Int32Array.from(SERVERS);
  strategy.onCandidates?.(candidates, candidates.length);
  const picks: number[] = [];
  for (let i = 0; i < n; i++) {
    if (learned !== undefined) learned.words[LearnerWord.CHAMPION_TABLE] = 2 + i;
    const slot = strategy.pick(candidates, candidates.length, random.nextUint32(), fromMs + i);
    expect(SERVERS).toContain(slot);
    fleet.inFlight[slot]++;
    picks.push(slot);
    if (i < 5) continue;
    fleet.inFlight[picks[i - 5]]--;
    strategy.onOutcome?.(picks[i - 5], 5 + random.next() * 10, false, fromMs + i, fleet.inFlight[picks[i - 5]]);
  }
  return SERVERS.map((slot) => picks.filter((pick) => pick === slot).length);
}

describe.each(STRATEGY_NAMES)("%s", (name) => {
  const make = (fleet: TestFleet, learned?: LearnedTable) =>
    createStrategy(name, { fleet, random: seededRandom(3).next, learned });

  test("takes the least and the most weight there may be, together and with any load", () => {
    for (const heavy of [1, 2, 3]) {
      const weights = SERVERS.map((_, i) => (i < heavy ? WEIGHT.most : WEIGHT.least));
      const fleet = fleetOf(SERVERS, weights);
      const learned = tableOf(fleet, () => 20);
      const strategy = make(fleet, learned);
      for (const load of LOADS) {
        for (const slot of SERVERS) fleet.inFlight[slot] = load;
        const shares = traffic(strategy, fleet, 200, 1000, learned);
        expect(shares.reduce((sum, share) => sum + share)).toBe(200);
      }
    }
  });

  test("after hours of numbers that cannot be, it spreads ordinary traffic over all as before", () => {
    const random = seededRandom(11);
    const one = <T>(of: readonly T[]) => of[(random.next() * of.length) | 0];
    const fleet = fleetOf(SERVERS);
    const candidates = Int32Array.from(SERVERS);
    const strategy = make(fleet);
    for (let i = 0; i < 5000; i++) {
      for (const slot of SERVERS) {
        fleet.inFlight[slot] = one(LOADS);
        fleet.effectiveWeight[slot] = random.next() < 0.2 ? one(NO_WEIGHTS) : 1;
      }
      const slot = strategy.pick(candidates, candidates.length, random.nextUint32(), i);
      expect(SERVERS).toContain(slot);
      strategy.onOutcome?.(slot, one(IMPOSSIBLE), random.next() < 0.3, i, one(LOADS));
    }
    fleet.effectiveWeight.fill(1);
    fleet.inFlight.fill(0);
    traffic(strategy, fleet, 30_000, 10_000);
    for (const share of traffic(strategy, fleet, 4000, 50_000)) expect(share).toBeGreaterThan(400);
  });

  test("a learned table of damaged memory is survived, and forgotten with it", () => {
    const random = seededRandom(5);
    const fleet = fleetOf(SERVERS);
    const damaged = tableOf(fleet, () => IMPOSSIBLE[(random.next() * IMPOSSIBLE.length) | 0]);
    const strategy = make(fleet, damaged);
    traffic(strategy, fleet, 1000, 1000, damaged);
    damaged.cost.fill(20);
    fleet.inFlight.fill(0);
    for (const share of traffic(strategy, fleet, 4000, 10_000, damaged)) expect(share).toBeGreaterThan(400);
  });
});

test("silence of whatever length, of whatever crowd, is a finite factor", () => {
  for (const silentMs of [0, 1, 1e3, 1e6, 1e12, 1e18]) {
    for (const waiting of [0, 1, 100, 1e6, 2e9]) {
      for (const expectedMs of [0.01, 1, 1e9]) {
        const factor = stallFactor(silentMs, waiting, expectedMs);
        expect(factor >= 1 && Number.isFinite(factor)).toBe(true);
      }
    }
  }
});
