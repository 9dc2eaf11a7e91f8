import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OutcomeWindows } from "../../../src/health/outcome-windows.ts";
import { paceRamps, SLOW_START_FLOOR, SlowStart } from "../../../src/health/slow-start.ts";
import { ServerState } from "../../../src/shared/memory/layout/shared-memory.ts";

test("is at full weight unless begun, and when it is off", () => {
  const ramp = new SlowStart();
  expect(ramp.factor(0, 1000)).toBe(1);
  ramp.begin(0);
  expect(ramp.factor(0, 0)).toBe(1);
});

test("ramps linearly from the floor to 1", () => {
  const ramp = new SlowStart();
  ramp.begin(500);
  expect(ramp.factor(500, 1000)).toBeCloseTo(SLOW_START_FLOOR);
  expect(ramp.factor(1000, 1000)).toBeCloseTo(0.55);
  expect(ramp.factor(1500, 1000)).toBe(1);
  expect(ramp.factor(9999, 1000)).toBe(1);
});

test("never falls and never leaves its range", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000), (a, b, duration) => {
      const ramp = new SlowStart();
      ramp.begin(0);
      const early = ramp.factor(Math.min(a, b), duration);
      const late = ramp.factor(Math.max(a, b), duration);
      expect(late).toBeGreaterThanOrEqual(early);
      expect(early).toBeGreaterThanOrEqual(SLOW_START_FLOOR);
      expect(late).toBeLessThanOrEqual(1);
    }),
  );
});

describe("the pace of a ramp", () => {
  const DURATION_MS = 10_000;
  const NAMES = ["responses", "failures", "unanswered", "latencySumMs"] as const;

  /**
   * Four servers, of which the last ramps up for a second while each of them gives what `answers` says of it.
   * @returns how much of the ramp is behind it, 0 … 1.
   */
  function rampWith(answers: readonly (readonly [count: number, meanMs: number, failures?: number])[]): number {
    const columns = Object.fromEntries(NAMES.map((name) => [name, new Float64Array(4)])) as Record<
      (typeof NAMES)[number],
      Float64Array
    >;
    const servers = answers.map((_, slot) => ({
      state: ServerState.UP,
      slowStart: new SlowStart(),
      windows: new OutcomeWindows(slot, [columns], 0),
    }));
    const ramping = servers[3].slowStart;
    ramping.begin(0);
    for (const [slot, [count, meanMs, failures = 0]] of answers.entries()) {
      columns.responses[slot] = count;
      columns.failures[slot] = failures;
      columns.latencySumMs[slot] = count * meanMs;
      servers[slot].windows.advance([columns], 0);
    }
    for (let nowMs = 100; nowMs <= 1000; nowMs += 100) paceRamps(servers, DURATION_MS, nowMs);
    return (ramping.factor(1000, DURATION_MS) - SLOW_START_FLOOR) / (1 - SLOW_START_FLOOR);
  }
  const others = [
    [50, 20],
    [50, 30],
    [50, 40],
  ] as const;

  test("is four times as fast while the server is as fast as the others' median", () => {
    expect(rampWith([...others, [10, 30]])).toBeCloseTo(0.4);
  });

  test("is its own between that and twice the median", () => {
    expect(rampWith([...others, [10, 31]])).toBeCloseTo(0.1);
    expect(rampWith([...others, [10, 60]])).toBeCloseTo(0.1);
  });

  test("is half as fast beyond", () => {
    expect(rampWith([...others, [10, 61]])).toBeCloseTo(0.05);
  });

  test("is its own when there are too few answers, or nobody to compare with", () => {
    expect(rampWith([...others, [9, 1]])).toBeCloseTo(0.1);
    expect(rampWith([...others, [9, 1000]])).toBeCloseTo(0.1);
    expect(
      rampWith([
        [9, 20],
        [0, 0],
        [0, 0],
        [50, 1],
      ]),
    ).toBeCloseTo(0.1);
  });

  test("fast failures prove nothing", () => {
    expect(rampWith([...others, [10, 1, 1]])).toBeCloseTo(0.1);
  });

  test("a ramp that begins again owes nothing to the one before", () => {
    const ramp = new SlowStart();
    ramp.begin(0);
    ramp.pace(1000, 4);
    ramp.begin(5000);
    expect(ramp.factor(5000, DURATION_MS)).toBeCloseTo(SLOW_START_FLOOR);
    ramp.pace(6000, 1);
    expect(ramp.factor(6000, DURATION_MS)).toBeCloseTo(SLOW_START_FLOOR + 0.09);
  });
});
