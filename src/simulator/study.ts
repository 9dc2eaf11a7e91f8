/** Many runs: scenarios × policies × seeds, and what follows from comparing them. */
import { isClassical, ORACLE, ORACLE_NAME, type Policy } from "./policy.ts";
import { capacityPerMs, type Scenario } from "./scenario.ts";
import { runSimulation } from "./simulation.ts";
import { type Estimate, estimate, geometricEstimate, mean, quantile } from "./statistics.ts";

/** What is run and compared. */
export interface StudyOptions {
  readonly scenarios: readonly Scenario[];
  /** The oracle is added where it is missing: regret is measured against it. */
  readonly policies: readonly Policy[];
  readonly requests: number;
  readonly seeds: readonly number[];
  /** What arrives before this is not measured; at most a tenth of the run. */
  readonly warmUpMs: number;
  /** Called after every run. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** One policy in one scenario; estimates are over seeds. Times in milliseconds. */
export interface PolicyFigures {
  readonly policy: string;
  readonly p50: Estimate;
  readonly p99: Estimate;
  readonly p999: Estimate;
  readonly mean: Estimate;
  /** Failed requests, share of all. */
  readonly errors: Estimate;
  /** Mean latency above the oracle's on the same arrivals. */
  readonly regret: Estimate;
  /** p99 relative to the classical policy that turned out best here; `null` when no classical policy took part. */
  readonly p99Ratio: Estimate | null;
  /** Mean share of the requests that each server got. */
  readonly shares: readonly number[];
  /** Mean number of ejections per run. */
  readonly ejections: number;
}

/** All policies in one scenario. */
export interface ScenarioFigures {
  readonly scenario: string;
  readonly description: string;
  /** The classical policy with the lowest p99 here, known only afterwards. */
  readonly bestClassical: string | null;
  readonly policies: readonly PolicyFigures[];
}

/** One policy over all scenarios, relative to the best classical policy of each scenario. */
export interface PolicySummary {
  readonly policy: string;
  /** Geometric mean of the p99 ratios. */
  readonly p99Ratio: Estimate;
  readonly worstRatio: number;
  readonly worstScenario: string;
  /** Geometric mean of the ratios of medians, to the same classical policies. */
  readonly p50Ratio: Estimate;
  readonly errors: number;
}

/** The figures of every scenario, and what they come to. */
export interface StudyResult {
  readonly requests: number;
  readonly seeds: readonly number[];
  readonly scenarios: readonly ScenarioFigures[];
  /** Empty when no classical policy took part. */
  readonly summary: readonly PolicySummary[];
}

/** What is kept of one run. */
interface RunFigures {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly mean: number;
  readonly errors: number;
  readonly shares: readonly number[];
  readonly ejections: number;
}

const MOST_WARM_UP = 0.1;

/** By policy: the figures of each seed. */
type Runs = ReadonlyMap<string, readonly RunFigures[]>;

/** Runs everything; deterministic. */
export function runStudy(options: StudyOptions): StudyResult {
  const { scenarios, requests, seeds } = options;
  const given = options.policies;
  const policies = given.some(({ name }) => name === ORACLE_NAME) ? given : [...given, ORACLE];
  const classical = policies.filter(isClassical).map(({ name }) => name);
  const total = scenarios.length * policies.length * seeds.length;
  let done = 0;
  const runs = scenarios.map((scenario): Runs => {
    const byPolicy = new Map<string, RunFigures[]>();
    for (const policy of policies) {
      const figures: RunFigures[] = [];
      for (const seed of seeds) {
        figures.push(runOnce(scenario, policy, requests, seed, options.warmUpMs));
        options.onProgress?.(++done, total);
      }
      byPolicy.set(policy.name, figures);
    }
    return byPolicy;
  });
  const best = runs.map((byPolicy) => lowestP99(byPolicy, classical));
  return {
    requests,
    seeds,
    scenarios: scenarios.map((scenario, i) => describeScenario(scenario, runs[i], best[i])),
    summary: classical.length > 0 ? policies.map(({ name }) => summarise(name, scenarios, runs, best)) : [],
  };
}

function runOnce(scenario: Scenario, policy: Policy, requests: number, seed: number, warmUpMs: number): RunFigures {
  const expectedMs = requests / (scenario.load * capacityPerMs(scenario));
  const shortMs = Math.min(warmUpMs, MOST_WARM_UP * expectedMs);
  const result = runSimulation(scenario, policy, { requests, seed, warmUpMs: shortMs });
  const { latenciesMs, failed, sent, ejections } = result;
  const placed = sent.reduce((a, b) => a + b, 0);
  return {
    p50: quantile(latenciesMs, 0.5),
    p99: quantile(latenciesMs, 0.99),
    p999: quantile(latenciesMs, 0.999),
    mean: mean(latenciesMs),
    errors: failed / result.requests,
    shares: Array.from(sent, (count) => count / placed),
    ejections,
  };
}

function lowestP99(runs: Runs, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const { value } = geometricEstimate(runs.get(name)!.map(({ p99 }) => p99));
    if (value >= least) continue;
    least = value;
    best = name;
  }
  return best;
}

function describeScenario({ name, description }: Scenario, runs: Runs, best: string | null): ScenarioFigures {
  const oracle = runs.get(ORACLE_NAME)!;
  const policies = [...runs].map(([policy, figures]): PolicyFigures => {
    const over = (read: (run: RunFigures) => number): Estimate => estimate(figures.map(read));
    return {
      policy,
      p50: over((run) => run.p50),
      p99: over((run) => run.p99),
      p999: over((run) => run.p999),
      mean: over((run) => run.mean),
      errors: over((run) => run.errors),
      regret: estimate(figures.map((run, i) => run.mean - oracle[i].mean)),
      p99Ratio: best === null ? null : geometricEstimate(ratios(figures, runs.get(best)!, "p99")),
      shares: figures[0].shares.map((_, server) => mean(figures.map(({ shares }) => shares[server]))),
      ejections: mean(figures.map(({ ejections }) => ejections)),
    };
  });
  return { scenario: name, description, bestClassical: best, policies };
}

function summarise(
  policy: string,
  scenarios: readonly Scenario[],
  runs: readonly Runs[],
  best: readonly (string | null)[],
): PolicySummary {
  const against = (figure: "p99" | "p50"): number[][] =>
    runs.map((byPolicy, i) => ratios(byPolicy.get(policy)!, byPolicy.get(best[i]!)!, figure));
  const p99 = against("p99");
  const byScenario = p99.map((values) => geometricEstimate(values).value);
  const worst = byScenario.indexOf(Math.max(...byScenario));
  return {
    policy,
    p99Ratio: overScenarios(p99),
    worstRatio: byScenario[worst],
    worstScenario: scenarios[worst].name,
    p50Ratio: overScenarios(against("p50")),
    errors: mean(runs.map((byPolicy) => mean(byPolicy.get(policy)!.map(({ errors }) => errors)))),
  };
}

/** Geometric mean over scenarios within each seed, so that the interval is over independent values. */
function overScenarios(ratiosByScenario: readonly (readonly number[])[]): Estimate {
  const bySeed = ratiosByScenario[0].map((_, seed) => geometricEstimate(ratiosByScenario.map((r) => r[seed])).value);
  return geometricEstimate(bySeed);
}

function ratios(figures: readonly RunFigures[], base: readonly RunFigures[], figure: "p99" | "p50"): number[] {
  return figures.map((run, seed) => run[figure] / base[seed][figure]);
}
