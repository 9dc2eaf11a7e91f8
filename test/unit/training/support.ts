/** Rows and networks for tests of training. */
import { seededRandom } from "../../../src/balancing/random.ts";
import { FEATURE_NAMES, type FeatureName } from "../../../src/learning/features/feature-names.ts";
import { FEATURE_COUNT } from "../../../src/learning/features/fleet-features.ts";
import type { Network } from "../../../src/learning/models/network.ts";
import { TrainingRows } from "../../../src/training/rows.ts";
import { normal } from "../../../src/training/simulation/evolution.ts";

/** Index of a feature in rows. */
export function column(name: FeatureName): number {
  return FEATURE_NAMES.indexOf(name);
}

/** Rows of standard normal features and exponential latencies around exp(`truth`). */
export function syntheticRows(count: number, seed: number, truth: (row: Float64Array) => number): TrainingRows {
  const { next } = seededRandom(seed);
  const rows = new TrainingRows(count);
  while (!rows.full) {
    const row = Float64Array.from({ length: FEATURE_COUNT }, () => normal(next));
    rows.add(row, Math.exp(truth(row)) * -Math.log(1 - next()));
  }
  return rows;
}

/** A network over all features that says 0; its hidden units are drawn, but do not count. */
export function blankNetwork(hidden = 8, seed = 1): Network {
  const { next } = seededRandom(seed);
  const n = FEATURE_COUNT;
  return {
    features: [...FEATURE_NAMES],
    mean: new Float64Array(n),
    scale: new Float64Array(n).fill(1),
    w1: Float64Array.from({ length: hidden * n }, () => normal(next) * 0.2),
    b1: new Float64Array(hidden),
    w2: new Float64Array(hidden),
    b2: 0,
    linear: new Float64Array(n),
  };
}

/** All numbers of a network. */
export function weightsOf({ w1, b1, w2, b2, linear, mean, scale }: Network): number[] {
  return [...w1, ...b1, ...w2, b2, ...linear, ...mean, ...scale];
}
