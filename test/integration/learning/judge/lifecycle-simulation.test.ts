/** Whole lives of models on seeded traffic of 200 requests/s with known truth (docs/learning.md quotes these figures). */
import { describe, expect, test } from "bun:test";
import { initialState, Judge } from "../../../../src/learning/judge/judge.ts";
import type { Verdict, VerdictKind } from "../../../../src/learning/judge/verdict.ts";
import {
  MINUTE,
  modelOf,
  NAIVE,
  PERFECT,
  POISONED,
  runFleet,
  SECOND,
  type SimulatedModel,
} from "../../../unit/learning/judge/traffic.ts";

/** What happens when `candidate` is proposed after five seconds. */
function live(
  seed: number,
  prior: SimulatedModel,
  candidate: SimulatedModel,
  ends: readonly VerdictKind[],
  minutes = 20,
): Verdict[] {
  const judge = new Judge(initialState(1), 0);
  return runFleet(
    judge,
    {
      requestsPerSecond: 200,
      seed,
      untilMs: minutes * MINUTE,
      before: (nowMs) => {
        if (nowMs === 5 * SECOND) judge.propose(2, nowMs, "trained on own samples");
      },
      until: (verdicts) => verdicts.some(({ kind }) => ends.includes(kind)),
    },
    { 1: prior, 2: candidate },
  );
}

const OVER = ["promoted", "rejected", "shadow_failed"] as const;
const seeds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

test("a prior that is wrong for the fleet is replaced by a better model within ten minutes, every time", () => {
  for (const seed of seeds(12)) {
    const end = live(seed, NAIVE, PERFECT, OVER).at(-1);
    const promoted = live(seed, NAIVE, PERFECT, ["promoted"], 10).find(({ kind }) => kind === "promoted");
    expect(promoted, end?.reason).toBeDefined();
  }
});

describe("never promoted, whatever the seed", () => {
  const broken: [string, SimulatedModel, SimulatedModel][] = [
    ["poisoned against a good champion", PERFECT, POISONED],
    ["poisoned against a naive champion", NAIVE, POISONED],
    ["scores that are not numbers", NAIVE, { view: { score: () => Number.NaN, predicted: () => 1 } }],
    [
      "not a number for one server under load only",
      NAIVE,
      {
        view: { ...PERFECT.view, score: (slot, k) => (slot === 3 && k > 2 ? Number.NaN : PERFECT.view.score(slot, k)) },
      },
    ],
    ["everything to one server", NAIVE, { view: { ...PERFECT.view, score: (slot) => slot } }],
    ["everything to the slowest server", NAIVE, { view: { ...PERFECT.view, score: (slot) => -slot } }],
    ["good in shadow, half as slow again on traffic of its own", PERFECT, { ...PERFECT, cost: () => 1.5 }],
    ["a little worse than a good champion", PERFECT, { ...PERFECT, cost: () => 1.05 }],
  ];
  test.each(broken)("%s", (_, prior, candidate) => {
    for (const seed of seeds(8)) {
      const verdicts = live(seed, prior, candidate, OVER);
      expect(verdicts.map(({ kind }) => kind)).not.toContain("promoted");
      expect(verdicts.length).toBeGreaterThan(1); // and that was decided, not forgotten
    }
  });
});

/** Seconds from when the promoted model turns bad (45 s after its promotion) until another policy serves. */
function rollBackDelay(
  seed: number,
  prior: SimulatedModel,
  factor: number,
): { kind: VerdictKind; seconds: number } | undefined {
  const judge = new Judge(initialState(1), 0);
  let badFromMs = Number.POSITIVE_INFINITY;
  const cost = (nowMs: number) => (nowMs > badFromMs ? factor : 1);
  const reacted = (verdicts: readonly Verdict[]) =>
    verdicts.find(({ atMs, kind }) => atMs > badFromMs && (kind === "rolled_back" || kind === "demoted"));
  const verdicts = runFleet(
    judge,
    {
      requestsPerSecond: 200,
      seed,
      untilMs: 6 * MINUTE,
      before: (nowMs) => {
        if (nowMs !== 10 * SECOND) return;
        judge.promote(2, nowMs);
        badFromMs = nowMs + 45 * SECOND;
      },
      until: (seen) => reacted(seen) !== undefined,
    },
    { 1: prior, 2: { ...PERFECT, cost } },
  );
  const end = reacted(verdicts);
  return end && { kind: end.kind, seconds: (end.atMs - badFromMs) / SECOND };
}

describe("a promoted model that turns bad is rolled back within 30 s", () => {
  test.each([
    ["twice as slow, before it a naive model", NAIVE, 2],
    ["twice as slow, before it a good model", PERFECT, 2],
    ["half as slow again, before it a good model", PERFECT, 1.5],
  ])("%s", (_, prior, factor) => {
    for (const seed of seeds(10)) {
      const end = rollBackDelay(seed, prior, factor);
      expect(end?.kind).toBe("rolled_back");
      expect(end?.seconds).toBeLessThanOrEqual(30);
    }
  });
});

test("where there is no model to go back to, the guardrail demotes it", () => {
  for (const seed of seeds(5)) {
    const judge = new Judge(initialState(null), 0);
    const cost = (nowMs: number) => (nowMs > 60 * SECOND ? 2 : 1);
    const verdicts = runFleet(
      judge,
      {
        requestsPerSecond: 200,
        seed,
        untilMs: 3 * MINUTE,
        before: (nowMs) => {
          if (nowMs === 5 * SECOND) judge.promote(4, nowMs);
        },
        until: (seen) => seen.some(({ kind }) => kind === "demoted"),
      },
      { 4: { ...modelOf([1, 1, 1.5, 2, 2, 3]), cost } },
    );
    const demoted = verdicts.find(({ kind }) => kind === "demoted");
    expect(demoted?.atMs).toBeGreaterThan(60 * SECOND);
    expect(demoted?.atMs).toBeLessThanOrEqual(90 * SECOND);
  }
});

test("a good model passes its watch: roll-backs without reason are rare", () => {
  let rolledBack = 0;
  for (const seed of seeds(20)) {
    const judge = new Judge(initialState(1), 0);
    const verdicts = runFleet(
      judge,
      {
        requestsPerSecond: 200,
        seed,
        untilMs: 6 * MINUTE,
        before: (nowMs) => {
          if (nowMs === 5 * SECOND) judge.promote(2, nowMs);
        },
      },
      { 1: PERFECT, 2: PERFECT },
    );
    if (verdicts.some(({ kind }) => kind === "rolled_back" || kind === "demoted")) rolledBack++;
  }
  expect(rolledBack).toBeLessThanOrEqual(1);
});
