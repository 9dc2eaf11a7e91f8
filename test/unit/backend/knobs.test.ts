import { describe, expect, test } from "bun:test";
import { DEFAULT_KNOBS, drawLatencyMs, turnKnobs } from "../../../src/backend/knobs.ts";
import { seeded } from "./seeded.ts";

describe("turnKnobs", () => {
  test("turns what is named and keeps the rest", () => {
    const slow = turnKnobs(DEFAULT_KNOBS, { latency_ms: 60 });
    expect(turnKnobs(slow, { error_rate: 0.5 })).toEqual({ ...DEFAULT_KNOBS, latency_ms: 60, error_rate: 0.5 });
    expect(DEFAULT_KNOBS.latency_ms).toBe(0);
  });

  test("lists every wrong value and every unknown name", () => {
    const turn = () => turnKnobs(DEFAULT_KNOBS, { latency_ms: -1, error_rate: 2, concurrency: 1.5, speed: 9 });
    expect(turn).toThrow(/latency_ms.*error_rate.*concurrency/);
    expect(turn).toThrow(/speed/);
    expect(() => turnKnobs(DEFAULT_KNOBS, [1])).toThrow(RangeError);
  });
});

describe("drawLatencyMs", () => {
  test("is the mean itself without jitter", () => {
    expect(drawLatencyMs({ ...DEFAULT_KNOBS, latency_ms: 12 }, () => 0.3)).toBe(12);
  });

  test.each([0.3, 1])("keeps the mean with a jitter of %p", (latency_jitter) => {
    const random = seeded(7);
    const knobs = { ...DEFAULT_KNOBS, latency_ms: 20, latency_jitter };
    let sum = 0;
    let above = 0;
    for (let i = 0; i < 50_000; i++) {
      const ms = drawLatencyMs(knobs, random);
      expect(ms).toBeGreaterThan(0);
      sum += ms;
      if (ms > 20) above++;
    }
    expect(sum / 50_000).toBeCloseTo(20, 0);
    expect(above / 50_000).toBeLessThan(0.5); // skewed to the right: the median is below the mean
  });
});
