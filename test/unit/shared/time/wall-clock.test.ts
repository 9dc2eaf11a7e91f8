import { describe, expect, test } from "bun:test";
import { WallClock } from "../../../../src/shared/time/wall-clock.ts";

/** Clocks that are turned by hand. `late` is what comes between two readings. */
function clocks(wallMs: number) {
  const time = { nowMs: 500, wallMs, late: 0 };
  const clock = new WallClock(
    () => time.nowMs + time.late,
    () => Math.floor(time.wallMs),
  );
  const pass = (ms: number) => {
    time.nowMs += ms;
    time.wallMs += ms;
  };
  return { time, pass, shown: () => time.nowMs + clock.offsetMs() };
}

describe("the time of day", () => {
  test("is the wall clock's, and runs evenly between its milliseconds", () => {
    const { time, pass, shown } = clocks(1_000_000);
    let last = 0;
    for (let i = 0; i < 100; i++) {
      pass(0.37);
      expect(shown()).toBeGreaterThanOrEqual(last);
      expect(Math.abs(shown() - time.wallMs)).toBeLessThan(1.01);
      last = shown();
    }
  });

  test.each([3_600_000, -3_600_000, 20, -20])("follows when the clock is set by %d ms", (stepMs) => {
    const { time, pass, shown } = clocks(2_000_000_000);
    shown();
    time.wallMs += stepMs;
    pass(50);
    expect(Math.abs(shown() - time.wallMs)).toBeLessThan(1.01);
  });

  test("a reading that was held up moves nothing", () => {
    const { time, pass, shown } = clocks(1_000_000);
    pass(10);
    time.late = 4;
    shown();
    time.late = 0;
    expect(Math.abs(shown() - time.wallMs)).toBeLessThan(1.01);
  });
});
