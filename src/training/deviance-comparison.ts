/** Which of two networks predicts held-out rows better, and how sure that is. */
import { seededRandom } from "../balancing/random.ts";
import type { Network } from "../learning/models/network.ts";
import type { TrainingRows } from "./rows.ts";
import { rowDeviances } from "./trainer.ts";

/** Mean deviances (half the unit gamma deviance; 0 = every latency as predicted), and their difference. */
export interface DevianceComparison {
  readonly rows: number;
  readonly current: number;
  readonly trained: number;
  /** Trained less current: below 0 is better. */
  readonly difference: number;
  /** 95 % confidence interval of the difference. */
  readonly low: number;
  readonly high: number;
}

/** Rows close in time are much alike, so blocks of them are drawn, not rows (Künsch 1989). */
const BLOCKS = 50;
const RESAMPLES = 2000;

/** Compares them on the same rows, which are in the order of time. Deterministic by seed. */
export function compareDeviance(
  current: Network,
  trained: Network,
  rows: TrainingRows,
  seed: number,
): DevianceComparison {
  const ofCurrent = rowDeviances(current, rows);
  const ofTrained = rowDeviances(trained, rows);
  const blocks = Math.min(BLOCKS, rows.length);
  const weights = new Float64Array(blocks);
  const differences = new Float64Array(blocks);
  let total = 0;
  let currentSum = 0;
  let trainedSum = 0;
  for (let row = 0; row < rows.length; row++) {
    const block = Math.floor((row * blocks) / rows.length);
    const weight = rows.weight[row];
    weights[block] += weight;
    differences[block] += weight * (ofTrained[row] - ofCurrent[row]);
    total += weight;
    currentSum += weight * ofCurrent[row];
    trainedSum += weight * ofTrained[row];
  }
  const { next } = seededRandom(seed);
  const resampled = Float64Array.from({ length: RESAMPLES }, () => {
    let weight = 0;
    let difference = 0;
    for (let i = 0; i < blocks; i++) {
      const block = Math.floor(next() * blocks);
      weight += weights[block];
      difference += differences[block];
    }
    return difference / weight;
  }).sort();
  return {
    rows: rows.length,
    current: currentSum / total,
    trained: trainedSum / total,
    difference: (trainedSum - currentSum) / total,
    low: resampled[Math.floor(0.025 * RESAMPLES)],
    high: resampled[Math.ceil(0.975 * RESAMPLES) - 1],
  };
}
