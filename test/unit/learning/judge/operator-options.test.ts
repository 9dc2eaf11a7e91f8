import { describe, expect, test } from "bun:test";
import { judgeOptions } from "../../../../src/learning/judge/operator-options.ts";
import { JUDGE_DEFAULTS } from "../../../../src/learning/judge/options.ts";

describe("the judges' options", () => {
  test("are the defaults at their own speed", () => {
    const { canary, guardrail } = JUDGE_DEFAULTS;
    expect(judgeOptions({ canaryShare: canary.share, controlShare: guardrail.controlShare, speed: 1 })).toEqual(
      JUDGE_DEFAULTS,
    );
  });

  test("wait less at a higher speed, and are as sure", () => {
    const fast = judgeOptions({ canaryShare: 0.4, controlShare: 0.1, speed: 20 });
    expect(fast.canary).toMatchObject({
      share: 0.4,
      leastMs: 3000,
      mostMs: 45_000,
      promotionError: 0.05,
      harmError: 0.05,
    });
    expect(fast.guardrail).toMatchObject({
      controlShare: 0.1,
      holdMs: 500,
      probationOutcomes: 100,
      probationError: 0.05,
    });
    expect(fast.shadow).toMatchObject({ leastRecords: 100, leastMs: 1000, mostMs: 9000, tolerance: 0.1 });
    expect(fast.watch).toMatchObject({ ms: 15_000, error: 0.01 });
  });
});
