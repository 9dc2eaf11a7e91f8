import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import type { Finding } from "../../../../../src/learning/judge/finding.ts";
import { JUDGE_DEFAULTS } from "../../../../../src/learning/judge/options.ts";
import { canaryRule } from "../../../../../src/learning/judge/trials/canary.ts";
import { Trial } from "../../../../../src/learning/judge/trials/trial.ts";
import { lognormal, MINUTE } from "../traffic.ts";

const { canary: OPTIONS, comparison } = JUDGE_DEFAULTS;
const USUAL = canaryRule(OPTIONS, comparison, false);
const REPLACING = canaryRule(OPTIONS, comparison, true);

/** A canary at 200 requests/s whose candidate takes `factor(second)` times the latency. */
function runCanary(
  seed: number,
  factor: (second: number) => number,
  replaces = false,
): { finding: Finding; seconds: number } {
  const random = seededRandom(seed);
  const canary = new Trial(replaces ? REPLACING : USUAL, comparison, 0);
  for (let second = 1; ; second++) {
    const common = 1 + 0.3 * Math.sin(second / 30);
    for (let i = 0; i < 200; i++) {
      const drawn = random.next();
      const x = common * lognormal(random);
      if (drawn < OPTIONS.share) canary.observeSubject(Math.min(x * factor(second), 8));
      else if (drawn < OPTIONS.share + 0.05) canary.observeControl(Math.min(x, 8));
      else canary.observeReference(Math.min(x, 8));
    }
    const finding = canary.tick(second * 1000);
    if (finding !== undefined) return { finding, seconds: second };
  }
}

function runs(count: number, factor: (second: number) => number): { finding: Finding; seconds: number }[] {
  return Array.from({ length: count }, (_, i) => runCanary(i + 1, factor)).sort((a, b) => a.seconds - b.seconds);
}

describe("a candidate that is worse by more than 1 % is promoted in at most 5 % of trials", () => {
  test.each([1.01, 1.03, 1.1])("factor %d", (factor) => {
    const promoted = runs(40, () => factor).filter(({ finding }) => finding.passed);
    expect(promoted.length).toBeLessThanOrEqual(2);
  });
});

describe("a better candidate is promoted soon", () => {
  test.each([
    [0.8, 60],
    [0.9, 90],
    [0.95, 300],
  ])("factor %d within %d s", (factor, within) => {
    const trials = runs(20, () => factor);
    const promoted = trials.filter(({ finding }) => finding.passed);
    expect(promoted.length).toBeGreaterThanOrEqual(18);
    expect(promoted[Math.floor(promoted.length / 2)].seconds).toBeLessThanOrEqual(within);
    expect(promoted[0].seconds).toBeGreaterThanOrEqual(OPTIONS.leastMs / 1000);
    expect(promoted[0].finding.reason).toMatch(/^better: cost /);
  });
});

describe("harm stops it early", () => {
  test.each([
    [1.3, 12],
    [2, 5],
  ])("factor %d within %d s", (factor, within) => {
    const trials = runs(20, () => factor);
    expect(trials.every(({ finding }) => !finding.passed)).toBe(true);
    expect(trials[10].seconds).toBeLessThanOrEqual(within);
    expect(trials[10].finding.reason).toMatch(/^harm: cost /);
  });

  test("also when it turns bad after a harmless start", () => {
    const trials = runs(10, (second) => (second > 50 ? 1.5 : 1));
    expect(trials.every(({ finding }) => !finding.passed)).toBe(true);
    expect(trials[5].seconds).toBeLessThanOrEqual(65);
  });
});

test("no difference: it times out as rejected", () => {
  const trials = runs(10, () => 1).filter(({ finding }) => finding.reason.startsWith("no advantage shown in 15 min"));
  expect(trials.length).toBeGreaterThanOrEqual(8);
  expect(trials[0].seconds).toBe(OPTIONS.mostMs / 1000);
});

describe("in the place of a champion that the estimator had to replace", () => {
  const trials = (factor: number, count = 40) =>
    Array.from({ length: count }, (_, i) => runCanary(i + 1, () => factor, true)).sort((a, b) => a.seconds - b.seconds);

  test("it is enough to keep up with the estimator", () => {
    const found = trials(1, 20);
    const promoted = found.filter(({ finding }) => finding.passed);
    expect(promoted.length).toBeGreaterThanOrEqual(18);
    expect(promoted[promoted.length >> 1].seconds).toBeLessThanOrEqual(240);
    expect(promoted[0].finding.reason).toMatch(/^it keeps up with the estimator, and the champion does not: cost /);
  });

  test("who is worse by more than 5 % is promoted in at most 5 % of trials", () => {
    for (const factor of [1.06, 1.15]) {
      expect(trials(factor).filter(({ finding }) => finding.passed).length).toBeLessThanOrEqual(2);
    }
  });

  test("what was seen before is void when that begins, and when it ends", () => {
    const random = seededRandom(1);
    const canary = new Trial(USUAL, comparison, 0);
    const second = (at: number) => {
      for (let i = 0; i < 100; i++) canary.observeReference(Math.min(lognormal(random), 8));
      for (let i = 0; i < 100; i++) canary.observeSubject(Math.min(lognormal(random) * 0.5, 8));
      return canary.tick(at * 1000);
    };
    for (let at = 1; at < 50; at++) expect(second(at)).toBeUndefined();
    canary.follow(REPLACING, 50_000);
    expect(canary.seen(50_000).reference.subjectCount).toBe(0);
    canary.follow(REPLACING, 50_000);
    for (let at = 51; at < 110; at++) expect(second(at)).toBeUndefined();
    expect(second(110)).toMatchObject({ passed: true });
  });
});

test("a restart voids what was seen, and the time limit goes on", () => {
  const canary = new Trial(USUAL, comparison, 0);
  const random = seededRandom(1);
  const second = (at: number, factor: number) => {
    for (let i = 0; i < 100; i++) canary.observeReference(Math.min(lognormal(random), 8));
    for (let i = 0; i < 100; i++) canary.observeSubject(Math.min(lognormal(random) * factor, 8));
    return canary.tick(at * 1000);
  };
  for (let at = 1; at < 50; at++) expect(second(at, 0.5)).toBeUndefined();
  canary.restart(50_000);
  for (let at = 51; at < 109; at++) expect(second(at, 0.5)).toBeUndefined();
  expect(canary.tick(15 * MINUTE)).toMatchObject({ passed: true });
  canary.restart(15 * MINUTE);
  expect(canary.tick(15 * MINUTE + 1000)).toMatchObject({ passed: false });
});

test("its record against control is kept for the time after", () => {
  const canary = new Trial(USUAL, comparison, 0);
  canary.tick(0);
  for (const cost of [0.5, 0.7]) canary.observeSubject(cost);
  for (const cost of [1, 1.4]) canary.observeControl(cost);
  canary.tick(1000);
  expect(canary.seen(1000).control.difference).toBeCloseTo(-0.6, 12);
});
