/** Training rows from simulations: what an imperfect policy that also tries what it would not choose gets to see. */
import { seededRandom } from "../../balancing/random.ts";
import { passingNetwork } from "../../learning/models/network.ts";
import type { Policy } from "../../simulator/policy.ts";
import type { Scenario } from "../../simulator/scenario.ts";
import { BUILT_IN, builtInScenario, DEFAULT_BASE } from "../../simulator/scenarios.ts";
import { runSimulation } from "../../simulator/simulation.ts";
import { RowRecorder } from "../row-recorder.ts";
import { TrainingRows } from "../rows.ts";
import { randomScenario } from "./random-scenario.ts";

/** One simulation to take rows from. */
export interface RecordedRun {
  readonly scenario: Scenario;
  readonly seed: number;
}

/** Rows of one run: few enough that every training sees many scenarios. */
export const ROWS_PER_RUN = 2500;
/** Share of requests that rows are made of: neighbours in time say much the same. */
const SAMPLE = 0.2;
/** Share of requests that are placed at random. */
const EXPLORE = 0.1;
/** More requests than `ROWS_PER_RUN / SAMPLE`, because failures make no rows. */
const REQUESTS_PER_ROW = 1.2 / SAMPLE;

/** The runs of a seed, without end: built-in scenarios (with 1 and 8 balancers) and random ones in turn. */
export function* drawRuns(seed: number): Generator<RecordedRun> {
  const { nextUint32 } = seededRandom(seed);
  for (let i = 0; ; i++) {
    const { name } = BUILT_IN[(i >> 1) % BUILT_IN.length];
    // Each built-in scenario is had with one balancer first, and the next time round with eight.
    const balancers = Math.floor(i / (2 * BUILT_IN.length)) % 2 === 0 ? 1 : 8;
    const drawn = nextUint32();
    const scenario = i % 2 === 0 ? builtInScenario(name, { ...DEFAULT_BASE, balancers }) : randomScenario(drawn);
    yield { scenario, seed: drawn };
  }
}

/** Simulates a run. @returns at most `limit` rows. */
export function recordRun({ scenario, seed }: RecordedRun, limit = ROWS_PER_RUN): TrainingRows {
  const rows = new TrainingRows(limit);
  // Routes by what each server's curve says: good enough to be where a good policy is.
  const network = passingNetwork("log_curve");
  const policy: Policy = {
    name: "recorder",
    probes: true,
    ejection: true,
    trueWeights: false,
    create: (dependencies) => new RowRecorder(dependencies, network, rows, { explore: EXPLORE, sample: SAMPLE }),
  };
  runSimulation(scenario, policy, { requests: Math.ceil(limit * REQUESTS_PER_ROW), seed, warmUpMs: 0 });
  return rows.part(0, rows.length);
}
