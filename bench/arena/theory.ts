/**
 * What `direct` should see if machine, timers and sockets cost nothing: the simulator with the same requests, faults and
 * rule of choice. The difference is what the arena itself adds to every contestant.
 */
import { parsePolicy } from "../../src/simulator/policy.ts";
import { runSimulation } from "../../src/simulator/simulation.ts";
import { quantile } from "../../src/simulator/statistics.ts";
import { warmUpOf } from "./measure.ts";
import { createPlan, type RunSpec, scenarioOf } from "./plan.ts";
import { classesOf } from "./scenarios.ts";

/** Latencies, milliseconds. */
export interface Theory {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Null where servers fail: `direct` has no way to notice, and the simulator's clients are not its. Also where the machine stands
 * still, which `direct` does not, and where requests are of several kinds, which the simulator draws otherwise.
 */
export function theoryOf(spec: RunSpec): Theory | null {
  const scenario = scenarioOf(spec);
  const others = ["down", "errors", "hangs", "freeze"];
  if (scenario.disturbances.some(({ effect: { kind } }) => others.includes(kind))) return null;
  if (classesOf(spec.scenario) !== null) return null;
  const { latenciesMs } = runSimulation(scenario, parsePolicy("least_connections-ejection"), {
    requests: createPlan(spec).dueMs.length,
    seed: spec.seed,
    warmUpMs: warmUpOf(spec),
  });
  return { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}
