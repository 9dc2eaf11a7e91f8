import { expect, test } from "bun:test";
import { COST_CAP, costOf } from "../../../src/evidence/cost.ts";

test("an answer costs its latency in means, up to the cap", () => {
  expect(costOf(30, false, 20)).toBe(1.5);
  expect(costOf(0, false, 20)).toBe(0);
  expect(costOf(20_000, false, 20)).toBe(COST_CAP);
});

test("a failure costs at least a second and three means, however fast it came", () => {
  expect(costOf(1, true, 500)).toBe(3); // 3 means = 1.5 s are more than a second
  expect(costOf(1, true, 250)).toBe(4); // a second is more than 3 means
  expect(costOf(1, true, 20)).toBe(COST_CAP);
  expect(costOf(2000, true, 500)).toBe(4);
});

test.each([
  [-1, 20, "latencyMs is -1"],
  [Number.NaN, 20, "latencyMs is NaN"],
  [5, 0, "meanMs is 0"],
  [5, Number.NaN, "meanMs is NaN"],
  [5, Number.POSITIVE_INFINITY, "meanMs is Infinity"],
])("latency %p at a mean of %p is refused", (latencyMs, meanMs, message) => {
  expect(() => costOf(latencyMs, false, meanMs)).toThrow(message);
});
