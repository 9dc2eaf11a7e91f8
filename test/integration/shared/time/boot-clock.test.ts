import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bootClockOffsetMs } from "../../../../src/shared/time/boot-clock.ts";
import { spawn } from "../../../support/processes.ts";

/** A machine that has other work may disturb one reading of the clock, and not most of them. */
const READINGS = 9;
const median = (values: number[]): number => values.sort((a, b) => a - b)[READINGS >> 1];
const readOffsetMs = () =>
  median(Array.from({ length: READINGS }, () => bootClockOffsetMs(() => performance.now(), 0)));

const MODULE = join(import.meta.dir, "../../../../src/shared/time/boot-clock.ts");

describe.skipIf(process.platform !== "linux")("the boot clock", () => {
  test("is the kernel's uptime", () => {
    const offsetMs = readOffsetMs();
    const before = performance.now() + offsetMs;
    const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    const after = performance.now() + offsetMs;
    expect(uptimeMs).toBeGreaterThan(before - 15);
    expect(uptimeMs).toBeLessThan(after + 5);
  });

  test("processes agree on it, whenever they were started", async () => {
    const code = `
      import { bootClockOffsetMs } from ${JSON.stringify(MODULE)};
      const read = () => bootClockOffsetMs(() => performance.now(), 0);
      const offset = Array.from({ length: ${READINGS} }, read).sort((a, b) => a - b)[${READINGS >> 1}];
      process.on("message", () => process.send(performance.now() + offset));
      process.send("ready");`;
    const answers: ((message: unknown) => void)[] = [];
    const child = spawn([process.execPath, "-e", code], { ipc: (message) => answers.shift()?.(message) });
    const next = () => new Promise<unknown>((resolve) => answers.push(resolve));
    await next();
    const offsetMs = readOffsetMs();
    // The other's time lies between the question and the response. One quick round trip of many tells.
    let closest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 30; i++) {
      const asked = performance.now() + offsetMs;
      const answered = next();
      child.send("now");
      const theirs = Number(await answered);
      const got = performance.now() + offsetMs;
      closest = Math.min(closest, Math.max(asked - theirs, theirs - got, 0));
    }
    child.kill();
    expect(closest).toBeLessThan(2);
  });
});
