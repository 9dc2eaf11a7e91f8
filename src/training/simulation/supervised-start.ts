/** A network fitted to simulated rows: what evolution begins with. */
import { seededRandom } from "../../balancing/random.ts";
import { FEATURE_NAMES } from "../../learning/features/feature-names.ts";
import type { Network } from "../../learning/models/network.ts";
import { columnMoments, forgetColumns } from "../column-moments.ts";
import type { TrainingRows } from "../rows.ts";
import { type EpochReport, evaluateNetwork, fitScaler, trainNetwork } from "../trainer.ts";
import { normal } from "./evolution.ts";

/**
 * Inputs of the contract in units of their own: milliseconds, requests, whatever a capacity was set to. A model that is
 * to serve fleets of 2 ms and of 2 s must not listen to them.
 */
const BOUND_TO_SCALE: readonly string[] = ["active_conns", "response_p95", "capacity"];

/** What failures cost is added by the strategy; rows are of responses only, so what goes with failures in them is chance. */
const OF_FAILURES: readonly string[] = ["error_rate", "failure_share"];

/** Inputs that our own models do not listen to. */
export const SILENT_INPUTS: readonly string[] = [...BOUND_TO_SCALE, ...OF_FAILURES];

/** Spread of the hidden weights at the beginning. */
const HIDDEN_SPREAD = 0.2;
const BATCH = 256;
const RATE = 0.003;
const VALIDATION = 0.1;

/** How it is fitted. */
export interface SupervisedOptions {
  readonly hidden: number;
  readonly epochs: number;
  readonly seed: number;
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** What came of it. Deviances are means over all rows; lower is better. */
export interface SupervisedReport {
  readonly rows: number;
  readonly epochs: readonly EpochReport[];
  /** Of the estimator (`log_expected` alone). */
  readonly estimator: number;
  /** Of the curves alone (`log_curve`), which the network begins with. */
  readonly curves: number;
  /** Of the network. */
  readonly network: number;
  /** Inputs that say nothing in these rows, and so in the network. */
  readonly silent: readonly string[];
}

/** Fits it. What the rows do not tell, or must not be listened to, is forgotten in `rows` and weighs nothing. Deterministic. */
export function superviseStart(
  rows: TrainingRows,
  { hidden, epochs, seed, onEpoch }: SupervisedOptions,
): { readonly network: Network; readonly report: SupervisedReport } {
  const features = [...FEATURE_NAMES];
  const silent = features.filter((name) => SILENT_INPUTS.includes(name) || columnMoments(rows, name).deviation === 0);
  forgetColumns(rows, silent);
  const { next: random } = seededRandom(seed);
  const scaler = fitScaler(features, rows);
  const n = features.length;
  const w1 = Float64Array.from({ length: hidden * n }, (_, i) =>
    silent.includes(features[i % n]) ? 0 : normal(random) * HIDDEN_SPREAD,
  );
  const passing = (name: (typeof FEATURE_NAMES)[number]): Network => {
    const at = features.indexOf(name);
    const linear = new Float64Array(n);
    linear[at] = scaler.scale[at];
    return {
      features,
      ...scaler,
      w1,
      b1: new Float64Array(hidden),
      w2: new Float64Array(hidden),
      b2: scaler.mean[at],
      linear,
    };
  };
  const start = passing("log_curve");
  const { network, epochs: reports } = trainNetwork(start, rows, {
    epochs,
    batch: BATCH,
    rate: RATE,
    decay: 0,
    validation: VALIDATION,
    random,
    onEpoch,
  });
  const report = {
    rows: rows.length,
    epochs: reports,
    estimator: evaluateNetwork(passing("log_expected"), rows),
    curves: evaluateNetwork(start, rows),
    network: evaluateNetwork(network, rows),
    silent,
  };
  return { network, report };
}
