/** What arrives, and what servers make of it, is decided before a run and the same for everyone. */
import { describe, expect, test } from "bun:test";
import { EmulatedFleet, type FleetEvents } from "../../../bench/arena/emulated-fleet.ts";
import { createPlan, createSchedule, type RunSpec, scenarioOf } from "../../../bench/arena/plan.ts";
import { stallsOf } from "../../../bench/arena/stalls.ts";
import { parseWorkPath, type Work, workPath } from "../../../bench/arena/work-path.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { DisturbanceSchedule } from "../../../src/simulator/disturbance-schedule.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import type { Disturbance } from "../../../src/simulator/scenario.ts";
import { capacityPerMs } from "../../../src/simulator/scenario.ts";
import { DEFAULT_BASE } from "../../../src/simulator/scenarios.ts";
import { runSimulation } from "../../../src/simulator/simulation.ts";
import { disturb, server } from "../simulator/support.ts";

function spec(scenario: string, rest: Partial<RunSpec> = {}): RunSpec {
  return { scenario, base: DEFAULT_BASE, seed: 1, durationMs: 20_000, ...rest };
}

const work = (id: number, workMs: number, fate = 0.5): Work => ({ id, workMs, fate });

/** A fleet that notes what happens to it. */
function fleetOf(workers: readonly number[], ...disturbances: Disturbance[]) {
  const heard: string[] = [];
  const events: FleetEvents<string> = {
    answer: (caller, { id }, served, lateMs) => heard.push(`${caller}${id} ${served ? "served" : "error"} ${lateMs}`),
    crash: (index) => heard.push(`crash ${index}`),
    restart: (index) => heard.push(`restart ${index}`),
  };
  const schedule = new DisturbanceSchedule(disturbances, seededRandom(1).nextUint32);
  const specs = workers.map((count) => server(count));
  return { fleet: new EmulatedFleet<string>(specs, schedule, events), heard };
}

describe("the plan", () => {
  test("follows from scenario and seed alone", () => {
    const plan = createPlan(spec("compound"));
    expect(createPlan(spec("compound"))).toEqual(plan);
    expect(createPlan(spec("compound", { seed: 2 })).paths).not.toEqual(plan.paths);
    const moments = (one: RunSpec): string[] => {
      const schedule = createSchedule(one);
      return Array.from({ length: 200 }, () => {
        let moment = "";
        const { nextMs } = schedule;
        schedule.advance(({ kind }, index, on) => {
          moment = `${nextMs} ${kind} ${index} ${on}`;
        });
        return moment;
      });
    };
    expect(moments(spec("compound"))).toEqual(moments(spec("compound")));
    expect(moments(spec("compound"))).not.toEqual(moments(spec("compound", { seed: 2 })));
  });

  test("has the scenario's rate and work, in rising order, and surges where the scenario has them", () => {
    const { dueMs, paths } = createPlan(spec("homogeneous"));
    expect(dueMs.length / 20_000).toBeCloseTo(0.7 * capacityPerMs(scenarioOf(spec("homogeneous"))), 1);
    expect(dueMs.every((due, i) => i === 0 || due > dueMs[i - 1])).toBe(true);
    expect(dueMs.at(-1)).toBeLessThan(20_000);
    const works = paths.map((path) => parseWorkPath(path)!);
    expect(works.map(({ id }) => id)).toEqual([...paths.keys()]);
    expect(works.reduce((sum, { workMs }) => sum + workMs, 0) / works.length).toBeWithin(19, 21);

    const surge = createPlan(spec("surge")).dueMs;
    const between = (from: number, to: number): number => surge.filter((due) => due >= from && due < to).length;
    expect(between(5000, 8000) / between(9000, 12_000)).toBeWithin(1.25, 1.45);
  });

  test("has kinds of requests by path and work, where they are of several, at the rate of one kind", () => {
    const long = { durationMs: 60_000 };
    const { paths, dueMs } = createPlan(spec("classes", long));
    expect(dueMs).toEqual(createPlan(spec("unequal-speed", long)).dueMs);
    const byKind = Map.groupBy(paths, (path) => path.split("/")[1]);
    const meanOf = (some: readonly string[]): number =>
      some.reduce((sum, path) => sum + parseWorkPath(path)!.workMs, 0) / some.length;
    const kinds = [...byKind].map(([kind, some]) => [kind, some.length / paths.length, meanOf(some)] as const);
    expect(Object.fromEntries(kinds.map(([kind, share]) => [kind, Math.round(share * 100)]))).toEqual({
      items: 70,
      search: 25,
      reports: 5,
    });
    const work = Object.fromEntries(kinds.map(([kind, , mean]) => [kind, mean]));
    expect(work.search / work.items).toBeWithin(3, 3.7);
    expect(work.reports / work.search).toBeWithin(7, 9);
    expect(meanOf(paths)).toBeWithin(19, 21);
    expect(paths.map((path) => parseWorkPath(path)!.id)).toEqual([...paths.keys()]);
  });

  test("says when the machine stands still", () => {
    const stalls = stallsOf(spec("stalls", { durationMs: 30_000 }));
    expect(stalls.length).toBeGreaterThan(8);
    expect(stalls.map(({ fromMs, untilMs }) => untilMs - fromMs)).toEqual(expect.arrayContaining([50, 200, 500]));
    expect(stalls.every(({ fromMs }, i) => i === 0 || fromMs > stalls[i - 1].untilMs)).toBe(true);
    expect(stallsOf(spec("compound"))).toEqual([]);
  });

  test("an emulated fleet answers it when the simulator's does", () => {
    for (const scenario of ["homogeneous", "gc-pauses", "compound"]) {
      const one = spec(scenario, { base: { ...DEFAULT_BASE, servers: 1, load: 0.4 } });
      const { dueMs, paths } = createPlan(one);
      const latencies: number[] = [];
      let nowMs = 0;
      const fleet = new EmulatedFleet<number>(scenarioOf(one).servers, createSchedule(one), {
        answer: (due, _work, _served, lateMs) => latencies.push(nowMs - lateMs - due),
        crash: () => {},
        restart: () => {},
      });
      // Its clock ticks; what it says about lateness has to make up for that.
      const ticks = Math.ceil(dueMs.at(-1)!) + 20_000;
      for (let tick = 0, next = 0; tick < ticks && latencies.length < dueMs.length; tick++) {
        for (; next < dueMs.length && dueMs[next] <= tick; next++) {
          nowMs = dueMs[next];
          fleet.request(0, parseWorkPath(paths[next])!, dueMs[next], nowMs);
        }
        nowMs = tick;
        fleet.advance(tick);
      }
      const expected = runSimulation(scenarioOf(one), parsePolicy("round_robin-ejection"), {
        requests: dueMs.length,
        seed: one.seed,
        warmUpMs: 0,
      }).latenciesMs;
      const sorted = latencies.sort((a, b) => a - b);
      expect(sorted).toHaveLength(expected.length);
      const furthest = Math.max(...sorted.map((ms, i) => Math.abs(ms - expected[i])));
      expect(furthest).toBeLessThan(0.1); // work travels in whole microseconds
    }
  });
});

describe("the path of a request", () => {
  test("carries number, work and fate", () => {
    const { id, workMs, fate } = parseWorkPath(workPath({ id: 7, workMs: 12.3456789, fate: 0.9999999999 }))!;
    expect(id).toBe(7);
    expect(workMs).toBe(12.346);
    expect(fate).toBeLessThan(1);
    expect(fate).toBeGreaterThan(0.99999);
    expect(parseWorkPath(`/reports${workPath({ id: 7, workMs: 12, fate: 0 })}`)).toEqual({
      id: 7,
      workMs: 12,
      fate: 0,
    });
    for (const path of ["/health", "/work/1/2", "/work/1/2/3/4", "/work/a/2/3", "x/work/1/2/3"]) {
      expect(parseWorkPath(path)).toBeNull();
    }
  });
});

describe("an emulated fleet", () => {
  test("stands still with its machine", () => {
    const freeze = disturb({ kind: "freeze", of: "machine" }, [0], { startMs: 5, durationMs: 100 });
    const { fleet, heard } = fleetOf([1, 1], freeze);
    fleet.request(0, work(1, 10), "a", 0);
    fleet.request(1, work(2, 10), "b", 50);
    fleet.advance(109);
    expect(heard).toEqual([]);
    fleet.advance(115);
    expect(heard).toEqual(["a1 served 5", "b2 served 0"]);
  });

  test("queues exactly, however late its clock is read", () => {
    const { fleet, heard } = fleetOf([1]);
    fleet.request(0, work(1, 10), "a", 0);
    fleet.request(0, work(2, 10), "b", 1);
    expect(fleet.nextMs).toBe(10);
    fleet.advance(14);
    expect(heard).toEqual(["a1 served 4"]);
    fleet.advance(20);
    expect(heard).toEqual(["a1 served 4", "b2 served 0"]); // it began at 10, not at 14
    expect(fleet.counts).toEqual({ received: [2], served: [2], failed: [0], hung: [0] });
  });

  test("fails those whose fate is below the share, wherever they come from", () => {
    const { fleet, heard } = fleetOf([1, 1], disturb({ kind: "errors", share: 0.3 }, [0]));
    fleet.advance(0);
    fleet.request(0, work(1, 10, 0.29), "a", 1);
    fleet.request(0, work(2, 10, 0.31), "b", 1);
    fleet.request(1, work(3, 5, 0.29), "c", 1);
    fleet.advance(20);
    expect(heard).toEqual(["a1 error 0", "c3 served 14", "b2 served 9"]);
    expect(fleet.counts.failed).toEqual([1, 0]);
  });

  test("never answers those that hang", () => {
    const { fleet, heard } = fleetOf([1], disturb({ kind: "hangs", share: 0.2 }, [0]));
    fleet.advance(0);
    fleet.request(0, work(1, 10, 0.1), "a", 0);
    fleet.request(0, work(2, 10, 0.3), "b", 0);
    fleet.advance(1e6);
    expect(heard.map((text) => text.slice(0, 2))).toEqual(["b2"]);
    expect(fleet.counts.hung).toEqual([1]);
  });

  test("loses what a server had when it crashes, takes nothing while it is down, and starts again empty", () => {
    const { fleet, heard } = fleetOf([1], disturb({ kind: "down" }, [0], { startMs: 5, durationMs: 10 }));
    fleet.request(0, work(1, 10), "a", 0);
    fleet.request(0, work(2, 10), "b", 0);
    fleet.request(0, work(3, 10), "c", 6);
    expect(heard).toEqual(["crash 0"]);
    fleet.request(0, work(4, 10), "d", 16);
    fleet.advance(26);
    expect(heard).toEqual(["crash 0", "restart 0", "d4 served 0"]);
  });

  test("is down until the last reason has gone", () => {
    const { fleet, heard } = fleetOf(
      [1],
      disturb({ kind: "down" }, [0], { startMs: 1, durationMs: 5 }),
      disturb({ kind: "down" }, [0], { startMs: 2, durationMs: 10 }),
    );
    fleet.advance(11);
    expect(heard).toEqual(["crash 0"]);
    fleet.advance(12);
    expect(heard).toEqual(["crash 0", "restart 0"]);
  });
});
