import { expect, test } from "bun:test";
import { watchdogIntervalMs } from "../../../../../src/control/supervisor/service-manager/watchdog.ts";

const OWN = 71;

test.each([
  ["30000000", "71", 10_000],
  ["30000000", undefined, 10_000],
  ["30000000", "", 10_000],
  ["99999999999999999999", "71", 2 ** 31 - 1],
])("WATCHDOG_USEC=%s WATCHDOG_PID=%s: every %d ms", (usec, pid, intervalMs) => {
  expect(watchdogIntervalMs({ usec, pid }, OWN)).toBe(intervalMs);
});

test.each([
  ["30000000", "72"],
  [undefined, "71"],
  ["", "71"],
  ["soon", "71"],
  ["-1", "71"],
  ["0", "71"],
  ["2999", "71"],
])("WATCHDOG_USEC=%s WATCHDOG_PID=%s: nobody watches over it", (usec, pid) => {
  expect(watchdogIntervalMs({ usec, pid }, OWN)).toBeNull();
});
