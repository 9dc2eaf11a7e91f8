import { describe, expect, test } from "bun:test";
import { hashString } from "../../../src/balancing/hash.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import type { FleetView } from "../../../src/balancing/strategy.ts";
import { binomialTolerance, chiSquare, firstSlots, fleetOf, make } from "./fleet.ts";

const KEYS = 20_000;
const UNBOUNDED = { hashBalanceFactor: Number.POSITIVE_INFINITY };
const keys = Array.from({ length: KEYS }, (_, i) => hashString(`192.168.${i >> 8}.${i & 255}`));

/** The slot of each key, on an idle fleet. */
function placement(fleet: FleetView, slots: readonly number[]): number[] {
  const strategy = make("consistent_hash", fleet, 1, UNBOUNDED);
  const candidates = Int32Array.from(slots);
  return keys.map((key) => strategy.pick(candidates, candidates.length, key, 0));
}

function moved(before: readonly number[], after: readonly number[]): number {
  return before.filter((slot, i) => after[i] !== slot).length;
}

describe("placement", () => {
  test("equal servers own equal shares of the keys", () => {
    const slots = firstSlots(10);
    const counts = slots.map(() => 0);
    for (const slot of placement(fleetOf(slots), slots)) counts[slot]++;
    expect(chiSquare(counts)).toBeLessThan(40); // 9 degrees of freedom: p = 1e-5
  });

  test("shares follow the weights", () => {
    const weights = [4, 2, 1, 1];
    const owners = placement(fleetOf(firstSlots(4), weights), firstSlots(4));
    for (const [slot, weight] of weights.entries()) {
      const p = weight / 8;
      const count = owners.filter((owner) => owner === slot).length;
      expect(Math.abs(count - KEYS * p)).toBeLessThan(binomialTolerance(KEYS, p));
    }
  });

  test("a server that leaves gives up only its own keys, to all others alike", () => {
    const fleet = fleetOf(firstSlots(10));
    const before = placement(fleet, firstSlots(10));
    const after = placement(
      fleet,
      firstSlots(10).filter((slot) => slot !== 4),
    );
    const heirs = firstSlots(10).map(() => 0);
    for (const [i, slot] of before.entries()) {
      if (slot === 4) heirs[after[i]]++;
      else expect(after[i]).toBe(slot);
    }
    expect(chiSquare(heirs.filter((_, slot) => slot !== 4))).toBeLessThan(38); // 8 degrees of freedom: p = 1e-5
  });

  test("a server that joins takes its n-th of the keys and moves no other", () => {
    const fleet = fleetOf(firstSlots(11));
    const before = placement(fleet, firstSlots(10));
    const after = placement(fleet, firstSlots(11));
    expect(Math.abs(moved(before, after) - KEYS / 11)).toBeLessThan(binomialTolerance(KEYS, 1 / 11));
    expect(after.every((slot, i) => slot === 10 || slot === before[i])).toBe(true);
  });

  test("a weight that grows only attracts keys, also from equal weights to unequal ones", () => {
    const fleet = fleetOf(firstSlots(5));
    const equal = placement(fleet, firstSlots(5));
    fleet.effectiveWeight[3] = 1.5;
    const heavier = placement(fleet, firstSlots(5));
    expect(heavier.every((slot, i) => slot === 3 || slot === equal[i])).toBe(true);
    expect(Math.abs(moved(equal, heavier) - KEYS * (1.5 / 5.5 - 1 / 5))).toBeLessThan(binomialTolerance(KEYS, 0.1));
  });

  test("two instances agree, whatever the slots, ids and the order of the candidates", () => {
    const here = fleetOf(firstSlots(6), [1, 2, 1, 1, 3, 1]);
    const order = [5, 0, 3, 1, 4, 2];
    const there = fleetOf([20, 21, 22, 23, 24, 25]);
    for (const slot of order) {
      there.identityHash[20 + slot] = here.identityHash[slot];
      there.effectiveWeight[20 + slot] = here.effectiveWeight[slot];
    }
    const mine = placement(here, firstSlots(6));
    const theirs = placement(
      there,
      order.map((slot) => 20 + slot),
    );
    expect(theirs.map((slot) => slot - 20)).toEqual(mine);
  });
});

describe("bounded load", () => {
  /** Sends requests that stay, and one key in two is the same; now and then one ends. */
  function fill(
    weights: readonly number[],
    factor: number,
    check: (fleet: FleetView, slot: number, m: number) => void,
  ) {
    const slots = weights.map((_, slot) => slot);
    const fleet = fleetOf(slots, weights);
    const strategy = make("consistent_hash", fleet, 1, { hashBalanceFactor: factor });
    const candidates = Int32Array.from(slots);
    const random = seededRandom(17);
    let requests = 0;
    for (let i = 0; i < 3000; i++) {
      const key = random.next() < 0.5 ? 12345 : random.nextUint32();
      const slot = strategy.pick(candidates, slots.length, key, i);
      fleet.inFlight[slot]++;
      requests++;
      check(fleet, slot, requests);
      const leaver = random.nextUint32() % slots.length;
      if (random.next() < 0.4 && fleet.inFlight[leaver] > 0) {
        fleet.inFlight[leaver]--;
        requests--;
      }
    }
  }

  test.each([1, 1.1, 1.25, 2])("no server is given more than ceil(%d × average)", (factor) => {
    fill(new Array(8).fill(1), factor, (fleet, slot, requests) => {
      expect(fleet.inFlight[slot]).toBeLessThanOrEqual(Math.ceil((factor * requests) / 8));
    });
  });

  test("the bound scales with the weights", () => {
    const weights = [5, 1, 2, 2];
    fill(weights, 1.25, (fleet, slot, requests) => {
      expect(fleet.inFlight[slot]).toBeLessThanOrEqual(Math.ceil(1.25 * requests * (weights[slot] / 10)));
    });
  });

  test("keeps to the key's own server as long as it has room, then goes to one and the same next", () => {
    const fleet = fleetOf(firstSlots(5));
    const strategy = make("consistent_hash", fleet);
    const candidates = Int32Array.from(firstSlots(5));
    const pick = () => strategy.pick(candidates, 5, 777, 0);
    fleet.inFlight.fill(10, 0, 5);
    const home = pick();
    fleet.inFlight[home] = 12; // 52 + 1 in flight: room up to ceil(1.25 · 53 / 5) = 14
    expect(pick()).toBe(home);
    fleet.inFlight[home] = 14; // 55 in flight with this one: ceil(13.75) = 14 is reached
    const next = pick();
    expect(next).not.toBe(home);
    expect(pick()).toBe(next);
    fleet.inFlight[home] = 10;
    expect(pick()).toBe(home);
  });

  test("without a bound the key always goes home", () => {
    const fleet = fleetOf(firstSlots(5));
    const strategy = make("consistent_hash", fleet, 1, UNBOUNDED);
    const candidates = Int32Array.from(firstSlots(5));
    const home = strategy.pick(candidates, 5, 777, 0);
    fleet.inFlight[home] = 1_000_000;
    expect(strategy.pick(candidates, 5, 777, 0)).toBe(home);
  });

  test("counts that leave room nowhere leave nobody without a server", () => {
    const fleet = fleetOf(firstSlots(3));
    fleet.inFlight.fill(-5, 0, 3); // as after an error in the accounting: the bound is below every count
    const strategy = make("consistent_hash", fleet, 1, { hashBalanceFactor: 10 });
    expect(firstSlots(3)).toContain(strategy.pick(Int32Array.from(firstSlots(3)), 3, 1, 0));
  });
});
