import { describe, expect, test } from "bun:test";
import type { AttemptRecord } from "../../../../../src/learning/judge/record.ts";
import { ArmCosts } from "../../../../../src/learning/online/judging/arm-costs.ts";
import { LearnerFigure } from "../../../../../src/shared/memory/layout/learning.ts";

describe("costs of the arms", () => {
  test("are means of late, in mean latencies; arms without attempts have none", () => {
    const record = (arm: AttemptRecord["arm"], latencyMs: number, endedMs: number, failed = false) =>
      ({ arm, latencyMs, failed, meanMs: 100, endedMs }) as AttemptRecord;
    const costs = new ArmCosts();
    for (let i = 0; i < 50; i++) {
      costs.add(record("champion", 50, i));
      costs.add(record("control", 20, i, true));
    }
    const figures = new Float64Array(LearnerFigure.LENGTH);
    costs.show(figures, 50);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBeCloseTo(0.5, 6);
    expect(figures[LearnerFigure.CONTROL_COST]).toBe(8); // a failure costs a second at least, ten means, and eight at most
    expect(figures[LearnerFigure.CANARY_COST]).toBe(0);
    for (let i = 0; i < 50; i++) costs.add(record("champion", 200, 60_000 + i));
    costs.show(figures, 60_050);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBeGreaterThan(1.9);
    costs.show(figures, 300_000);
    expect(figures[LearnerFigure.CHAMPION_COST]).toBe(0);
  });
});
