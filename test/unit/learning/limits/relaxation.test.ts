/** Limits that are wrong, or not, on simulated fleets: what a standing queue makes of them, whoever learned them. */
import { describe, expect, test } from "bun:test";
import { FleetMean } from "../../../../src/balancing/estimators/fleet-mean.ts";
import type { HeldFleet } from "../../../../src/balancing/holding/room.ts";
import { Relaxation } from "../../../../src/learning/limits/relaxation.ts";
import type { Holding } from "../../../../src/simulator/holding/holding.ts";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import type { BaseFleet } from "../../../../src/simulator/recipe.ts";
import { capacityPerMs } from "../../../../src/simulator/scenario.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../../src/simulator/scenarios.ts";
import { runSimulation } from "../../../../src/simulator/simulation.ts";

/** Ten servers of four workers with the same limit, which nobody ever learns better. */
function course(limit: number, seconds: number, base: Partial<BaseFleet>, name = "homogeneous") {
  const scenario = builtInScenario(name, { ...DEFAULT_BASE, ...base });
  const factors: { readonly atMs: number; readonly factor: number }[] = [];
  const createHolding = (_: unknown, { id }: HeldFleet): Holding => {
    const relaxation = new Relaxation();
    const mean = new FleetMean(10_000);
    const limits = { limit: new Int32Array(id.length).fill(limit), limitId: id, ownLimit: new Int32Array(id.length) };
    return {
      limits,
      on: true,
      get patienceMs() {
        return 50 * mean.read();
      },
      tick(_candidates, _count, { waitedMs }, nowMs) {
        relaxation.tick(waitedMs, mean.read(), 50 * mean.read(), nowMs);
        factors.push({ atMs: nowMs, factor: relaxation.factor });
        limits.limit.fill(relaxation.relaxed(limit));
      },
      onOutcome({ latencyMs, nowMs }) {
        mean.observe(latencyMs, nowMs);
        relaxation.observe(latencyMs, nowMs);
      },
    };
  };
  const perMs = scenario.load * capacityPerMs(scenario);
  const ended: { readonly arrivedMs: number; readonly latencyMs: number }[] = [];
  runSimulation(
    scenario,
    { ...parsePolicy("adaptive"), createHolding },
    {
      requests: Math.round(perMs * 1000 * seconds),
      seed: 1,
      warmUpMs: 0,
      onRequest: ({ arrivedMs, latencyMs }) => void ended.push({ arrivedMs, latencyMs }),
    },
  );
  /** Responses in that second, as a share of what the fleet can do. */
  const served = (second: number) =>
    ended.filter(({ arrivedMs, latencyMs }) => Math.floor((arrivedMs + latencyMs) / 1000) === second).length /
    (1000 * capacityPerMs(scenario));
  const most = Math.max(...factors.map(({ factor }) => factor));
  return { served, most, factors, ended };
}

describe("limits that are too small", () => {
  test.each([0.7, 0.9])("by three quarters, at a load of %p: all workers are busy within two seconds", (load) => {
    const { served, ended } = course(1, 10, { load });
    expect(served(0)).toBeLessThan(0.5);
    for (const second of [2, 3]) expect(served(second)).toBeGreaterThan(0.95 * load);
    // What has piled up meanwhile takes its time where there is little to spare.
    const late = ended.filter(({ arrivedMs }) => arrivedMs > 8000).map(({ latencyMs }) => latencyMs);
    expect(late.reduce((sum, ms) => sum + ms) / late.length).toBeLessThan(30);
  });

  test("by half: one step is enough for as long as it is remembered", () => {
    expect(course(2, 4, { load: 0.7 }).most).toBe(2);
  });
});

describe("limits that are right", () => {
  test("stay as they are while the fleet can do what it is asked for", () => {
    expect(course(4, 60, { load: 0.9 }).most).toBe(1);
  });

  test("stay so most of the time while it cannot, until all is sent anyway: what is tried out is taken back", () => {
    const { factors, most } = course(4, 8, { load: 1.1 });
    expect(most).toBe(2);
    expect(factors.filter(({ factor }) => factor > 1).length / factors.length).toBeLessThan(0.2);
  });
});

test("a queue that is short now and then is none that stands, however long it is in between", () => {
  const relaxation = new Relaxation();
  for (let nowMs = 0; nowMs < 60_000; nowMs += 50) {
    for (let i = 0; i < 40; i++) relaxation.observe(10, nowMs);
    relaxation.tick(nowMs % 200 === 0 ? 50 : 400, 10, 500, nowMs);
  }
  expect(relaxation.factor).toBe(1);
});

test("no limit stays none", () => {
  expect(new Relaxation().relaxed(0)).toBe(0);
});
