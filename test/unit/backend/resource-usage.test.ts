import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { orcaReport } from "../../../src/backend/orca.ts";
import { CpuMeter, memoryPercent, TimedAverage } from "../../../src/backend/resource-usage.ts";

describe("TimedAverage", () => {
  test("is the first sample, then moves by 1 - 1/e per time constant, in one step or many", () => {
    const one = new TimedAverage(1000);
    expect(one.value).toBeNaN();
    one.add(0, 500);
    one.add(100, 1000);
    expect(one.value).toBeCloseTo(63.2, 1);
    const many = new TimedAverage(1000);
    many.add(0, 500);
    for (let i = 0; i < 10; i++) many.add(100, 100);
    expect(many.value).toBeCloseTo(one.value, 6);
  });
});

describe("CpuMeter", () => {
  test("reports percent of one core", () => {
    let cpuMs = 40;
    const meter = new CpuMeter(() => cpuMs, 1000);
    expect(meter.percent).toBe(0);
    cpuMs += 125;
    meter.sample(1500);
    expect(meter.percent).toBeCloseTo(25);
    for (let at = 2000; at < 60_000; at += 500) meter.sample(at);
    expect(meter.percent).toBeLessThan(0.1);
    expect(meter.percent).toBeGreaterThan(0);
  });
});

describe("memoryPercent", () => {
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-memory-"));
  afterAll(() => rmSync(directory, { recursive: true }));
  let trees = 0;

  /** Each in a tree of files of its own. */
  function from(files: Record<string, string>): number {
    const root = join(directory, String(++trees));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
    return memoryPercent(root);
  }

  const V2 = { "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw" };
  const V1 = { "proc/self/mountinfo": "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory" };
  const machine = { "proc/meminfo": "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:   600 kB" };
  const limit = Math.floor(totalmem() / 4);
  const halfOf = (most: number) => `${Math.floor(most / 2)}`;

  test("is of the container's limit, without page cache that can be dropped", () => {
    const group = "sys/fs/cgroup";
    const files = {
      [`${group}/memory.max`]: `${limit}`,
      [`${group}/memory.current`]: halfOf(limit),
      [`${group}/memory.stat`]: `anon 1\ninactive_file ${Math.floor(limit / 4)}`,
    };
    expect(from({ ...machine, ...V2, "proc/self/cgroup": "0::/", ...files })).toBeCloseTo(25, 3);
  });

  test("is of the tightest group around it, and what all in that use", () => {
    const files = {
      "sys/fs/cgroup/unit/memory.max": "max",
      "sys/fs/cgroup/unit/memory.current": "1",
      "sys/fs/cgroup/memory.max": `${limit}`,
      "sys/fs/cgroup/memory.current": halfOf(limit),
    };
    expect(from({ ...machine, ...V2, "proc/self/cgroup": "0::/unit", ...files })).toBeCloseTo(50, 3);
  });

  test("knows the files of version 1", () => {
    const group = "sys/fs/cgroup/memory/unit";
    const files = {
      [`${group}/memory.limit_in_bytes`]: `${limit}`,
      [`${group}/memory.usage_in_bytes`]: halfOf(limit),
      [`${group}/memory.stat`]: `inactive_file 9\ntotal_inactive_file ${Math.floor(limit / 4)}`,
    };
    expect(from({ ...machine, ...V1, "proc/self/cgroup": "4:memory:/unit", ...files })).toBeCloseTo(25, 3);
  });

  test("is of the machine's memory where the container has no limit, or more than there is", () => {
    for (const most of ["max", `${totalmem() * 2}`]) {
      const files = { "sys/fs/cgroup/memory.max": most, "sys/fs/cgroup/memory.current": "1" };
      expect(from({ ...machine, ...V2, "proc/self/cgroup": "0::/", ...files })).toBeCloseTo(40);
    }
    const files = { "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712" };
    expect(from({ ...machine, ...V1, "proc/self/cgroup": "4:memory:/", ...files })).toBeCloseTo(40);
  });

  test("falls back to what the runtime knows", () => {
    expect(from({})).toBeGreaterThan(0);
    expect(from({})).toBeLessThanOrEqual(100);
  });
});

test("an ORCA report holds fractions", () => {
  expect(orcaReport(12.5, 40)).toBe("TEXT cpu_utilization=0.1250,mem_utilization=0.4000");
});
