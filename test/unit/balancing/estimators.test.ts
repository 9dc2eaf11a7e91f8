import { describe, expect, test } from "bun:test";
import { decayFactor } from "../../../src/balancing/estimators/decay.ts";
import { EwmaLatency } from "../../../src/balancing/estimators/ewma-latency.ts";
import { FleetMean } from "../../../src/balancing/estimators/fleet-mean.ts";
import { PeakEwmaLatency } from "../../../src/balancing/estimators/peak-ewma-latency.ts";
import { firstSlots, fleetOf } from "./fleet.ts";

/** One outcome per millisecond and slot over [from, to). */
function feed(
  estimator: EwmaLatency | PeakEwmaLatency,
  latencies: readonly number[],
  fromMs: number,
  toMs: number,
  failed = false,
): void {
  for (let ms = fromMs; ms < toMs; ms++) {
    for (const [slot, latency] of latencies.entries()) estimator.observe(slot, latency, failed, ms);
  }
}

test("decayFactor is the exponential within 0.13 %, and 1 for what has not happened yet", () => {
  for (let age = 0; age < 20; age += 0.01) {
    expect(Math.abs(decayFactor(age * 300, 300) - Math.exp(-age))).toBeLessThan(0.0013);
  }
  expect(decayFactor(-5, 300)).toBe(1);
  expect(decayFactor(Number.POSITIVE_INFINITY, 300)).toBe(0);
});

describe("FleetMean", () => {
  test("forgets with its time constant, weighs outcomes of one instant alike, and survives silence", () => {
    const mean = new FleetMean(1000);
    expect(mean.read()).toBeGreaterThan(0);
    mean.observe(10, 0);
    mean.observe(30, 0);
    expect(mean.read()).toBe(20);
    mean.observe(100, 1e9);
    expect(mean.read()).toBe(100);
  });
});

for (const Estimator of [EwmaLatency, PeakEwmaLatency]) {
  describe(Estimator.name, () => {
    test("is never zero: not before the first outcome, not for latencies of zero", () => {
      const estimator = new Estimator(fleetOf(firstSlots(2)), 1000);
      expect(estimator.read(0, 0)).toBeGreaterThan(0);
      feed(estimator, [0, 0], 0, 2000);
      expect(estimator.read(0, 2000)).toBeGreaterThan(0);
    });

    test("what is unknown counts as the fleet's average", () => {
      const estimator = new Estimator(fleetOf(firstSlots(3)), 1000);
      feed(estimator, [10, 30], 0, 5000);
      expect(estimator.read(2, 5000)).toBeCloseTo(20, 0);
      expect(estimator.isUnknown(2, 5000)).toBe(true);
      expect(estimator.isUnknown(1, 5000)).toBe(false);
    });

    test("silence leads back to the average and to being unknown, from above and from below", () => {
      const estimator = new Estimator(fleetOf(firstSlots(3)), 1000);
      feed(estimator, [5, 400, 50], 0, 5000);
      for (let ms = 5000; ms < 20_000; ms++) estimator.observe(2, 50, false, ms);
      expect(estimator.read(0, 20_000)).toBeCloseTo(50, 0);
      expect(estimator.read(1, 20_000)).toBeCloseTo(50, 0);
      expect(estimator.isUnknown(0, 5000 + 2900)).toBe(false);
      expect(estimator.isUnknown(0, 5000 + 3100)).toBe(true);
      expect(estimator.isUnknown(2, 20_000)).toBe(false);
    });

    test("silence forgives failures", () => {
      const estimator = new Estimator(fleetOf(firstSlots(2)), 1000);
      for (let ms = 0; ms < 3000; ms++) estimator.observe(1, 1, true, ms);
      for (let ms = 0; ms < 20_000; ms++) estimator.observe(0, 50, false, ms);
      expect(estimator.read(1, 20_000)).toBeCloseTo(50, 0);
    });

    test("a probe is due once per expiry", () => {
      const estimator = new Estimator(fleetOf([0]), 1000);
      expect(estimator.isUnknown(0, 0)).toBe(true);
      estimator.onProbe(0, 0);
      expect(estimator.isUnknown(0, 2900)).toBe(false);
      expect(estimator.isUnknown(0, 3100)).toBe(true);
    });

    test("a slot's next server starts from nothing", () => {
      const fleet = fleetOf(firstSlots(3));
      const estimator = new Estimator(fleet, 1000);
      feed(estimator, [10, 10, 900], 0, 5000);
      fleet.place(2);
      for (let ms = 5000; ms < 12_000; ms++) feed(estimator, [10, 10], ms, ms + 1);
      expect(estimator.read(2, 12_000)).toBeCloseTo(10, 0);
      expect(estimator.isUnknown(2, 12_000)).toBe(true);
      estimator.observe(2, 20, false, 12_000);
      expect(estimator.read(2, 12_000)).toBeLessThan(25);
    });

    test("failing fast is worse than any ordinary latency", () => {
      const estimator = new Estimator(fleetOf(firstSlots(2)), 1000);
      feed(estimator, [100], 0, 3000);
      for (let ms = 0; ms < 3000; ms++) estimator.observe(1, 1, true, ms);
      expect(estimator.read(1, 3000)).toBeGreaterThan(900);
    });
  });
}

describe("EwmaLatency", () => {
  test("is the mean of recent latencies; failures enter with a second or with what they took", () => {
    const estimator = new EwmaLatency(fleetOf([0]), 1000);
    for (let ms = 0; ms < 10_000; ms++) estimator.observe(0, ms % 2 ? 10 : 30, false, ms);
    expect(estimator.read(0, 10_000)).toBeCloseTo(20, 0);
    for (let ms = 10_000; ms < 20_000; ms++) estimator.observe(0, ms % 2 ? 10 : 5, ms % 2 === 0, ms);
    expect(estimator.read(0, 20_000)).toBeCloseTo(505, -1);
    for (let ms = 20_000; ms < 30_000; ms++) estimator.observe(0, 3000, true, ms);
    expect(estimator.read(0, 30_000)).toBeCloseTo(3000, -1);
  });

  test("one time constant after a step, 63 % of it has arrived", () => {
    const estimator = new EwmaLatency(fleetOf([0]), 1000);
    feed(estimator, [10], 0, 10_000);
    feed(estimator, [110], 10_000, 11_000);
    expect(estimator.read(0, 11_000)).toBeCloseTo(10 + 100 * (1 - Math.exp(-1)), 0);
  });
});

describe("PeakEwmaLatency", () => {
  test("takes a peak at once and lets it fade with the time constant", () => {
    const estimator = new PeakEwmaLatency(fleetOf([0]), 1000);
    feed(estimator, [10], 0, 5000);
    expect(estimator.read(0, 5000)).toBeCloseTo(10, 1);
    estimator.observe(0, 510, false, 5000);
    expect(estimator.read(0, 5000)).toBeCloseTo(510, 1);
    feed(estimator, [10], 5001, 6000);
    expect(estimator.read(0, 6000)).toBeCloseTo(10 + 500 * Math.exp(-1), -1);
    feed(estimator, [10], 6000, 15_000);
    expect(estimator.read(0, 15_000)).toBeCloseTo(10, 0);
  });

  test("failures cost a second times their share; one among thousands hardly counts", () => {
    const estimator = new PeakEwmaLatency(fleetOf([0]), 3000);
    for (let ms = 0; ms < 10_000; ms++) estimator.observe(0, 10, ms % 4 === 0, ms);
    expect(estimator.read(0, 10_000)).toBeCloseTo(260, -1);
    feed(estimator, [10], 10_000, 20_000);
    estimator.observe(0, 1, true, 20_000);
    expect(estimator.read(0, 20_000)).toBeLessThan(15);
  });

  test("a server that has only failed yet is as slow as the average, and fails", () => {
    const estimator = new PeakEwmaLatency(fleetOf(firstSlots(2)), 1000);
    feed(estimator, [50], 0, 1000);
    estimator.observe(1, 1, true, 1000);
    expect(estimator.read(1, 1000)).toBeCloseTo(50 + 500, 0);
  });

  test("a slow failure is a peak, a fast one no sign of speed", () => {
    const estimator = new PeakEwmaLatency(fleetOf([0]), 1000);
    feed(estimator, [50], 0, 1000);
    feed(estimator, [1], 1000, 9000, true);
    expect(estimator.read(0, 9000)).toBeGreaterThan(1000);
    estimator.observe(0, 30_000, true, 9000);
    expect(estimator.read(0, 9000)).toBeGreaterThan(30_000);
  });
});
