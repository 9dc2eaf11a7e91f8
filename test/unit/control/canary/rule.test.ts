/** When a step of a canary is over. */
import { expect, test } from "bun:test";
import { judgeStep, type StepFigures } from "../../../../src/control/canary/rule.ts";
import { MINUTE, SECOND } from "./traffic.ts";

const TERMS = {
  pool: "next",
  minDurationMs: 2 * MINUTE,
  minRequests: 500,
  maxDurationMs: 20 * MINUTE,
  tolerance: 0.05,
};

function figures(more: Partial<StepFigures> = {}, relative = 0): StepFigures {
  const arm = { requests: 1000, failed: 10, meanMs: 41.27 };
  const summary = {
    subjectCount: 1000,
    referenceCount: 9000,
    subjectMean: 1 + relative,
    referenceMean: 1,
    difference: relative,
    standardError: 0.02,
    relative,
  };
  const evidence = { worse: 0.1, noWorse: 0.1 };
  return { evidence, summary, canary: arm, stable: arm, ageMs: 3 * MINUTE, unusableMs: 0, ...more };
}

const WORSE = { worse: 1, noWorse: 0 };
const NO_WORSE = { worse: 0, noWorse: 1 };

test("worse: at once, however short the step and however few the requests", () => {
  const few = { requests: 12, failed: 12, meanMs: 3 };
  const found = judgeStep(TERMS, figures({ evidence: WORSE, ageMs: 4 * SECOND, canary: few }, 5));
  expect(found.verdict).toBe("worse");
  expect(found.sentence).toContain("pool next does worse: cost 6.00 against 1.00 (+500.0 %");
  expect(found.sentence).toContain("100.0 % of 12 failed, 3 ms against 1.0 % of 1000 failed, 41.3 ms");
});

test("no worse: shown, in its time, and with its requests", () => {
  const shown = figures({ evidence: NO_WORSE }, 0.01);
  expect(judgeStep(TERMS, shown)).toMatchObject({ verdict: "no_worse" });
  expect(judgeStep(TERMS, shown).sentence).toStartWith("pool next costs at most 5 % more");
  expect(judgeStep(TERMS, { ...shown, ageMs: 2 * MINUTE - 1 }).sentence).toContain("this step takes 2m");
  const early = { ...shown, canary: { ...shown.canary, requests: 499 }, ageMs: MINUTE };
  expect(judgeStep(TERMS, early)).toMatchObject({ verdict: null });
  expect(judgeStep(TERMS, early).sentence).toContain("(this step takes 2m and 500 requests)");
});

test("not shown: in the longest time what looks no worse goes on, and what looks worse stays", () => {
  const long = { ageMs: 20 * MINUTE };
  expect(judgeStep(TERMS, figures(long, 0.04))).toMatchObject({ verdict: "no_worse" });
  expect(judgeStep(TERMS, figures(long, 0.04)).sentence).toContain("was not shown to be worse in 20m");
  expect(judgeStep(TERMS, figures(long, 0.06))).toMatchObject({ verdict: null });
  expect(judgeStep(TERMS, figures(long, 0.06)).sentence).toContain("more requests decide it");
  expect(judgeStep(TERMS, figures({ ...long, ageMs: 20 * MINUTE - 1 }, 0.04))).toMatchObject({ verdict: null });
});

test("without requests, or without any to compare with, it waits and says so", () => {
  const none = { requests: 0, failed: 0, meanMs: Number.NaN };
  expect(judgeStep(TERMS, figures({ canary: none, ageMs: 20 * MINUTE }, Number.NaN))).toEqual({
    verdict: null,
    sentence: "waits for requests: none of this step has come back from pool next",
  });
  expect(judgeStep(TERMS, figures({ stable: none, ageMs: 20 * MINUTE }, Number.NaN)).sentence).toContain(
    "nothing to compare with",
  );
});

test("a pool without a usable server is none to try, unless it is only just there", () => {
  const away = { unusableMs: 3 * SECOND };
  expect(judgeStep(TERMS, figures({ ...away, ageMs: 10 * SECOND })).verdict).toBe("unusable");
  expect(judgeStep(TERMS, figures({ ...away, ageMs: 9 * SECOND })).verdict).toBeNull();
  expect(judgeStep(TERMS, figures({ unusableMs: 2 * SECOND })).verdict).toBeNull();
});
