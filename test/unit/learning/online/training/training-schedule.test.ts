import { describe, expect, test } from "bun:test";
import {
  FIRST_SAMPLES,
  MORE_SAMPLES,
  TrainingSchedule,
} from "../../../../../src/learning/online/training/training-schedule.ts";

describe("the schedule of trainings", () => {
  const SOON = new TrainingSchedule(60_000);

  test("waits for samples at first, then for the interval and for new ones", () => {
    SOON.add(FIRST_SAMPLES - 1);
    expect(SOON.due(0)).toBe(false);
    SOON.add(1);
    expect(SOON.due(0)).toBe(true);
    SOON.begin(0);
    SOON.end("proposed");
    SOON.add(MORE_SAMPLES);
    expect(SOON.due(59_999)).toBe(false);
    expect(SOON.due(60_000)).toBe(true);
    SOON.begin(60_000);
    expect(SOON.due(1e9)).toBe(false);
  });

  test("waits longer after each that gave nothing, up to sixteen times; another champion ends that", () => {
    const schedule = new TrainingSchedule(1000);
    schedule.add(FIRST_SAMPLES);
    let nowMs = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      schedule.begin(nowMs);
      schedule.end(i % 2 === 0 ? "no_better" : "failed");
      schedule.add(MORE_SAMPLES);
      const startMs = nowMs;
      while (!schedule.due(nowMs)) nowMs += 500;
      waits.push(nowMs - startMs);
    }
    expect(waits).toEqual([2000, 4000, 8000, 16_000, 16_000, 16_000]);
    schedule.begin(nowMs);
    schedule.end("no_better");
    schedule.add(MORE_SAMPLES);
    schedule.restart();
    expect(schedule.due(nowMs + 1000)).toBe(true);
  });

  test("is at once when somebody asks", () => {
    const schedule = new TrainingSchedule(60_000);
    schedule.ask();
    expect(schedule.due(0)).toBe(true);
    schedule.begin(0);
    expect(schedule.due(1)).toBe(false);
  });
});
