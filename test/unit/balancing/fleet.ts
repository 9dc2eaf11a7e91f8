/** A fleet for tests: plain arrays, and the few things that tests do to it. */
import { hashString } from "../../../src/balancing/hash.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { createStrategy, type StrategyOptions } from "../../../src/balancing/registry.ts";
import type { FleetView, Strategy } from "../../../src/balancing/strategy.ts";

export const SLOTS = 64;

export interface TestFleet extends FleetView {
  /** Puts a new server into a slot; what the slot's former server was is gone. */
  place(slot: number, weight?: number): void;
}

let lastId = 0;

/** A fleet with one server in each of `slots`. Server names, and so identities, go by the slot. */
export function fleetOf(slots: readonly number[], weights: readonly number[] = []): TestFleet {
  const fleet: TestFleet = {
    inFlight: new Int32Array(SLOTS),
    effectiveWeight: new Float64Array(SLOTS).fill(1),
    weight: new Float64Array(SLOTS).fill(1),
    id: new Int32Array(SLOTS),
    identityHash: new Uint32Array(SLOTS),
    place(slot, weight = 1) {
      fleet.id[slot] = ++lastId;
      fleet.inFlight[slot] = 0;
      fleet.weight[slot] = weight;
      fleet.effectiveWeight[slot] = weight;
      fleet.identityHash[slot] = hashString(`http://server-${slot}:80 10.0.0.${slot}`);
    },
  };
  for (const [i, slot] of slots.entries()) fleet.place(slot, weights[i]);
  return fleet;
}

/** The slots 0 … n-1. */
export function firstSlots(n: number): number[] {
  return Array.from({ length: n }, (_, slot) => slot);
}

export function make(name: string, fleet: FleetView, seed = 1, options: StrategyOptions = {}): Strategy {
  return createStrategy(name, { fleet, random: seededRandom(seed).next }, options);
}

/** Picks `n` times with random keys, a millisecond apart, and counts picks by slot. Nothing is in flight meanwhile. */
export function countPicks(
  strategy: Strategy,
  slots: readonly number[],
  n: number,
  fromMs = 1000,
): Map<number, number> {
  const candidates = Int32Array.from(slots);
  const keys = seededRandom(99);
  const counts = new Map(slots.map((slot) => [slot, 0]));
  for (let i = 0; i < n; i++) {
    const slot = strategy.pick(candidates, candidates.length, keys.nextUint32(), fromMs + i);
    strategy.onOutcome?.(slot, 10, false, fromMs + i);
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }
  return counts;
}

/**
 * How far a count of `n` draws of probability `p` may be from its mean: 5 standard deviations, which a right
 * implementation exceeds once in two million.
 */
export function binomialTolerance(n: number, p: number): number {
  return 5 * Math.sqrt(n * p * (1 - p));
}

/** Pearson's chi-square statistic of counts against equal expectations. */
export function chiSquare(counts: Iterable<number>): number {
  const observed = [...counts];
  const expected = observed.reduce((sum, count) => sum + count, 0) / observed.length;
  return observed.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
