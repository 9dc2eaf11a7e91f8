/** How many workers follow from what the machine and its control group allow. */
import { describe, expect, test } from "bun:test";
import { type Allowance, planWorkers } from "../../../../src/control/allowance/worker-plan.ts";
import { configOf } from "../../../support/configuration.ts";

const MIB = 1024 * 1024;
const plan = (env: Record<string, string>, allowed: Partial<Allowance> & { cpu?: number; mib?: number } = {}) => {
  const { cpu, mib, ...rest } = allowed;
  const limits = {
    cpus: cpu === undefined ? null : { value: cpu, file: "/g/cpu.max" },
    memory: mib === undefined ? null : { value: mib * MIB, file: "/g/memory.max" },
  };
  return planWorkers(configOf(env), { platform: "linux", cpus: 8, limits, ...rest });
};

describe("WORKERS=0", () => {
  test.each([
    [{}, 8, "one for each of 8 CPUs"],
    [{ cpu: 2 }, 2, "the control group allows 2 of 8 CPUs (/g/cpu.max)"],
    [{ cpu: 1.5 }, 2, "allows 1.5 of 8 CPUs"],
    [{ cpu: 0.25 }, 1, "allows 0.25 of 8 CPUs"],
    [{ cpu: 64 }, 8, "one for each of 8 CPUs"],
    [{ mib: 300 }, 2, "the control group allows 300 MiB of memory (/g/memory.max)"],
    [{ mib: 100 }, 1, "allows 100 MiB"],
    [{ mib: 4096 }, 8, "one for each of 8 CPUs"],
    [{ cpu: 3, mib: 4096 }, 3, "allows 3 of 8 CPUs"],
    [{ cpus: 999 }, 64, "no more than 64"],
    [{ platform: "darwin" }, 1, "not Linux"],
  ])("%j", (allowed, workers, why) => {
    expect(plan({ WORKERS: "0" }, allowed)).toMatchObject({ workers, why: expect.stringContaining(why) });
  });
});

test("what operators choose is taken, and what does not fit is said", () => {
  expect(plan({ WORKERS: "5" }, { cpu: 1 })).toMatchObject({ workers: 5, why: "WORKERS=5", warning: null });
  const { warning } = plan({ WORKERS: "5" }, { mib: 300 });
  expect(warning).toContain("allows 300 MiB of memory (/g/memory.max), and 5 workers with all that belongs to them");
  expect(warning).toContain("Allow more, have fewer WORKERS or set EXPLAIN=off");
  const least = plan({ WORKERS: "0" }, { mib: 100 });
  expect(least.warning).toContain("a worker with all that belongs to it");
  expect(plan({ WORKERS: "0" }, { mib: 256 }).warning).toBeNull();
});

test("explanations take an eighth of a limit at most, and none when they are off", () => {
  const bytes = (mib?: number) => plan({ EXPLAIN_MEMORY_MB: "64" }, { mib }).explainMemory / MIB;
  expect([bytes(), bytes(4096), bytes(256), bytes(16)]).toEqual([64, 64, 32, 4]);
  const [on, off] = ["on", "off"].map((EXPLAIN) => plan({ WORKERS: "1", EXPLAIN, EXPLAIN_MEMORY_MB: "64" }));
  expect(on.memoryNeeded - off.memoryNeeded).toBe(64 * MIB);
});
