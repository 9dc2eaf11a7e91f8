/**
 * What happens in one run, decided before it begins: when requests are due, how much work each is, what becomes of it
 * where a server fails a share of its requests, and what goes wrong with the servers. It follows from the scenario and the
 * seed alone, so it is the same for every contestant; and it is what the simulator draws for that scenario and seed, so
 * that both can be compared request by request.
 */
import { seededRandom } from "../../src/balancing/random.ts";
import { ArrivalProcess } from "../../src/simulator/arrivals.ts";
import { DisturbanceSchedule } from "../../src/simulator/disturbance-schedule.ts";
import type { BaseFleet } from "../../src/simulator/recipe.ts";
import { capacityPerMs, type Scenario } from "../../src/simulator/scenario.ts";
import { serviceSampler } from "../../src/simulator/service-times.ts";
import { arenaScenario, classesOf, drawClass } from "./scenarios.ts";
import { workPath } from "./work-path.ts";

/** Which run: enough to make its plan anywhere. Plain data that can be sent to another process. */
export interface RunSpec {
  /** One of `SCENARIOS`. */
  readonly scenario: string;
  readonly base: BaseFleet;
  readonly seed: number;
  readonly durationMs: number;
}

/** The requests of a run, as columns. */
export interface Plan {
  /** From the start of the run, milliseconds, rising. */
  readonly dueMs: Float64Array;
  /** Path of each request: it tells the server what the request is (see work-path.ts). */
  readonly paths: readonly string[];
}

/** The scenario of a run. */
export function scenarioOf({ scenario, base }: RunSpec): Scenario {
  return arenaScenario(scenario, base);
}

/** All requests that are due within the run. */
export function createPlan(spec: RunSpec): Plan {
  const scenario = scenarioOf(spec);
  const classes = classesOf(spec.scenario);
  const { arrivals, schedule, draw, drawWork } = streams(scenario, spec.seed);
  const dueMs: number[] = [];
  const paths: string[] = [];
  for (;;) {
    const nowMs = Math.min(arrivals.nextMs, schedule.nextMs);
    if (nowMs >= spec.durationMs) break;
    if (nowMs === arrivals.nextMs) {
      if (!arrivals.advance()) continue;
      const fate = draw();
      const key = draw(); // the simulator's; here it says which kind of request it is
      draw(); // and the balancer that it comes to
      const one = classes && drawClass(classes, key);
      const workMs = drawWork() * scenario.meanMs * (one?.work ?? 1);
      paths.push((one === null ? "" : `/${one.path}`) + workPath({ id: dueMs.length, workMs, fate }));
      dueMs.push(nowMs);
    } else {
      schedule.advance((effect, _server, on) => {
        if (effect.kind === "surge") arrivals.surge(on ? effect.factor : 1 / effect.factor, nowMs);
      });
    }
  }
  return { dueMs: Float64Array.from(dueMs), paths };
}

/** What goes wrong in a run. Every copy of the fleet plays one of its own, and they are all the same. */
export function createSchedule(spec: RunSpec): DisturbanceSchedule {
  return streams(scenarioOf(spec), spec.seed).schedule;
}

/** The streams of random numbers, in the order in which the simulator takes their seeds. */
function streams(scenario: Scenario, seed: number) {
  const seeds = seededRandom(seed).nextUint32;
  const perMs = scenario.load * capacityPerMs(scenario);
  const arrivals = new ArrivalProcess(scenario.arrivals, perMs, seededRandom(seeds()).next);
  const draw = seededRandom(seeds()).next;
  const drawWork = serviceSampler(scenario.service, seededRandom(seeds()).next);
  return { arrivals, draw, drawWork, schedule: new DisturbanceSchedule(scenario.disturbances, seeds) };
}
