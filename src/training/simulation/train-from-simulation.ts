/** The whole way to a model that has seen no traffic: rows, supervised start, evolution, exam. */
import { seededRandom } from "../../balancing/random.ts";
import type { Network } from "../../learning/models/network.ts";
import { checkTrained } from "../check-trained.ts";
import { type RowColumns, TrainingRows } from "../rows.ts";
import type { EpochReport } from "../trainer.ts";
import { evolveNetwork, type GenerationReport } from "./evolve.ts";
import { type ExamReport, examine } from "./exam.ts";
import type { Laboratory } from "./laboratory.ts";
import { drawRuns, ROWS_PER_RUN } from "./simulated-rows.ts";
import type { SupervisedReport } from "./supervised-start.ts";

/** How much of each. */
export interface SimulationTrainingOptions {
  readonly seed: number;
  readonly rows: number;
  readonly hidden: number;
  readonly epochs: number;
  /** 0 = no evolution: the supervised start is the model. */
  readonly generations: number;
  readonly population: number;
  /** Per task of a generation. */
  readonly requests: number;
  /** Draws of all tasks for the exam, each run with twice the requests. */
  readonly examRounds: number;
}

/** What the shipped model is made with. */
export const SIMULATION_DEFAULTS: Omit<SimulationTrainingOptions, "seed"> = Object.freeze({
  rows: 250_000,
  hidden: 12,
  epochs: 6,
  generations: 24,
  population: 12,
  requests: 20_000,
  examRounds: 4,
});

/** To see in a minute that all of it works; the model is none to ship. */
export const QUICK_DEFAULTS: Omit<SimulationTrainingOptions, "seed"> = Object.freeze({
  rows: 20_000,
  hidden: 12,
  epochs: 5,
  generations: 3,
  population: 6,
  requests: 2000,
  examRounds: 1,
});

/** The parts, in their order. */
export type TrainingPhase = "rows" | "fit" | "evolution" | "exam";

/** Told while it goes on. `done` and `total` count what the phase consists of; both may be fractions. */
export interface SimulationTrainingEvents {
  readonly onProgress?: (phase: TrainingPhase, done: number, total: number) => void;
  readonly onEpoch?: (epoch: EpochReport) => void;
  readonly onGeneration?: (generation: GenerationReport) => void;
}

/** How a model was made, and how good it is. The same arguments give the same report. */
export interface SimulationReport {
  readonly from: "simulation";
  readonly options: SimulationTrainingOptions;
  readonly supervised: SupervisedReport;
  readonly generations: readonly GenerationReport[];
  /** `null` without evolution. */
  readonly exam: ExamReport | null;
  /** One sentence. */
  readonly verdict: string;
}

/** Trains. Deterministic by `options`, whatever the laboratory. Rejects when the laboratory does, or the model is unusable. */
export async function trainFromSimulation(
  options: SimulationTrainingOptions,
  laboratory: Laboratory,
  { onProgress, onEpoch, onGeneration }: SimulationTrainingEvents = {},
): Promise<{ readonly network: Network; readonly report: SimulationReport }> {
  const { hidden, epochs, generations, population, requests, examRounds } = options;
  const seeds = seededRandom(options.seed).nextUint32;
  const [rowsSeed, fitSeed, evolutionSeed, examSeed] = [seeds(), seeds(), seeds(), seeds()];

  const rows = await gatherRows(options.rows, rowsSeed, laboratory, (done) => onProgress?.("rows", done, options.rows));
  const start = await laboratory.run({ kind: "fit", rows, options: { hidden, epochs, seed: fitSeed } }, (epoch) => {
    onEpoch?.(epoch);
    onProgress?.("fit", epoch.epoch, epochs);
  });
  checkTrained(start.network);
  const begin = withoutPartOfTheCrowd(start.network);
  const base = { from: "simulation", options, supervised: start.report } as const;
  if (generations === 0) {
    const verdict = "The network is the supervised start: no evolution was asked for.";
    return { network: begin, report: { ...base, generations: [], exam: null, verdict } };
  }
  let past = 0;
  const evolved = await evolveNetwork(begin, laboratory, {
    generations,
    population,
    requests,
    seed: evolutionSeed,
    onGeneration: (generation) => {
      past = generation.generation;
      onGeneration?.(generation);
    },
    onProgress: (done, total) => onProgress?.("evolution", past + done / total, generations),
  });
  checkTrained(evolved.network);
  const exam = await examine(begin, evolved.network, laboratory, {
    rounds: examRounds,
    requests: 2 * requests,
    seed: examSeed,
    onProgress: (done, total) => onProgress?.("exam", done, total),
  });
  return {
    network: exam.passed ? evolved.network : begin,
    report: { ...base, generations: evolved.generations, exam, verdict: verdictOf(exam) },
  };
}

/** Exponent of the load that is taken off a supervised network; found with the simulator, and where evolution begins. */
const CROWD_CORRECTION = 0.15;

/**
 * A network that was fitted to latencies knows what waiting costs; the strategy multiplies by the crowd once more
 * (balancing/crowd.ts), for the sake of requests that come later. Together that is too much: a part is taken off.
 */
function withoutPartOfTheCrowd(network: Network): Network {
  const at = network.features.indexOf("log_load");
  const linear = network.linear.slice();
  linear[at] -= CROWD_CORRECTION * network.scale[at];
  return { ...network, linear };
}

/** Rows of runs in their order, however many are simulated at the same time and whichever is done first. */
async function gatherRows(
  count: number,
  seed: number,
  laboratory: Laboratory,
  onRows: (done: number) => void,
): Promise<RowColumns> {
  const rows = new TrainingRows(count);
  const runs = drawRuns(seed);
  while (!rows.full) {
    const missing = Math.ceil((count - rows.length) / ROWS_PER_RUN);
    const batch = Array.from({ length: missing }, () => runs.next().value);
    const before = rows.length;
    let seen = 0;
    const recorded = await Promise.all(
      batch.map(async (run) => {
        const columns = await laboratory.run({ kind: "rows", run });
        seen += columns.target.length;
        onRows(Math.min(count, before + seen));
        return columns;
      }),
    );
    for (const columns of recorded) rows.append(columns);
  }
  const { features, target, weight } = rows;
  return { features, target, weight };
}

function verdictOf({ passed, start, evolved, difference, tasks }: ExamReport): string {
  const figures = `loss ${evolved.toFixed(4)} instead of ${start.toFixed(4)} on ${tasks} tasks that it was not trained on`;
  const interval = `difference ${difference.value.toFixed(4)} ± ${(difference.halfWidth ?? Number.NaN).toFixed(4)}`;
  return passed
    ? `The evolved network is better than its supervised start: ${figures}, ${interval}.`
    : `The supervised start is kept, because evolution did not improve on it: ${figures}, ${interval}.`;
}
