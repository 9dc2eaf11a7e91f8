/** What is fitted is what was simulated. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { describeServers } from "../../../../src/replay/describe.ts";
import { fitFleet } from "../../../../src/replay/fit/fit-fleet.ts";
import { disturb, scenario, server } from "../../simulator/support.ts";
import { arenaScenario, record, sampled, steady } from "../support.ts";

const SLOW = disturb({ kind: "slow", factor: 3 }, [0], { startMs: 2000, durationMs: 2000 });
const PAUSE = disturb({ kind: "pause" }, [1], { startMs: 3000, durationMs: 500 });
const ERRORS = disturb({ kind: "errors", share: 1 }, [2], { startMs: 4000, durationMs: 1000 });

describe("a fit finds", () => {
  test("how many requests each server works on, and how fast", () => {
    const servers = [server(2, 1), server(4, 1), server(4, 0.5), server(8, 1)];
    const recording = record(
      scenario(servers, { load: 0.8, service: { kind: "lognormal", sigma: 1 } }),
      "random-ejection",
    );
    const fitted = fitFleet(recording, 1).servers;
    expect(fitted.map(({ workers }) => workers)).toEqual([2, 4, 4, 8]);
    const speeds = fitted.map(({ speed }) => speed / fitted[0].speed);
    for (const [i, truth] of [1, 1, 0.5, 1].entries()) expect(Math.abs(speeds[i] / truth - 1)).toBeLessThan(0.1);
  });

  test("that a server shares its power among all", () => {
    const servers = [server(2, 1, "ps"), server(2, 1, "ps")];
    const { servers: fitted } = fitFleet(record(scenario(servers), "random-ejection"), 1);
    for (const { discipline, workers } of fitted) {
      expect(discipline).toBe("ps");
      expect(workers).toBeGreaterThanOrEqual(1);
      expect(workers).toBeLessThanOrEqual(3);
    }
  });

  test("no queue where all requests take nearly the same time, however many are there", () => {
    const { servers: fitted } = fitFleet(steady([5, 15]), 1);
    expect(fitted.map(({ workers }) => workers)).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(fitted[0].speed / fitted[1].speed).toBeGreaterThan(2.5);
    expect(fitted[0].speed / fitted[1].speed).toBeLessThan(3.2);
    for (const { slowShare, pausedShare } of describeServers(fitFleet(steady([5, 15]), 1))) {
      expect(slowShare + pausedShare).toBe(0);
    }
  });

  test("when a server was slow, and when it stood still", () => {
    const servers = [server(4), server(4), server(4)];
    const fleet = fitFleet(record(scenario(servers, { disturbances: [SLOW, PAUSE] }), "least_connections"), 1);
    const [slow, paused, neither] = fleet.servers;
    expect(slowest(slow.speeds, 2300, 3700) / slow.speed).toBeLessThan(0.5);
    expect(slowest(slow.speeds, 4500, 6000) / slow.speed).toBeGreaterThan(0.6);
    expect(slowest(paused.speeds, 3200, 3300)).toBe(0);
    expect(slowest(paused.speeds, 4000, 6000)).toBeGreaterThan(0);
    const { slowShare, pausedShare } = describeServers({ ...fleet, servers: [neither] })[0];
    expect(slowShare).toBe(0);
    expect(pausedShare).toBe(0);
  });

  test("nothing of that where there is none", () => {
    for (const { slowShare, pausedShare, failedShare, awayShare } of describeServers(
      fitFleet(record(arenaScenario("homogeneous"), "p2c"), 1),
    )) {
      expect(slowShare + pausedShare + failedShare + awayShare).toBe(0);
    }
  });

  test("when a server failed, and that it was left alone afterwards", () => {
    const servers = [server(4), server(4), server(4)];
    const recording = record(scenario(servers, { disturbances: [ERRORS] }), "least_connections");
    const [well, , bad] = fitFleet(recording, 1).servers;
    expect(bad.failures.some(({ share, fromMs }) => share > 0.9 && Math.abs(fromMs - 4000) < 100)).toBe(true);
    expect(well.failures).toHaveLength(1);
    expect(bad.absences).toHaveLength(1);
    expect(bad.absences[0].fromMs).toBeLessThan(4300);
  });

  test("that a server which answers only a part is not away", () => {
    const hangs = disturb({ kind: "hangs", share: 0.15 }, [0], { startMs: 2000 });
    const servers = [server(4), server(4), server(4)];
    const recording = record(scenario(servers, { disturbances: [hangs], timeoutMs: 500 }), "least_connections");
    const [bad] = fitFleet(recording, 1).servers;
    expect(bad.absences).toEqual([]);
    const { share, latenciesMs } = bad.failures.at(-1)!;
    expect(share).toBeGreaterThan(0.07);
    expect(share).toBeLessThan(0.3);
    expect(Math.min(...latenciesMs)).toBeCloseTo(500, 0);
  });

  test("much of it in a sample, which it completes", () => {
    const whole = record(arenaScenario("unequal-speed"), "least_connections", { requests: 20_000 });
    const fleet = fitFleet(sampled(whole, 0.25, seededRandom(3).next), 1);
    expect(Math.abs(fleet.traffic.atMs.length / 20_000 - 1)).toBeLessThan(0.01);
    const speeds = fleet.servers.map(({ speed }) => speed);
    expect(speeds[0] / speeds[9]).toBeGreaterThan(3);
    expect(speeds[0] / speeds[9]).toBeLessThan(5.5);
  });
});

/** The least speed at any time from `fromMs` to `toMs`. */
function slowest(phases: readonly { fromMs: number; speed: number }[], fromMs: number, toMs: number): number {
  const on = phases.filter((phase, i) => phase.fromMs < toMs && (phases[i + 1]?.fromMs ?? Infinity) > fromMs);
  return Math.min(...on.map(({ speed }) => speed));
}
