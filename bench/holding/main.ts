/**
 * What holding requests gains and where it may lose, simulated (docs/learning.md, "Holding"). Nothing is timed: the same
 * arguments give the same tables.
 *
 *     npm run bench:holding -- [--suite small,built_in,saturation,cluster] [--requests 60000] [--seeds 5] [--seed 1] [--against …]
 */
import { parseArgs } from "node:util";
import { readShippedNetwork } from "../../src/learning/models/shipped-model.ts";
import { type Policy, parsePolicy } from "../../src/simulator/policy.ts";
import type { BaseFleet } from "../../src/simulator/recipe.ts";
import { capacityPerMs, type Scenario } from "../../src/simulator/scenario.ts";
import { BUILT_IN, builtInScenario, DEFAULT_BASE } from "../../src/simulator/scenarios.ts";
import { type RunResult, runSimulation } from "../../src/simulator/simulation.ts";
import { geometricEstimate, quantile } from "../../src/simulator/statistics.ts";

const { values } = parseArgs({
  options: {
    suite: { type: "string", default: "small,built_in,saturation" },
    requests: { type: "string", default: "60000" },
    seeds: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    fleets: { type: "string", default: "" },
    scenarios: { type: "string", default: "" },
    policies: { type: "string", default: "ml,ml+limits,ml+true_limits,oracle+true_limits" },
  },
});
const requests = wholeNumber("requests", values.requests);
const seeds = Array.from(
  { length: wholeNumber("seeds", values.seeds) },
  (_, i) => wholeNumber("seed", values.seed) + i,
);
const network = readShippedNetwork();
const names = values.policies.split(",");
const WARM_UP_MS = 5000;

/** Fleets where one queue is worth most: small, busy, or sharing their workers. */
const SMALL: Readonly<Record<string, Partial<BaseFleet>>> = {
  "3 × 1, .8": { servers: 3, workers: 1, load: 0.8 },
  "3 × 4, .9": { servers: 3, workers: 4, load: 0.9 },
  "10 × 4, .9": { servers: 10, workers: 4, load: 0.9 },
  "5 × 2 ps, .8": { servers: 5, workers: 2, load: 0.8, discipline: "ps" },
};
const SMALL_SCENARIOS = ["homogeneous", "unequal-speed", "noisy-neighbour", "gc-pauses", "compound"];

const SUITES: Readonly<Record<string, () => void>> = { small, built_in: builtIn, saturation, cluster };
for (const name of values.suite.split(",")) {
  const suite = SUITES[name];
  if (suite === undefined) throw new Error(`unknown suite "${name}": use ${Object.keys(SUITES).join(", ")}`);
  suite();
}

function small(): void {
  const cases = Object.entries(SMALL)
    .filter(([fleet]) => fleet.includes(values.fleets))
    .flatMap(([fleet, base]) =>
      SMALL_SCENARIOS.filter((name) => name.includes(values.scenarios)).map((name) => ({
        label: `${fleet} | ${name}`,
        scenario: builtInScenario(name, { ...DEFAULT_BASE, ...base }),
      })),
    );
  compare("fleet | scenario", cases);
}

function builtIn(): void {
  const cases = [1, 8].flatMap((balancers) =>
    BUILT_IN.filter(({ name }) => name.includes(values.scenarios)).map(({ name }) => ({
      label: `${balancers} | ${name}`,
      scenario: builtInScenario(name, { ...DEFAULT_BASE, balancers }),
    })),
  );
  compare("balancers | scenario", cases);
}

/** Instances with one Redis, each with a queue of its own. */
function cluster(): void {
  const cases = [2, 8].flatMap((balancers) =>
    [5, 20, 200].flatMap((meanMs) =>
      ["3 × 1, .8", "3 × 4, .9", "10 × 4, .9"].flatMap((fleet) =>
        ["homogeneous", "gc-pauses"].map((name) => ({
          label: `${balancers} | ${meanMs} | ${fleet} | ${name}`,
          scenario: builtInScenario(name, { ...DEFAULT_BASE, ...SMALL[fleet], balancers, meanMs, sharing: "cluster" }),
        })),
      ),
    ),
  );
  compare("instances | ms | fleet | scenario", cases);
}

/** p99 by policy, and what it is relative to the first one; medians over seeds. */
function compare(title: string, cases: readonly { label: string; scenario: Scenario }[]): void {
  const policies = names.map((name) => parsePolicy(name, network));
  console.log(
    `| ${title} | ${names.join(" | ")} | ${names
      .map((name) => `${name} / ${names[0]}`)
      .slice(1)
      .join(" | ")} | held |`,
  );
  console.log(`|---|---|${"---|".repeat(2 * names.length)}`);
  const all: number[][] = names.map(() => []);
  for (const { label, scenario } of cases) {
    const held: number[] = [];
    const p99 = policies.map((policy) =>
      seeds.map((seed) => {
        const result = run(scenario, policy, seed);
        if (policy.name === names[1]) held.push(result.held / requests, result.overdue / requests);
        return quantile(result.latenciesMs, 0.99);
      }),
    );
    const ratios = p99.map((values) => geometricEstimate(values.map((value, i) => value / p99[0][i])).value);
    for (const [i, ratio] of ratios.entries()) all[i].push(ratio);
    const cells = [
      ...p99.map((values) => median(values).toFixed(0)),
      ...ratios.slice(1).map((ratio) => ratio.toFixed(3)),
    ];
    console.log(
      `| ${label} | ${cells.join(" | ")} | ${median(held.filter((_, i) => i % 2 === 0)).toFixed(2)}, ${median(held.filter((_, i) => i % 2 === 1)).toFixed(3)} |`,
    );
  }
  const means = all.map((ratios) => geometricEstimate(ratios).value);
  console.log(
    `| geometric mean | | ${names.map(() => "").join(" | ")} | ${means
      .slice(1)
      .map((mean) => mean.toFixed(3))
      .join(" | ")} |`,
  );
  console.log(`most: ${all.map((ratios, i) => `${names[i]} ${Math.max(...ratios).toFixed(3)}`).join(", ")}`);
  for (const [i, name] of names.entries()) {
    if (i > 1) console.log(`${names[1]} / ${name}: ${(means[1] / means[i]).toFixed(3)}`);
  }
}

/** Requests that are served at a load of 1.1, as a share of what the fleet can do, and of what round robin serves. */
function saturation(): void {
  const policies = ["round_robin", ...names].map((name) => parsePolicy(name, network));
  console.log(`| fleet | network, ms | ${policies.map(({ name }) => name).join(" | ")} |`);
  console.log(`|---|---|${"---|".repeat(policies.length)}`);
  for (const [fleet, base] of Object.entries(SMALL).filter(([fleet]) => fleet.includes(values.fleets))) {
    for (const networkMs of [0, 1, 10]) {
      const scenario = builtInScenario("saturated", { ...DEFAULT_BASE, ...base, networkMs });
      const rates = policies.map((policy) => median(seeds.map((seed) => throughput(scenario, policy, seed))));
      const capacity = capacityPerMs(scenario);
      const cells = rates.map((rate) => `${(rate / capacity).toFixed(3)}, ${(rate / rates[0]).toFixed(3)}`);
      console.log(`| ${fleet.split(",")[0]} | ${networkMs} | ${cells.join(" | ")} |`);
    }
  }
}

/** Requests per millisecond that ended while others still arrived, after a first quarter. */
function throughput(scenario: Scenario, policy: Policy, seed: number): number {
  const ends: number[] = [];
  let untilMs = 0;
  runSimulation(scenario, policy, {
    requests,
    seed,
    warmUpMs: 0,
    onRequest: ({ arrivedMs, latencyMs }) => {
      ends.push(arrivedMs + latencyMs);
      untilMs = Math.max(untilMs, arrivedMs);
    },
  });
  return ends.filter((endMs) => endMs > untilMs / 4 && endMs <= untilMs).length / (untilMs * 0.75);
}

function run(scenario: Scenario, policy: Policy, seed: number): RunResult {
  return runSimulation(scenario, policy, { requests, seed, warmUpMs: WARM_UP_MS });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} is "${text}"; it must be a whole number from 1 up`);
  return value;
}
