import { describe, expect, test } from "bun:test";
import { totalmem } from "node:os";
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
  const from = (files: Record<string, string>) => memoryPercent((path) => files[path]);

  test("takes the container's limit, without page cache that can be dropped", () => {
    const limit = Math.floor(totalmem() / 4);
    expect(
      from({
        "/sys/fs/cgroup/memory.max": `${limit}\n`,
        "/sys/fs/cgroup/memory.current": `${limit / 2}\n`,
        "/sys/fs/cgroup/memory.stat": `anon 1\ninactive_file ${limit / 4}\n`,
      }),
    ).toBeCloseTo(25, 3);
  });

  test("takes the machine's memory where the container has no limit", () => {
    const machine = { "/proc/meminfo": "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:   600 kB\n" };
    expect(from({ ...machine, "/sys/fs/cgroup/memory.max": "max\n" })).toBeCloseTo(40);
    expect(from({ ...machine, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n" })).toBeCloseTo(
      40,
    );
  });

  test("falls back to what the runtime knows", () => {
    expect(from({})).toBeGreaterThan(0);
    expect(from({})).toBeLessThanOrEqual(100);
  });
});

test("an ORCA report holds fractions", () => {
  expect(orcaReport(12.5, 40)).toBe("TEXT cpu_utilization=0.1250,mem_utilization=0.4000");
});
