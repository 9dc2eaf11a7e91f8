import { expect, test } from "bun:test";
import { cpuSeconds } from "../../../../src/shared/proc/cpu-seconds.ts";

test("the CPU time of a process is that which it knows of itself", () => {
  const { user, system } = process.cpuUsage();
  const seconds = cpuSeconds(process.pid) ?? Number.NaN;
  const { user: userAfter, system: systemAfter } = process.cpuUsage();
  // The kernel counts in hundredths.
  expect(seconds).toBeGreaterThanOrEqual((user + system) / 1e6 - 0.03);
  expect(seconds).toBeLessThanOrEqual((userAfter + systemAfter) / 1e6 + 0.03);
});

test("of one that is not there nothing is known", () => {
  expect(cpuSeconds(0)).toBeNull();
});
