/** Do latencies come out as predicted? Rows by decile of the prediction, with what was observed in each. */
import type { Network } from "../../learning/models/network.ts";
import type { TrainingRows } from "../rows.ts";
import { predictRows } from "../trainer.ts";

/** Weighted means over the rows of one decile, relative to the fleet's mean latency. */
export interface CalibrationBin {
  readonly rows: number;
  readonly predicted: number;
  readonly observed: number;
}

const BINS = 10;

/** The bins, from the lowest predictions to the highest; fewer when there are fewer rows. */
export function calibrate(network: Network, rows: TrainingRows): CalibrationBin[] {
  const predicted = predictRows(network, rows);
  const order = Int32Array.from({ length: rows.length }, (_, row) => row).sort((a, b) => predicted[a] - predicted[b]);
  const bins = Math.min(BINS, rows.length);
  return Array.from({ length: bins }, (_, bin) => {
    const of = order.subarray(Math.floor((bin * rows.length) / bins), Math.floor(((bin + 1) * rows.length) / bins));
    let weight = 0;
    let sum = 0;
    let target = 0;
    for (const row of of) {
      weight += rows.weight[row];
      sum += rows.weight[row] * Math.exp(predicted[row]);
      target += rows.weight[row] * rows.target[row];
    }
    return { rows: of.length, predicted: sum / weight, observed: target / weight };
  });
}
