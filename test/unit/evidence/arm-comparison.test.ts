import { expect, test } from "bun:test";
import { seededRandom } from "../../../src/balancing/random.ts";
import { ArmComparison } from "../../../src/evidence/arm-comparison.ts";
import { describe as inWords } from "../../../src/evidence/describe.ts";
import { lognormal } from "../learning/judge/traffic.ts";

const OPTIONS = { bucketMs: 1000, bucketOutcomes: 2, longestBucketMs: 30_000 };

function fill(comparison: ArmComparison, subject: readonly number[], reference: readonly number[]): void {
  for (const cost of subject) comparison.observeSubject(cost);
  for (const cost of reference) comparison.observeReference(cost);
}

test("means, the difference and Welch's error of one bucket", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  fill(comparison, [1, 2, 3, 4], [1, 1, 2]);
  expect(comparison.advance(999)).toBe(false);
  expect(comparison.advance(1000)).toBe(true);
  const seen = comparison.summary(1000, 10_000);
  expect(seen.subjectMean).toBe(2.5);
  expect(seen.referenceMean).toBeCloseTo(4 / 3, 12);
  expect(seen.difference).toBeCloseTo(2.5 - 4 / 3, 12);
  expect(seen.relative).toBeCloseTo(0.875, 12);
  expect(seen.standardError).toBeCloseTo(Math.sqrt(5 / 3 / 4 + 1 / 3 / 3), 12);
});

test("arms are compared within buckets: a drift with unequal shares does not pass for a difference", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  fill(comparison, Array(90).fill(1), Array(10).fill(1));
  comparison.advance(1000);
  fill(comparison, Array(10).fill(5), Array(90).fill(5));
  comparison.advance(2000);
  const seen = comparison.summary(2000, 10_000);
  expect(seen.subjectMean).toBeLessThan(2);
  expect(seen.referenceMean).toBeGreaterThan(4);
  expect(seen.difference).toBe(0);
});

test("only the window counts, and memory is bounded", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  for (let second = 1; second <= 1000; second++) {
    fill(comparison, [second, second], [1, 1]);
    comparison.advance(second * 1000);
  }
  expect(comparison.summary(1_000_000, 3000).subjectMean).toBe(999);
  expect(comparison.summary(1_000_000, Number.POSITIVE_INFINITY).subjectCount).toBe(128);
});

test("at low traffic a bucket waits for both arms, but not for ever", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  fill(comparison, [1, 1, 1], [2]);
  expect(comparison.advance(29_000)).toBe(false);
  expect(comparison.advance(30_000)).toBe(true);
  const seen = comparison.summary(30_000, 60_000);
  expect(seen.difference).toBe(-1);
  expect(seen.standardError).toBeNaN(); // one outcome has no variance
});

test("nothing known is NaN, not zero; restart forgets", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  expect(comparison.summary(0, 1000)).toMatchObject({
    subjectCount: 0,
    subjectMean: Number.NaN,
    difference: Number.NaN,
  });
  fill(comparison, [1, 2], [1, 2]);
  comparison.restart();
  comparison.advance(1);
  comparison.advance(40_000);
  expect(comparison.summary(40_000, 60_000).subjectCount).toBe(0);
});

test("the standard error is the true one: 95 % of intervals contain the difference", () => {
  let inside = 0;
  const runs = 400;
  for (let seed = 1; seed <= runs; seed++) {
    const random = seededRandom(seed);
    const comparison = new ArmComparison(OPTIONS, []);
    comparison.advance(0);
    for (let second = 1; second <= 20; second++) {
      for (let i = 0; i < 60; i++) {
        if (random.next() < 0.3) comparison.observeReference(Math.min(lognormal(random), 8));
        else comparison.observeSubject(Math.min(lognormal(random), 8) + 0.5);
      }
      comparison.advance(second * 1000);
    }
    const { difference, standardError } = comparison.summary(20_000, 20_000);
    if (Math.abs(difference - 0.5) <= 1.96 * standardError) inside++;
  }
  expect(inside / runs).toBeGreaterThan(0.92);
  expect(inside / runs).toBeLessThan(0.98);
});

test("in words, with what is not known said plainly", () => {
  const comparison = new ArmComparison(OPTIONS, []);
  comparison.advance(0);
  expect(inWords(comparison.summary(0, 1000))).toBe("too few outcomes to compare (0 and 0)");
  fill(comparison, [1, 2, 3, 4], [1, 1, 2]);
  comparison.advance(1000);
  expect(inWords(comparison.summary(1000, 1000))).toBe("cost 2.50 against 1.33 (+87.5 % ± 54.5 %; 4 and 3 outcomes)");
});
