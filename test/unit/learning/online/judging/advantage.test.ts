/** What is told of the policy that serves against the one a rung below. */
import { describe, expect, test } from "bun:test";
import type { AttemptRecord } from "../../../../../src/learning/judge/record.ts";
import { Advantage } from "../../../../../src/learning/online/judging/advantage.ts";
import { LearnerFigure, Rung } from "../../../../../src/shared/memory/layout/learning.ts";

const SERVING = { rung: Rung.MODEL, model: 7 };

function make() {
  const advantage = new Advantage();
  const figures = new Float64Array(LearnerFigure.LENGTH);
  const show = (nowMs: number, serving: typeof SERVING | null = SERVING) => {
    advantage.show(figures, nowMs, serving);
    return { mean: figures[LearnerFigure.ADVANTAGE], error: figures[LearnerFigure.ADVANTAGE_ERROR] };
  };
  const add = (arm: AttemptRecord["arm"], latencyMs: number, dispatchedMs: number, modelVersion: number | null = 7) =>
    advantage.add({ arm, latencyMs, dispatchedMs, modelVersion, failed: false, meanMs: 100 } as AttemptRecord);
  return { show, add };
}

describe("the advantage of what serves", () => {
  test("is what a request costs less, with an error that chance explains", () => {
    const { show, add } = make();
    show(0);
    for (let second = 1; second <= 60; second++) {
      for (let i = 0; i < 10; i++) add("champion", 80 + ((second * 7 + i * 13) % 20), second * 1_000);
      for (let i = 0; i < 3; i++) add("control", 100 + ((second * 5 + i * 11) % 20), second * 1_000, null);
      show(second * 1_000);
    }
    const { mean, error } = show(61_000);
    expect(mean).toBeCloseTo(0.18, 1);
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.05);
  });

  test("is not told of too few outcomes, of other models, of what was placed before, nor on the lowest rung", () => {
    const { show, add } = make();
    show(10_000);
    for (let i = 0; i < 100; i++) {
      add("champion", 50, 10_000 + i, 6);
      add("champion", 50, 9_000);
      add("control", 100, 10_000 + i, null);
    }
    expect(show(20_000)).toEqual({ mean: 0, error: 0 });
    for (let i = 0; i < 100; i++) {
      add("champion", 50 + (i % 7), 20_000);
      add("control", 100 + (i % 7), 20_000, null);
    }
    expect(show(30_000).mean).toBeGreaterThan(0.4);
    expect(show(31_000, null)).toEqual({ mean: 0, error: 0 });
  });
});
