/** Training a network further on rows of real traffic, and judging it on the newest of them. */
import { seededRandom } from "../../balancing/random.ts";
import type { Network } from "../../learning/models/network.ts";
import { checkTrained, TrainingError } from "../check-trained.ts";
import { columnMoments, forgetColumns } from "../column-moments.ts";
import { compareDeviance, type DevianceComparison } from "../deviance-comparison.ts";
import { type FeatureShift, featureShift } from "../feature-shift.ts";
import { type CalibrationBin, calibrate } from "../report/calibration.ts";
import type { TrainingRows } from "../rows.ts";
import { SILENT_INPUTS } from "../simulation/supervised-start.ts";
import { type EpochReport, trainNetwork } from "../trainer.ts";

/** How a network is fine-tuned. */
export interface FineTuneOptions {
  readonly epochs: number;
  readonly batch: number;
  /** Step size of the first epoch. */
  readonly rate: number;
  /** Pull towards the weights that it began with: what the rows say little of stays as it was. */
  readonly decay: number;
  /** Share of the rows, the newest in time, that is judged by and not learned from; 0 … 1. */
  readonly holdOut: number;
  /** Fewer rows teach nothing that would hold. */
  readonly leastRows: number;
  readonly seed: number;
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** What is used unless told otherwise. */
export const FINE_TUNE_DEFAULTS: Omit<FineTuneOptions, "seed" | "onEpoch"> = Object.freeze({
  epochs: 5,
  batch: 256,
  rate: 0.001,
  decay: 1,
  holdOut: 0.2,
  leastRows: 2000,
});

/** With many rows the least difference is certain; one of less than this share of the deviance is not worth a trial. */
const LEAST_GAIN = 0.005;

/** Thrown when there is too little to learn from. */
export class TooFewRowsError extends TrainingError {
  override readonly name = "TooFewRowsError";
}

/** How the trained network compares on the held-out rows. */
export type FineTuneVerdict = "better" | "no_difference" | "worse";

/** What a fine-tuning measured. The same arguments give the same report. */
export interface FineTuneReport {
  /** Learned from, and held out. */
  readonly rows: number;
  readonly heldOut: number;
  /** What the weighted rows are worth in equal ones: (Σw)² / Σw². */
  readonly effectiveRows: number;
  readonly epochs: readonly EpochReport[];
  readonly comparison: DevianceComparison;
  /** On the held-out rows. */
  readonly calibration: { readonly current: readonly CalibrationBin[]; readonly trained: readonly CalibrationBin[] };
  /** Of the rows learned from, against the scaler of the network before. */
  readonly shift: readonly FeatureShift[];
  readonly verdict: FineTuneVerdict;
  /** The verdict in one sentence. */
  readonly sentence: string;
}

/**
 * Trains a copy of `start` on all but the newest of `rows`, which are in the order of time. Inputs that `start` does not
 * listen to are scaled to the rows and may be learned, but for those that are bound to a scale (those are forgotten in
 * `rows`). Deterministic. Throws a `TooFewRowsError`, or a `TrainingError` when the result is unusable.
 * @param current what the result is compared with, when that is not what it began with.
 */
export function fineTune(
  start: Network,
  rows: TrainingRows,
  { holdOut, leastRows, seed, ...training }: FineTuneOptions,
  current: Network = start,
): { readonly network: Network; readonly report: FineTuneReport } {
  if (rows.length < leastRows) {
    throw new TooFewRowsError(`there are ${rows.length} rows to learn from, and ${leastRows} are needed`);
  }
  const heldOut = Math.max(1, Math.floor(rows.length * holdOut));
  const learned = rows.part(0, rows.length - heldOut);
  const apart = rows.part(rows.length - heldOut, rows.length);
  const shift = featureShift(current, learned);
  const network = trainNetwork(prepare(start, rows, learned), learned, {
    ...training,
    validation: apart,
    random: seededRandom(seed).next,
  });
  checkTrained(network.network);
  const comparison = compareDeviance(current, network.network, apart, seed);
  const verdict = verdictOf(comparison);
  const report: FineTuneReport = {
    rows: learned.length,
    heldOut,
    effectiveRows: effective(learned.weight),
    epochs: network.epochs,
    comparison,
    calibration: { current: calibrate(current, apart), trained: calibrate(network.network, apart) },
    shift,
    verdict,
    sentence: sentenceOf(verdict, comparison),
  };
  return { network: network.network, report };
}

/**
 * Inputs without weights may be scaled anew without a change of what the network says. What is the same everywhere is
 * forgotten: it teaches nothing, and its rounding errors would be learned instead.
 */
function prepare(start: Network, rows: TrainingRows, learned: TrainingRows): Network {
  const { features, w1, linear } = start;
  const n = features.length;
  const mean = start.mean.slice();
  const scale = start.scale.slice();
  const forgotten: string[] = [];
  for (const [i, name] of features.entries()) {
    const { deviation, average } = columnMoments(learned, name);
    const silent = linear[i] === 0 && start.b1.every((_, unit) => w1[unit * n + i] === 0);
    if (!silent) continue;
    if (deviation === 0 || SILENT_INPUTS.includes(name)) {
      forgotten.push(name);
      continue;
    }
    mean[i] = average;
    scale[i] = deviation;
  }
  forgetColumns(rows, forgotten);
  return { ...start, mean, scale };
}

function effective(weights: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return Math.round((sum * sum) / squares);
}

function verdictOf({ current, difference, low, high }: DevianceComparison): FineTuneVerdict {
  if (high < 0 && difference < -LEAST_GAIN * current) return "better";
  return low > 0 ? "worse" : "no_difference";
}

function sentenceOf(verdict: FineTuneVerdict, comparison: DevianceComparison): string {
  const { rows, current, trained, difference, low, high } = comparison;
  const says = {
    better: "The trained model predicts better than the current one",
    no_difference: "There is no difference that matters between the trained model and the current one",
    worse: "The trained model predicts worse than the current one",
  }[verdict];
  const figure = (value: number) => value.toFixed(4);
  return `${says}: mean deviance ${figure(trained)} instead of ${figure(current)} on the newest ${rows} rows, difference ${figure(difference)} (95 % interval ${figure(low)} to ${figure(high)}).`;
}
