import { describe, expect, test } from "bun:test";
import type { Recording } from "../../../../src/replay/recording.ts";
import { firstFrom, intervalOf, recordedFigures, timesIntervalOf } from "../../../../src/replay/simulate/figures.ts";

function recordingOf(latencies: readonly number[], weights: readonly number[], failed: readonly number[]): Recording {
  const n = latencies.length;
  return {
    source: "test",
    startMs: 0,
    durationMs: n,
    strategy: null,
    servers: [
      { name: "a:1", weight: 1, capacity: null },
      { name: "b:1", weight: 1, capacity: null },
    ],
    classes: ["all"],
    requests: {
      atMs: Float64Array.from({ length: n }, (_, i) => i),
      server: Int16Array.from({ length: n }, (_, i) => i % 2),
      class: new Int16Array(n),
      latencyMs: Float32Array.from(latencies),
      waitMs: new Float32Array(n).fill(1),
      failed: Uint8Array.from(failed),
      inFlight: new Int16Array(n).fill(-1),
      weight: Float32Array.from(weights),
    },
    arrivals: null,
    absences: [],
  };
}

describe("figures of a recording", () => {
  test("count every request for as many as it stands for", () => {
    const figures = recordedFigures(recordingOf([10, 20, 30, 40], [1, 7, 1, 1], [0, 0, 0, 0]), 0, 4);
    expect(figures.requests).toBe(10);
    expect(figures.p50Ms).toBe(21);
    expect(figures.meanMs).toBeCloseTo((11 + 7 * 21 + 31 + 41) / 10);
    expect(figures.shares).toEqual([0.2, 0.8]);
    // Weights are kept with seven digits.
    expect(recordedFigures(recordingOf([1, 2, 3, 4], [1.1, 1.7, 1.1, 1.1], [0, 0, 0, 0]), 0, 4).requests).toBe(5);
  });

  test("take a failure for a second at least", () => {
    const figures = recordedFigures(recordingOf([10, 2, 5000, 10], [1, 1, 1, 1], [0, 1, 1, 0]), 0, 4);
    expect(figures.errorShare).toBe(0.5);
    expect(figures.meanMs).toBeCloseTo((11 + 1000 + 5001 + 11) / 4);
  });

  test("are of the requests that arrived within the time", () => {
    expect(recordedFigures(recordingOf([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 0, 0]), 1, 3).meanMs).toBe(3.5);
    expect(firstFrom(Float64Array.of(0, 1, 2), 1)).toBe(1);
    expect(firstFrom(Float64Array.of(0, 1, 2), 9)).toBe(3);
  });
});

test("an interval holds where another draw would lie", () => {
  expect(intervalOf(5, [4, 4, 4], 0)).toEqual({ value: 5, low: 5, high: 5 });
  const { high } = intervalOf(5, [4, 5, 6], 0);
  expect(high - 5).toBeCloseTo(4.303 * Math.sqrt(4 / 3));
});

test("an interval of times is above 0, and as far up as down in times", () => {
  const { low, value, high } = timesIntervalOf(100, [20, 100, 500]);
  expect(low).toBeGreaterThan(0);
  expect(high / value).toBeCloseTo(value / low);
  expect(timesIntervalOf(100, [0, 0, 0])).toEqual({ value: 100, low: expect.closeTo(100), high: expect.closeTo(100) });
});
