import { expect, test } from "bun:test";
import fc from "fast-check";
import { SLOW_START_FLOOR, SlowStart } from "../../../src/health/slow-start.ts";

test("is at full weight unless begun, and when it is off", () => {
  const ramp = new SlowStart();
  expect(ramp.factor(0, 1000)).toBe(1);
  ramp.begin(0);
  expect(ramp.factor(0, 0)).toBe(1);
});

test("ramps linearly from the floor to 1", () => {
  const ramp = new SlowStart();
  ramp.begin(500);
  expect(ramp.factor(500, 1000)).toBeCloseTo(SLOW_START_FLOOR);
  expect(ramp.factor(1000, 1000)).toBeCloseTo(0.55);
  expect(ramp.factor(1500, 1000)).toBe(1);
  expect(ramp.factor(9999, 1000)).toBe(1);
});

test("never falls and never leaves its range", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000), (a, b, duration) => {
      const ramp = new SlowStart();
      ramp.begin(0);
      const early = ramp.factor(Math.min(a, b), duration);
      const late = ramp.factor(Math.max(a, b), duration);
      expect(late).toBeGreaterThanOrEqual(early);
      expect(early).toBeGreaterThanOrEqual(SLOW_START_FLOOR);
      expect(late).toBeLessThanOrEqual(1);
    }),
  );
});
