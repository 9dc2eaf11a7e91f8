/** Balancers, or the whole machine, that stand still: what it does to requests, and to what is learned of servers. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Policy, parsePolicy } from "../../../src/simulator/policy.ts";
import type { Effect, Scenario } from "../../../src/simulator/scenario.ts";
import { parseScenarioFile } from "../../../src/simulator/scenario-file.ts";
import { runSimulation } from "../../../src/simulator/simulation.ts";
import { quantile } from "../../../src/simulator/statistics.ts";
import { disturb, run, scenario, server } from "./support.ts";

const BALANCERS: Effect = { kind: "freeze", of: "balancers" };
const MACHINE: Effect = { kind: "freeze", of: "machine" };
const IDLE = { load: 0.05, service: { kind: "constant" } as const };

/** A run in which `effect` lasts from 1000 to 1500 ms: its requests that arrived from then until then, and when each had ended. */
function arrived(effect: Effect, fromMs: number, untilMs: number, rest: Partial<Scenario> = {}) {
  const freeze = disturb(effect, [0], { startMs: 1000, durationMs: 500 });
  const seen: { arrivedMs: number; endMs: number }[] = [];
  runSimulation(scenario([server(100)], { ...IDLE, ...rest, disturbances: [freeze] }), parsePolicy("round_robin"), {
    requests: 1000,
    seed: 1,
    warmUpMs: 0,
    onRequest: ({ arrivedMs, latencyMs }) => {
      if (arrivedMs > fromMs && arrivedMs < untilMs) seen.push({ arrivedMs, endMs: arrivedMs + latencyMs });
    },
  });
  expect(seen.length).toBeGreaterThan(10);
  return seen;
}

describe("a balancer that stands still", () => {
  test("places what arrives when it goes on, and nothing is lost", () => {
    for (const { endMs } of arrived(BALANCERS, 1000, 1500, { load: 0.01 })) expect(endMs).toBeCloseTo(1510, 6);
  });

  test("hears of answers when it goes on: servers have worked meanwhile", () => {
    for (const { endMs } of arrived(BALANCERS, 800, 1000, { meanMs: 300, load: 0.3 })) expect(endMs).toBe(1500);
  });

  test("does not hold up another one", () => {
    const freeze = disturb(BALANCERS, [0], { startMs: 0, durationMs: 1e6 });
    const two = scenario([server(8), server(8)], { ...IDLE, balancers: 2, disturbances: [freeze] });
    const { latenciesMs } = run(two, "round_robin", 400);
    expect(quantile(latenciesMs, 0.3)).toBeCloseTo(10, 6);
    expect(quantile(latenciesMs, 0.7)).toBeGreaterThan(1e5);
  });
});

test("a machine that stands still takes its servers along", () => {
  for (const { arrivedMs, endMs } of arrived(MACHINE, 800, 1000, { meanMs: 300, load: 0.3 })) {
    expect(endMs).toBeCloseTo(arrivedMs + 300 + 500, 6);
  }
});

describe("servers of 1, 2, 4 and 8 workers, and a machine that stands still for 400 ms", () => {
  const sizes = [server(8), server(2), server(1), server(4)];
  const freeze = disturb(MACHINE, [0], { startMs: 3000, durationMs: 400 });
  const fleet = scenario(sizes, {
    service: { kind: "lognormal", sigma: 1 },
    meanMs: 20,
    load: 0.75,
    disturbances: [freeze],
  });

  /** p99 of what arrived from 3 to 4 s (`shaken`), and from 5 to 6 s (`after`), over many runs. */
  function p99Of(policy: Policy, of: Scenario = fleet): { shaken: number; after: number } {
    const shaken: number[] = [];
    const after: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      runSimulation(of, policy, {
        requests: 3400,
        seed,
        warmUpMs: 0,
        onRequest: ({ arrivedMs, latencyMs }) => {
          if (arrivedMs >= 3000 && arrivedMs < 4000) shaken.push(latencyMs);
          else if (arrivedMs >= 5000 && arrivedMs < 6000) after.push(latencyMs);
        },
      });
    }
    const p99 = (values: number[]): number => quantile(Float64Array.from(values).sort(), 0.99);
    return { shaken: p99(shaken), after: p99(after) };
  }

  /** As it was before it knew of standstills. */
  function unaware({ create, ...rest }: Policy): Policy {
    return {
      ...rest,
      create: (...given) => {
        const strategy = create(...given);
        return {
          pick: (...args) => strategy.pick(...args),
          onCandidates: (...args) => strategy.onCandidates?.(...args),
          onOutcome: (...args) => strategy.onOutcome?.(...args),
        };
      },
    };
  }

  const adaptive = parsePolicy("adaptive");
  const peer = p99Of(parsePolicy("least_connections"));
  const aware = p99Of(adaptive);

  test("that took its own silence for theirs, and spread what had come meanwhile without regard to speed", () => {
    const before = p99Of(unaware(adaptive));
    expect(before.shaken).toBeGreaterThan(1.25 * aware.shaken);
  });

  test("adaptive does better than its peer at once, and as if nothing had been when the queues are gone", () => {
    const calm = p99Of(adaptive, { ...fleet, disturbances: [] });
    expect(aware.shaken).toBeLessThan(0.8 * peer.shaken);
    expect(aware.after).toBeLessThan(1.1 * calm.after);
  });
});

test("with stalls of the machine among them, adaptive is not behind its peer in any of 20 runs", () => {
  const file = join(import.meta.dir, "../../../docs/scenarios/unequal-stalls.json");
  const stalls = parseScenarioFile(readFileSync(file, "utf8"));
  const p99Of = (policy: string, seed: number): number =>
    quantile(run(stalls, policy, 6000, seed, 2000).latenciesMs, 0.99);
  const ratios = Array.from({ length: 20 }, (_, i) => p99Of("adaptive", i + 1) / p99Of("least_connections", i + 1));
  expect(Math.max(...ratios)).toBeLessThan(1);
  expect(ratios.toSorted((a, b) => a - b)[10]).toBeLessThan(0.75);
});
