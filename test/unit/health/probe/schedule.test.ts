import { expect, test } from "bun:test";
import { HURRY, ProbeSchedule } from "../../../../src/health/probe/schedule.ts";

const INTERVAL_MS = 5000;
/** When the next check comes after one at 0, looked for in steps of 10 ms. */
const nextMs = (schedule: ProbeSchedule, hurry: boolean) => {
  let nowMs = 0;
  while (!schedule.isDue(nowMs, INTERVAL_MS, hurry)) nowMs += 10;
  return nowMs;
};

test("the first check is due at once", () => {
  expect(new ProbeSchedule(() => 0.5).isDue(0, INTERVAL_MS, false)).toBe(true);
});

test.each([
  [0, 4000],
  [0.5, 5000],
  [1, 6000],
])("with %p drawn, the next comes after %p ms, and five times as soon in a hurry", (drawn, expected) => {
  const schedule = new ProbeSchedule(() => drawn);
  schedule.begun(0);
  expect(nextMs(schedule, false)).toBeWithin(expected, expected + 11);
  expect(nextMs(schedule, true)).toBeWithin(expected / HURRY, expected / HURRY + 11);
});

test("an alarm makes the next check due, and only that", () => {
  const schedule = new ProbeSchedule(() => 0.5);
  schedule.begun(0);
  schedule.alarm();
  expect(schedule.isDue(1, INTERVAL_MS, false)).toBe(true);
  schedule.begun(1);
  expect(schedule.isDue(2, INTERVAL_MS, true)).toBe(false);
});
