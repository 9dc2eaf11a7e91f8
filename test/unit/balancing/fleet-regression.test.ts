import { describe, expect, test } from "bun:test";
import { FleetRegression } from "../../../src/balancing/estimators/fleet-regression.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { firstSlots, fleetOf } from "./fleet.ts";

interface Taught {
  readonly regression: FleetRegression;
  readonly fleet: ReturnType<typeof fleetOf>;
}

/**
 * Server s answers in `speed[s] · (intercept + slope · k)`, ± 30 %, with k around `load[s]`; one outcome of each server
 * per millisecond and `scale`, for four seconds.
 */
function teach(speed: readonly number[], load: readonly number[], slope = 2, scale = 1): Taught {
  const fleet = fleetOf(firstSlots(speed.length));
  const regression = new FleetRegression(fleet);
  const random = seededRandom(9);
  for (let step = 0; step < 4000; step++) {
    for (const [slot, factor] of speed.entries()) {
      const inFlight = load[slot] + (random.nextUint32() % 5);
      const latencyMs = factor * (10 + slope * inFlight) * (0.7 + 0.6 * random.next()) * scale;
      regression.observe(slot, latencyMs, false, step * scale, inFlight);
    }
  }
  return { regression, fleet };
}

describe("the line", () => {
  test("has the slope of latency within each server", () => {
    const { regression } = teach([1, 1, 1, 1], [0, 0, 0, 0]);
    expect(regression.slopeMs).toBeGreaterThan(1.7);
    expect(regression.slopeMs).toBeLessThan(2.3);
    expect(regression.interceptMs).toBeGreaterThan(9);
    expect(regression.interceptMs).toBeLessThan(11);
  });

  test("is not steeper because the slow servers are the full ones", () => {
    const { regression } = teach([1, 1, 4, 4], [0, 0, 30, 30], 0.02);
    // Between servers latency rises by 30 ms over 30 requests; within them hardly at all.
    expect(regression.slopeMs).toBeLessThan(regression.meanMs * 0.03);
  });

  test("never falls with load", () => {
    const { regression } = teach([1, 1, 1], [0, 0, 0], -1.5);
    expect(regression.slopeMs).toBeGreaterThan(0);
    expect(regression.interceptMs).toBeGreaterThan(0);
  });
});

describe("the factor", () => {
  test("tells slow servers from loaded ones", () => {
    const { regression } = teach([1, 1, 1, 3], [0, 0, 12, 0]);
    const factors = firstSlots(4).map((slot) => regression.factor(slot, 4000));
    expect(factors[2] / factors[0]).toBeCloseTo(1, 0.5);
    expect(factors[3] / factors[0]).toBeGreaterThan(2.4);
    expect(factors[3] / factors[0]).toBeLessThan(3.6);
  });

  test("is the same on fleets a hundred times slower", () => {
    const fast = teach([1, 2, 0.5], [2, 2, 2]).regression;
    const slow = teach([1, 2, 0.5], [2, 2, 2], 2, 100).regression;
    for (let slot = 0; slot < 3; slot++) {
      expect(slow.factor(slot, 400_000) / fast.factor(slot, 4000)).toBeCloseTo(1, 0);
    }
    expect(slow.meanMs / fast.meanMs).toBeCloseTo(100, -1);
  });

  test("is 1 before anything is known, and of a newcomer in a used slot", () => {
    expect(new FleetRegression(fleetOf([0])).factor(0, 0)).toBe(1);
    const { regression, fleet } = teach([1, 9], [0, 0]);
    expect(regression.factor(1, 4000)).toBeGreaterThan(1.6); // the mean that it is relative to is its own too
    fleet.place(1);
    expect(regression.factor(1, 4000)).toBe(1);
    expect(regression.isUnknown(1, 4000)).toBe(true);
  });

  test("fades toward 1 in silence, and in the end the server is unknown until it is probed", () => {
    const { regression } = teach([1, 9], [0, 0]);
    const at = (nowMs: number) => regression.factor(1, nowMs);
    expect(at(5000)).toBeGreaterThan(at(9000));
    expect(at(9000)).toBeGreaterThan(at(20_000));
    expect(at(40_000)).toBeCloseTo(1, 3);
    expect(regression.isUnknown(1, 5000)).toBe(false);
    expect(regression.isUnknown(1, 20_000)).toBe(true);
    regression.onProbe(1, 20_000);
    expect(regression.isUnknown(1, 20_001)).toBe(false);
  });
});

describe("failures", () => {
  test("have a price, however fast they are, and make nobody fast", () => {
    const { regression } = teach([1, 1], [0, 0]);
    const before = regression.factor(1, 4000);
    for (let i = 0; i < 50; i++) regression.observe(1, 0.5, true, 4000, 0);
    expect(regression.failureMs(1, 4000)).toBeGreaterThan(30);
    expect(regression.factor(1, 4000)).toBeCloseTo(before, 6);
    expect(regression.failureMs(0, 4000)).toBe(0);
  });

  test("one is little evidence, many are much, and all are forgotten", () => {
    const { regression } = teach([1, 1], [0, 0]);
    regression.observe(1, 1, true, 4000, 0);
    const one = regression.failureMs(1, 4000);
    expect(one).toBeLessThan(2 * regression.meanMs);
    for (let i = 0; i < 100; i++) regression.observe(1, 1, true, 4000, 0);
    expect(regression.failureMs(1, 4000)).toBeGreaterThan(one * 40);
    expect(regression.failureMs(1, 60_000)).toBeLessThan(one / 100);
  });

  test("in a row mean that the server is broken, until it answers", () => {
    const { regression } = teach([1, 1], [0, 0]);
    for (let i = 0; i < 3; i++) regression.observe(1, 1, true, 4000, 0);
    expect(regression.failureMs(1, 4000)).toBeGreaterThan(500);
    regression.observe(1, 10, false, 4001, 0);
    expect(regression.failureMs(1, 4001)).toBeLessThan(150);
  });

  test("keep a server from being asked again for longer", () => {
    const { regression } = teach([1, 1], [0, 0]);
    regression.observe(1, 1, true, 4000, 0);
    expect(regression.isUnknown(0, 4000 + 6000)).toBe(true);
    expect(regression.isUnknown(1, 4000 + 6000)).toBe(false);
    expect(regression.isUnknown(1, 4000 + 12_000)).toBe(true);
  });

  test("cost more than an answer on a slow fleet too", () => {
    const { regression } = teach([1, 1], [0, 0], 2, 200);
    for (let i = 0; i < 5000; i++) regression.observe(1, 1, true, 800_000, 0);
    expect(regression.failureMs(1, 800_000)).toBeGreaterThan(2 * regression.meanMs);
  });
});
