/** Small scenarios for tests. */
import type { Policy } from "../../../src/simulator/policy.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import type { Disturbance, Effect, Scenario, SimulatedServer } from "../../../src/simulator/scenario.ts";
import { type RunResult, runSimulation } from "../../../src/simulator/simulation.ts";

export function server(
  workers: number,
  speed = 1,
  discipline: SimulatedServer["discipline"] = "fifo",
): SimulatedServer {
  return { workers, speed, discipline };
}

export function scenario(servers: readonly SimulatedServer[], rest: Partial<Scenario> = {}): Scenario {
  return {
    name: "test",
    description: "",
    servers,
    service: { kind: "exponential" },
    meanMs: 10,
    load: 0.7,
    arrivals: { kind: "poisson" },
    disturbances: [],
    timeoutMs: 2000,
    balancers: 1,
    sharing: "own",
    ...rest,
  };
}

/** From `startMs` on, for `durationMs`. */
export function disturb(effect: Effect, servers: readonly number[], rest: Partial<Disturbance> = {}): Disturbance {
  return {
    effect,
    servers,
    startMs: 0,
    durationMs: Number.POSITIVE_INFINITY,
    everyMs: null,
    random: false,
    staggerMs: 0,
    ...rest,
  };
}

export function run(what: Scenario, policy: string | Policy, requests = 20_000, seed = 1, warmUpMs = 0): RunResult {
  const chosen = typeof policy === "string" ? parsePolicy(policy) : policy;
  return runSimulation(what, chosen, { requests, seed, warmUpMs });
}

export function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0) / values.length;
}
