import { describe, expect, test } from "bun:test";
import { PeerLoad } from "../../../src/balancing/estimators/peer-load.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { createStrategy } from "../../../src/balancing/registry.ts";

const SLOTS = 8;

function fixture(weights: readonly number[] = [1, 1, 1, 1]) {
  const servers = {
    slots: Int32Array.from(weights, (_, i) => i),
    count: weights.length,
    id: Int32Array.from({ length: SLOTS }, (_, i) => i + 1),
    effectiveWeight: Float64Array.from({ length: SLOTS }, (_, i) => weights[i] ?? 1),
  };
  const told = { inFlight: new Int32Array(SLOTS), transferring: new Int32Array(SLOTS) };
  const into = { inFlight: new Int32Array(SLOTS), transferring: new Int32Array(SLOTS) };
  const load = new PeerLoad(SLOTS, seededRandom(1).next);
  /** Means over rounds that all say the same; what is told is 100 ms old. */
  const settle = (inFlight: readonly number[], responseMs: number, rounds = 1, everyMs = 0, fromMs = 1000) => {
    told.inFlight.set(inFlight);
    const sums = new Float64Array(inFlight.length);
    for (let round = 0; round < rounds; round++) {
      load.settle(told, servers, { ageMs: 100, responseMs, nowMs: fromMs + round * everyMs }, into);
      for (const i of inFlight.keys()) sums[i] += into.inFlight[i] / rounds;
    }
    return Array.from(sums);
  };
  return { servers, told, into, settle };
}

function expectNear(means: readonly number[], expected: readonly number[]): void {
  for (const [i, mean] of means.entries()) expect(Math.abs(mean - expected[i])).toBeLessThan(0.1);
}

describe("what others told of their requests", () => {
  test("counts as a whole, whoever has them, when it is older than what requests take", () => {
    expectNear(fixture().settle([8, 0, 4, 4], 5, 4000), [4, 4, 4, 4]);
  });

  test("counts half by server when it is new beside what requests take: never so that all follow it", () => {
    expectNear(fixture().settle([8, 0, 4, 4], 1e9, 4000), [6, 2, 4, 4]);
  });

  test("is old where nobody knows what requests take", () => {
    expectNear(fixture().settle([8, 0, 4, 4], Number.NaN, 4000), [4, 4, 4, 4]);
  });

  test("counts by server, too, when it lasts for seconds", () => {
    const { settle } = fixture();
    settle([8, 0, 4, 4], 5, 200, 100);
    expectNear(settle([8, 0, 4, 4], 5, 4000, 0, 21_000), [6, 2, 4, 4]);
  });

  test("is spread by weight", () => {
    expectNear(fixture([1, 3]).settle([4, 4], 1, 4000), [2, 6]);
  });

  test("parts of a request are made up by chance: instances that know the same are not of one mind", () => {
    const { settle } = fixture();
    const seen = new Set(Array.from({ length: 50 }, () => settle([5, 4, 4, 4], 100)[0]));
    expect(seen.size).toBeGreaterThan(1);
  });

  test("what is in transfer counts as it is", () => {
    const { told, into, settle } = fixture();
    told.transferring.set([5, 0, 0, 0]);
    settle([5, 0, 0, 0], 20);
    expect(Array.from(into.transferring.subarray(0, 4))).toEqual([5, 0, 0, 0]);
    expect(Array.from(into.inFlight.subarray(0, 4))).toEqual([5, 0, 0, 0]);
  });

  test("nothing told is nothing, whatever was told for long before", () => {
    const { into, settle } = fixture();
    settle([9, 0, 0, 0], 20, 200, 100);
    settle([0, 0, 0, 0], 20, 1, 0, 21_000);
    expect(Array.from(into.inFlight)).toEqual(new Array(SLOTS).fill(0));
  });

  test("a slot that went to another server begins afresh", () => {
    const { servers, settle } = fixture();
    settle([12, 0, 0, 0], 1, 200, 100);
    servers.id.fill(99);
    expectNear(settle([3, 3, 3, 3], 1, 1000, 0, 21_000), [3, 3, 3, 3]);
  });

  test("numbers that cannot be never count less than nothing, and other slots are left alone", () => {
    const { told, into, settle } = fixture();
    into.inFlight.fill(7, 4);
    told.transferring.set([9, 0, 0, 0]);
    settle([3, -5, 2, 1], 20);
    for (const [i, count] of into.inFlight.subarray(0, 4).entries()) {
      expect(count).toBeGreaterThanOrEqual(told.transferring[i]);
    }
    expect(Array.from(into.inFlight.subarray(4))).toEqual([7, 7, 7, 7]);
  });
});

test.each(["least_response_time", "peak_ewma"])("%s goes by what its instance has in flight itself", (name) => {
  const fleet = {
    inFlight: new Int32Array(SLOTS),
    effectiveWeight: new Float64Array(SLOTS).fill(1),
    weight: new Float64Array(SLOTS).fill(1),
    id: Int32Array.from({ length: SLOTS }, (_, i) => i + 1),
    identityHash: new Uint32Array(SLOTS),
    peers: { inFlight: new Int32Array(SLOTS), transferring: new Int32Array(SLOTS) },
  };
  const strategy = createStrategy(name, { fleet, random: seededRandom(1).next });
  const both = Int32Array.of(0, 1);
  for (const slot of both) strategy.onOutcome!(slot, 10, false, 1000);
  fleet.peers.inFlight[0] = 40;
  fleet.inFlight[0] = 40;
  fleet.inFlight[1] = 1;
  for (let i = 0; i < 20; i++) expect(strategy.pick(both, 2, 0, 1000)).toBe(0);
});
