/** How well a network routes: simulated, against what the classical policies do on the same arrivals. */

import { FAILURE_LATENCY_MS } from "../../balancing/estimators/latency-estimator.ts";
import { seededRandom } from "../../balancing/random.ts";
import type { Network } from "../../learning/models/network.ts";
import { learnedPolicy, type Policy, parsePolicy } from "../../simulator/policy.ts";
import { capacityPerMs, type Scenario } from "../../simulator/scenario.ts";
import { BUILT_IN, builtInScenario, DEFAULT_BASE } from "../../simulator/scenarios.ts";
import { runSimulation } from "../../simulator/simulation.ts";
import { quantile } from "../../simulator/statistics.ts";
import { randomScenario } from "./random-scenario.ts";

/** One run to try a network on. */
export interface Task {
  readonly scenario: Scenario;
  readonly requests: number;
  readonly seed: number;
}

/** What counts of a run. */
export interface TaskFigures {
  /** Mean logarithm of the quantiles above 0.95. */
  readonly tail: number;
  /** Logarithm of the median. */
  readonly median: number;
  readonly errors: number;
}

/** Yardsticks: each is the best somewhere. */
const REFERENCES = ["least_response_time", "least_connections+weights", "adaptive"];
const WARM_UP_MS = 1500;
/** From one score table to the next in training, milliseconds; the product's are fresher. */
const PERIOD_MS = 100;
/** How much a loss against the yardstick counts beyond a gain of the same size. */
const REGRET = 1;
/** A task that goes wrong counts as no more than this, up or down: one must not decide for all. */
const MOST = 0.3;
/** How much the median counts beside the tail, when it is worse. */
const MEDIAN = 0.3;
/** What one percent of errors more costs. */
const ERRORS = 0.1;

/** The runs of one generation: every built-in scenario with 1 and with 8 balancers, and as many random ones. */
export function drawTasks(seed: number, requests: number): Task[] {
  const { nextUint32 } = seededRandom(seed);
  const builtIn = BUILT_IN.flatMap(({ name }) =>
    [1, 8].map((balancers) => ({
      scenario: builtInScenario(name, { ...DEFAULT_BASE, balancers }),
      requests,
      seed: nextUint32(),
    })),
  );
  const random = Array.from({ length: BUILT_IN.length }, () => {
    const drawn = nextUint32();
    return { scenario: randomScenario(drawn), requests: requests >> 1, seed: drawn };
  });
  return [...builtIn, ...random];
}

/** The policy that routes by `network`. */
export function networkPolicy(network: Network, periodMs = PERIOD_MS): Policy {
  return learnedPolicy(network, { periodMs, controlShare: 0, secondShare: 0 });
}

/** Runs one task. */
export function runTask({ scenario, requests, seed }: Task, policy: Policy): TaskFigures {
  const warmUpMs = Math.min(WARM_UP_MS, (0.1 * requests) / (scenario.load * capacityPerMs(scenario)));
  const { latenciesMs, failed } = runSimulation(scenario, policy, { requests, seed, warmUpMs });
  const at = (q: number) => Math.log(Math.min(quantile(latenciesMs, q), 20 * FAILURE_LATENCY_MS));
  return {
    tail: (at(0.95) + at(0.98) + at(0.99) + at(0.995)) / 4,
    median: at(0.5),
    errors: failed / Math.max(1, latenciesMs.length),
  };
}

/** The yardstick of a task: of each figure, the best that a classical policy or the estimator reaches. */
export function referenceOf(task: Task): TaskFigures {
  const figures = REFERENCES.map((name) => runTask(task, parsePolicy(name)));
  const least = (of: (f: TaskFigures) => number) => Math.min(...figures.map(of));
  return { tail: least((f) => f.tail), median: least((f) => f.median), errors: least((f) => f.errors) };
}

/** The loss of a network over tasks; below 0 is better than the yardsticks. */
export function lossOf(figures: readonly TaskFigures[], references: readonly TaskFigures[]): number {
  let total = 0;
  for (const [i, { tail, median, errors }] of figures.entries()) {
    const reference = references[i];
    const gap = Math.max(-MOST, Math.min(MOST, tail - reference.tail));
    total += gap + REGRET * Math.max(0, gap);
    total += MEDIAN * Math.max(0, median - reference.median);
    total += ERRORS * 100 * Math.max(0, errors - reference.errors);
  }
  return total / figures.length;
}
