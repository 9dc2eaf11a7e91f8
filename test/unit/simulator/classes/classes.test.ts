/** Classes of requests in simulations: what they gain, and that they lose nothing. Seeded. */
import { describe, expect, test } from "bun:test";
import { readShippedNetwork } from "../../../../src/learning/models/shipped-model.ts";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import type { BaseFleet } from "../../../../src/simulator/recipe.ts";
import { parseScenarioFile } from "../../../../src/simulator/scenario-file.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../../src/simulator/scenarios.ts";
import { runSimulation } from "../../../../src/simulator/simulation.ts";
import { mean, quantile } from "../../../../src/simulator/statistics.ts";

const NETWORK = readShippedNetwork();
const MIXED = [
  { share: 70, cost: 0.3 },
  { share: 25, cost: 1 },
  { share: 5, cost: 8 },
];
const ALIKE = MIXED.map(({ share }) => ({ share, cost: 1 }));

/** Mean of p99 over seeds, with classes as part of it without. */
function ratio(strategy: string, fleet: Partial<BaseFleet>, name = "unequal-speed"): number {
  const scenario = builtInScenario(name, { ...DEFAULT_BASE, ...fleet });
  const p99 = (policy: string) =>
    mean(
      [1, 2, 3].map((seed) => {
        const run = { requests: 40_000, seed, warmUpMs: 4000 };
        return quantile(runSimulation(scenario, parsePolicy(policy, NETWORK), run).latenciesMs, 0.99);
      }),
    );
  return p99(`${strategy}+classes`) / p99(strategy);
}

describe("classes of requests", () => {
  test.each(["ml", "adaptive"])(
    "bring the tail of %s down where servers differ in speed and routes in cost",
    (name) => {
      expect(ratio(name, { kinds: MIXED, service: { kind: "lognormal", sigma: 0.5 } })).toBeLessThan(0.9);
    },
  );

  test("and of a small fleet under load", () => {
    const fleet = { servers: 4, workers: 2, load: 0.8, kinds: MIXED };
    expect(ratio("ml", { ...fleet, service: { kind: "lognormal", sigma: 0.5 } })).toBeLessThan(0.95);
  });

  test("change nothing where all routes cost the same, and where cost has nothing to do with the route", () => {
    expect(ratio("ml", { kinds: ALIKE })).toBeWithin(0.97, 1.03);
    const bimodal = { kind: "bimodal", share: 0.05, ratio: 16 } as const;
    expect(ratio("ml", { kinds: ALIKE, service: bimodal })).toBeWithin(0.97, 1.03);
  });
});

test("scenario files have kinds of requests, and say what is wrong with them", () => {
  const file = { name: "mine", servers: [{ count: 2, workers: 2 }], load: 0.5 };
  expect(parseScenarioFile(JSON.stringify({ ...file, kinds: MIXED })).kinds).toEqual(MIXED);
  expect(() => parseScenarioFile(JSON.stringify({ ...file, kinds: [] }))).toThrow("kinds");
  expect(() => parseScenarioFile(JSON.stringify({ ...file, kinds: [{ share: 1, cost: 0 }] }))).toThrow("kinds.0.cost");
});
