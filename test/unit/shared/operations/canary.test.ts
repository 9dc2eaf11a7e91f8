/** How a route's requests are shared while a pool is under trial. */
import { expect, test } from "bun:test";
import { lastStep, nextStep, sharesAt } from "../../../../src/shared/operations/canary.ts";

test("the pool under trial gets its percents, the others share the rest as before", () => {
  const terms = { pool: "next", stable: { old: 1 } };
  expect(sharesAt(terms, 5)).toEqual({ old: 19, next: 1 });
  expect(sharesAt(terms, 0.25)).toEqual({ old: 399, next: 1 });
  expect(sharesAt(terms, 100)).toEqual({ old: 0, next: 1 });
  expect(sharesAt(terms, 0)).toEqual({ old: 1, next: 0 });
  expect(sharesAt({ pool: "next", stable: { a: 3, b: 1, none: 0 } }, 20)).toEqual({ a: 3, b: 1, none: 0, next: 1 });
});

test("weights are whole numbers as a configuration may have them, and nobody who had a share loses all of it", () => {
  const shares = sharesAt({ pool: "next", stable: { a: 1, b: 1, c: 1, small: 0.000_001 } }, 33.33);
  for (const weight of Object.values(shares)) {
    expect(Number.isInteger(weight)).toBe(true);
    expect(weight).toBeGreaterThan(0);
    expect(weight).toBeLessThanOrEqual(1_000_000);
  }
  const total = Object.values(shares).reduce((sum, weight) => sum + weight, 0);
  expect(shares.next / total).toBeCloseTo(0.3333, 4);
});

test("steps are those above what it has", () => {
  expect(nextStep({ percent: 5, steps: [5, 25, 100] })).toBe(25);
  expect(nextStep({ percent: 30, steps: [5, 25, 100] })).toBe(100);
  expect(nextStep({ percent: 100, steps: [5, 100] })).toBeNull();
  expect(lastStep({ percent: 5, steps: [5, 50] })).toBe(50);
  expect(lastStep({ percent: 70, steps: [5, 50] })).toBe(70);
});
