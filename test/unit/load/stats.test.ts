import { describe, expect, test } from "bun:test";
import { Arrivals } from "../../../src/load/arrivals.ts";
import { RollingStats } from "../../../src/load/rolling-stats.ts";
import { seeded } from "../backend/seeded.ts";

describe("Arrivals", () => {
  test("come at the mean rate, at random distances, whenever they are taken", () => {
    const arrivals = new Arrivals(200, 1000, seeded(3));
    const times: number[] = [];
    for (let now = 1000; now <= 61_000; now += 37) arrivals.take(now, (intended) => times.push(intended));
    expect(times.length / 60).toBeGreaterThan(190);
    expect(times.length / 60).toBeLessThan(210);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const gaps = times.slice(1).map((time, i) => time - times[i]);
    // Of exponential gaps, 1 - 1/e are shorter than the mean; of regular ones, none or all.
    expect(gaps.filter((gap) => gap < 5).length / gaps.length).toBeCloseTo(0.632, 1);
  });

  test("do not wait for answers but keep their intended time", () => {
    const arrivals = new Arrivals(100, 0, seeded(1));
    const times: number[] = [];
    arrivals.take(1500, (intended) => times.push(intended));
    expect(times.length).toBeGreaterThan(100);
    expect(times[0]).toBeLessThan(100);
    expect(times.at(-1)).toBeGreaterThan(1300);
  });

  test("are not made up for after a sleep", () => {
    const arrivals = new Arrivals(100, 0, seeded(1));
    let sent = 0;
    arrivals.take(3_600_000, () => sent++);
    expect(sent).toBe(1);
  });
});

describe("RollingStats", () => {
  test("sees the window, and all of it in total", () => {
    const stats = new RollingStats(1000, 2000);
    for (let now = 1000; now < 3000; now += 10) stats.success(100, now);
    for (let now = 3000; now < 5000; now += 10) stats.success(now % 100 === 0 ? 50 : 10, now);
    stats.failure(4900);
    const window = stats.window(5001);
    expect(window.perSecond).toBe(100);
    expect(window.failedPerSecond).toBe(0.5);
    expect(window.p50Ms).toBeCloseTo(10, 0);
    expect(window.p99Ms).toBeGreaterThan(45);
    expect(window.p99Ms).toBeLessThan(55);
    stats.success(500, 5200);
    expect(stats.window(5600, 500).p50Ms).toBeGreaterThan(450);
    expect([stats.succeeded, stats.failed]).toEqual([401, 1]);
    expect(stats.quantile(0.9)).toBeGreaterThan(95);
  });

  test("is not thinned out by the half second that is being filled", () => {
    const stats = new RollingStats(0, 2000);
    for (let now = 0; now < 600; now += 10) stats.success(1, now);
    expect(stats.window(600).perSecond).toBe(100);
    expect(stats.window(100).perSecond).toBe(0);
  });

  test("forgets what is older than the window", () => {
    const stats = new RollingStats(0, 2000);
    stats.success(5, 100);
    expect(stats.window(2400).perSecond).toBeGreaterThan(0);
    expect(stats.window(2600)).toEqual({ perSecond: 0, failedPerSecond: 0, p50Ms: Number.NaN, p99Ms: Number.NaN });
  });
});
