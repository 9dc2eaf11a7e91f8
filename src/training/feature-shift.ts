/** How far the inputs are from those that a network was scaled for: a network far from its data knows little. */
import type { Network } from "../learning/models/network.ts";
import { columnMoments } from "./column-moments.ts";
import type { TrainingRows } from "./rows.ts";

/** One input. */
export interface FeatureShift {
  readonly feature: string;
  /** Mean over the rows, less that of the network's scaler, in its standard deviations; `null` where it is unknown. */
  readonly shift: number | null;
  /** Standard deviation over the rows, relative to the scaler's; `null` where it is unknown. */
  readonly spread: number | null;
  /** Share of rows in which it is unknown. */
  readonly unknown: number;
}

/** Of every input, in the network's order. */
export function featureShift({ features, mean, scale }: Network, rows: TrainingRows): FeatureShift[] {
  return features.map((feature, i) => {
    const { known, average, deviation } = columnMoments(rows, feature);
    const unknown = rows.length === 0 ? 0 : 1 - known / rows.length;
    if (known === 0) return { feature, shift: null, spread: null, unknown };
    return { feature, shift: (average - mean[i]) / scale[i], spread: deviation / scale[i], unknown };
  });
}
