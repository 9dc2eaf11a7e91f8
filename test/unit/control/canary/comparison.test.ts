/** What the arms of a canary are compared by. */
import { expect, test } from "bun:test";
import { CanaryComparison } from "../../../../src/control/canary/comparison.ts";
import { counts, MINUTE, SECOND } from "./traffic.ts";

const TERMS = { tolerance: 0, harmError: 0.05, noWorseError: 0.05, maxDurationMs: 20 * MINUTE, clusterSize: 1 };

function compared(seconds: number, canary: ReturnType<typeof counts>, stable: ReturnType<typeof counts>) {
  const comparison = new CanaryComparison(TERMS, 0);
  for (let at = 1; at <= seconds; at++) comparison.add(canary, stable, at * SECOND);
  return comparison;
}

test("a request costs its duration in mean durations of the stable arm, a failure a second at least", () => {
  const { summary, canary, stable } = compared(60, counts([40, 20]), counts([20, 100]));
  expect(summary.referenceMean).toBeCloseTo(1, 1);
  expect(summary.subjectMean).toBeCloseTo(2, 1);
  expect(canary.requests).toBe(59 * 20); // the first second is what the unit is made of
  expect(stable).toMatchObject({ requests: 5_900, failed: 0 });
  expect(stable.meanMs).toBeCloseTo(20, -0.5);
  const failing = compared(60, counts([20, 20, 20]), counts([20, 100]));
  expect(failing.summary.subjectMean).toBe(8); // however fast: the cap
  expect(failing.canary).toMatchObject({ failed: 1_180 });
});

test("in both arms only what began in the step counts", () => {
  // What takes ten seconds comes back from the stable arm all the time, from the other one only after ten.
  const slow = counts([20, 90], [10_000, 10]);
  const early = compared(10, counts([20, 90]), slow);
  expect(early.summary.difference).toBeCloseTo(0, 6);
  expect(early.stable.requests).toBe(9 * 90);
  const late = compared(60, slow, slow);
  expect(late.summary.difference).toBeCloseTo(0, 6);
  expect(late.stable.requests).toBeGreaterThan(59 * 90 + 400);
});

test("streams and tunnels are left out", () => {
  const { canary, stable, summary } = compared(400, counts([20, 10]), counts([20, 100], [3_600_000, 5]));
  expect(stable.requests).toBe(399 * 100);
  expect(stable.meanMs).toBeCloseTo(canary.meanMs, 6);
  expect(summary.difference).toBeCloseTo(0, 6);
});

test("the evidence is in parts of what is needed, and ten requests of a client are one", () => {
  const failing = [counts([20, 5, 5]), counts([20, 100])] as const;
  const requests = compared(5, ...failing);
  expect(requests.evidence.worse).toBeGreaterThan(1);
  expect(requests.evidence.noWorse).toBeLessThan(0.1);
  const clients = new CanaryComparison({ ...TERMS, clusterSize: 10 }, 0);
  for (let at = 1; at <= 5; at++) clients.add(...failing, at * SECOND);
  expect(clients.evidence.worse).toBeLessThan(1);
  for (let at = 6; at <= 30; at++) clients.add(...failing, at * SECOND);
  expect(clients.evidence.worse).toBeGreaterThan(1);
});

test("without anything to compare with there is no evidence, and no number that is none", () => {
  const alone = compared(60, counts([20, 5]), counts());
  expect(alone.evidence).toEqual({ worse: 0.5 * 0.05, noWorse: 0.05 });
  expect(alone.canary.requests).toBe(0);
  const counted = counts([20, 5, 7]); // a failure may be counted a moment before its request
  expect(compared(10, counted, counted).summary.difference).toBe(0);
});
