import { describe, expect, test } from "bun:test";
import type { Strategy } from "../../../src/balancing/strategy.ts";
import { JUDGE_DEFAULTS } from "../../../src/learning/judge/options.ts";
import { readShippedNetwork } from "../../../src/learning/models/shipped-model.ts";
import { SERVING_DEFAULTS } from "../../../src/learning/serving/serving-defaults.ts";
import {
  classicalPolicies,
  isClassical,
  learnedPolicy,
  type Policy,
  parsePolicy,
} from "../../../src/simulator/policy.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../src/simulator/scenarios.ts";
import { PRODUCT_LEARNER, type SimulatedLearner } from "../../../src/simulator/simulated-learner.ts";
import { run, scenario, server } from "./support.ts";

const network = readShippedNetwork();
const FOUR = [server(2), server(2), server(2), server(1)];

/** The policy, and the strategies that it made. */
function watched(policy: Policy): { policy: Policy; made: Strategy[] } {
  const made: Strategy[] = [];
  const create: Policy["create"] = (...args) => {
    const strategy = policy.create(...args);
    made.push(strategy);
    return strategy;
  };
  return { policy: { ...policy, create }, made };
}

test("ml is none of the classical policies, and needs a model", () => {
  expect(isClassical(parsePolicy("ml", network))).toBe(false);
  expect(isClassical(parsePolicy("ml-ejection", network))).toBe(false);
  expect(classicalPolicies().map(({ name }) => name)).not.toContain("ml");
  expect(() => parsePolicy("ml")).toThrow("the policy ml needs a model to route by");
});

test("it works as the product does", () => {
  expect(PRODUCT_LEARNER).toEqual({
    periodMs: SERVING_DEFAULTS.tableMs,
    controlShare: JUDGE_DEFAULTS.guardrail.controlShare,
    secondShare: SERVING_DEFAULTS.secondShare,
  });
});

test.each([1, 3])("with %d balancers every request is answered once, and the same seed gives the same", (balancers) => {
  const what = builtInScenario("compound", { ...DEFAULT_BASE, balancers });
  const ml = parsePolicy("ml", network);
  const once = run(what, ml, 4000, 5);
  expect(once.sent.reduce((a, b) => a + b)).toBe(4000);
  expect(run(what, ml, 4000, 5)).toEqual(once);
  expect(run(what, ml, 4000, 6).latenciesMs).not.toEqual(once.latenciesMs);
});

test("it may be run without ejection and with true weights, like any other", () => {
  expect(parsePolicy("ml", network)).toMatchObject({ ejection: true, trueWeights: false, probes: true });
  expect(parsePolicy("ml+weights-ejection", network)).toMatchObject({ ejection: false, trueWeights: true });
  const what = builtInScenario("unequal-speed");
  const weighted = run(what, parsePolicy("ml+weights", network), 3000);
  expect(weighted.sent).not.toEqual(run(what, parsePolicy("ml", network), 3000).sent);
});

describe("learners", () => {
  const features = (made: readonly Strategy[]) =>
    new Set(made.map((strategy) => (strategy as SimulatedLearner).features)).size;

  test("workers of one instance share theirs, instances apart have their own", () => {
    for (const [sharing, learners] of [
      ["live", 1],
      ["own", 3],
      [100, 3],
    ] as const) {
      const { policy, made } = watched(learnedPolicy(network));
      run(scenario(FOUR, { balancers: 3, sharing }), policy, 1000);
      expect(made).toHaveLength(3);
      expect(features(made)).toBe(learners);
    }
  });
});
