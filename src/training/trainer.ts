/**
 * Fits a network to training rows: Adam (Kingma & Ba 2015) on the gamma deviance with a logarithmic link, in which a
 * latency of twice the expectation counts the same on a fast fleet as on a slow one, and long latencies do not outweigh
 * all others as squares would let them.
 */
import { FEATURE_NAMES, type FeatureName } from "../learning/features/feature-names.ts";
import { FEATURE_COUNT } from "../learning/features/fleet-features.ts";
import { forward, INPUT_LIMIT, type Network } from "../learning/models/network.ts";
import { columnMoments } from "./column-moments.ts";
import type { TrainingRows } from "./rows.ts";

/** How a network is fitted. */
export interface TrainingOptions {
  readonly epochs: number;
  readonly batch: number;
  readonly rate: number;
  /** Pull of all weights towards those of the start, per row: what the rows say little of stays as it was. */
  readonly decay: number;
  /** To judge by: a share of the rows that is not learned from, 0 … 1, or rows apart from them. */
  readonly validation: number | TrainingRows;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called after each epoch. */
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** Mean deviance of an epoch, on the rows learned from and on those kept apart. */
export interface EpochReport {
  readonly epoch: number;
  readonly training: number;
  readonly validation: number;
}

/** A parameter vector is the network's arrays one behind the other. */
interface Shape {
  readonly inputs: number;
  readonly hidden: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** Outputs are kept within e^±12 of the fleet's mean: a network gone wild must not overflow. */
const OUTPUT_LIMIT = 12;

/** Trains a copy of `start`. Rows are scaled by its scaler. Deterministic for one stream of `random`. */
export function trainNetwork(
  start: Network,
  rows: TrainingRows,
  options: TrainingOptions,
): { readonly network: Network; readonly epochs: readonly EpochReport[] } {
  const { epochs, batch, rate, decay, validation, random } = options;
  const shape = { inputs: start.linear.length, hidden: start.b1.length };
  const data = scaledRows(start, rows);
  const order = shuffled(rows.length, random);
  const kept = typeof validation === "number" ? Math.floor(rows.length * validation) : 0;
  const learned = order.subarray(kept);
  const apart =
    typeof validation === "number"
      ? { rows, data, chosen: order.subarray(0, kept) }
      : { rows: validation, data: scaledRows(start, validation), chosen: allOf(validation) };

  const anchor = packNetwork(start);
  const parameters = anchor.slice();
  const gradient = new Float64Array(parameters.length);
  const m = new Float64Array(parameters.length);
  const v = new Float64Array(parameters.length);
  const hidden = new Float64Array(shape.hidden);
  const reports: EpochReport[] = [];
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(learned, random);
    let total = 0;
    let weights = 0;
    for (let from = 0; from < learned.length; from += batch) {
      const to = Math.min(from + batch, learned.length);
      gradient.fill(0);
      let batchWeight = 0;
      for (let i = from; i < to; i++) {
        const row = learned[i];
        const weight = rows.weight[row];
        total += weight * accumulate(parameters, shape, data, row, rows.target[row], weight, hidden, gradient);
        batchWeight += weight;
      }
      weights += batchWeight;
      if (batchWeight === 0) continue;
      step++;
      const correction = Math.sqrt(1 - BETA2 ** step) / (1 - BETA1 ** step);
      // The rate falls to a tenth along a cosine: the last steps average what the first found.
      const progress = (epoch - 1 + from / learned.length) / epochs;
      const stepRate = rate * (0.1 + 0.9 * 0.5 * (1 + Math.cos(Math.PI * progress))) * correction;
      for (let p = 0; p < parameters.length; p++) {
        const g = gradient[p] / batchWeight + decay * (parameters[p] - anchor[p]);
        m[p] = BETA1 * m[p] + (1 - BETA1) * g;
        v[p] = BETA2 * v[p] + (1 - BETA2) * g * g;
        parameters[p] -= (stepRate * m[p]) / (Math.sqrt(v[p]) + EPSILON);
      }
    }
    const report = {
      epoch,
      training: total / weights,
      validation: meanLoss(parameters, shape, apart.data, apart.rows, apart.chosen, hidden),
    };
    reports.push(report);
    options.onEpoch?.(report);
  }
  return { network: unpackNetwork(start, parameters), epochs: reports };
}

/** Mean deviance of a network over all rows. */
export function evaluateNetwork(network: Network, rows: TrainingRows): number {
  const shape = { inputs: network.linear.length, hidden: network.b1.length };
  const data = scaledRows(network, rows);
  return meanLoss(packNetwork(network), shape, data, rows, allOf(rows), new Float64Array(shape.hidden));
}

/** What a network says of each row, `[rows]`: the logarithm of the latency relative to the fleet's mean. */
export function predictRows(network: Network, rows: TrainingRows): Float64Array {
  const n = network.linear.length;
  const data = scaledRows(network, rows);
  return Float64Array.from({ length: rows.length }, (_, row) =>
    forward(network, data.subarray(row * n, (row + 1) * n)),
  );
}

/** Deviance of each row, `[rows]`. */
export function rowDeviances(network: Network, rows: TrainingRows): Float64Array {
  const shape = { inputs: network.linear.length, hidden: network.b1.length };
  const data = scaledRows(network, rows);
  const parameters = packNetwork(network);
  const hidden = new Float64Array(shape.hidden);
  return Float64Array.from({ length: rows.length }, (_, row) =>
    accumulate(parameters, shape, data, row, rows.target[row], 1, hidden, null),
  );
}

/** Loss and, added to `gradient`, its derivatives for one row. Exported for the check by finite differences. */
export function accumulate(
  parameters: Float64Array,
  { inputs, hidden: units }: Shape,
  data: Float32Array,
  row: number,
  target: number,
  weight: number,
  hidden: Float64Array,
  gradient: Float64Array | null,
): number {
  const at = row * inputs;
  const b1 = units * inputs;
  const w2 = b1 + units;
  const linear = w2 + units;
  const b2 = linear + inputs;
  let y = parameters[b2];
  for (let i = 0; i < inputs; i++) y += parameters[linear + i] * data[at + i];
  for (let unit = 0; unit < units; unit++) {
    let sum = parameters[b1 + unit];
    const w = unit * inputs;
    for (let i = 0; i < inputs; i++) {
      sum += parameters[w + i] * clip(data[at + i]);
    }
    hidden[unit] = Math.tanh(sum);
    y += parameters[w2 + unit] * hidden[unit];
  }
  const kept = Math.max(-OUTPUT_LIMIT, Math.min(OUTPUT_LIMIT, y));
  const ratio = target * Math.exp(-kept);
  // Half the unit deviance of the gamma distribution.
  const loss = kept + ratio - Math.log(target) - 1;
  if (gradient === null || kept !== y) return loss;
  const dy = weight * (1 - ratio);
  gradient[b2] += dy;
  for (let i = 0; i < inputs; i++) gradient[linear + i] += dy * data[at + i];
  for (let unit = 0; unit < units; unit++) {
    const h = hidden[unit];
    gradient[w2 + unit] += dy * h;
    const dSum = dy * parameters[w2 + unit] * (1 - h * h);
    gradient[b1 + unit] += dSum;
    const w = unit * inputs;
    for (let i = 0; i < inputs; i++) {
      gradient[w + i] += dSum * clip(data[at + i]);
    }
  }
  return loss;
}

function clip(x: number): number {
  return Math.max(-INPUT_LIMIT, Math.min(INPUT_LIMIT, x));
}

/** The parameters of a network one behind the other: w1, b1, w2, linear, b2. */
export function packNetwork({ w1, b1, w2, linear, b2 }: Network): Float64Array {
  return Float64Array.from([...w1, ...b1, ...w2, ...linear, b2]);
}

/** A network with the names and the scaler of `like`, and these parameters. */
export function unpackNetwork(like: Network, parameters: Float64Array): Network {
  const n = like.linear.length;
  const h = like.b1.length;
  let at = 0;
  const take = (length: number) => {
    at += length;
    return parameters.slice(at - length, at);
  };
  const w1 = take(h * n);
  const b1 = take(h);
  const w2 = take(h);
  const linear = take(n);
  return { ...like, w1, b1, w2, linear, b2: parameters[at] };
}

/**
 * The mean and standard deviation of each feature over rows. A feature that is unknown or the same everywhere gets scale 1
 * and its value as mean: it says nothing until it changes.
 */
export function fitScaler(features: readonly string[], rows: TrainingRows): Pick<Network, "mean" | "scale"> {
  const mean = new Float64Array(features.length);
  const scale = new Float64Array(features.length).fill(1);
  for (const [i, name] of features.entries()) {
    const { known, average, deviation } = columnMoments(rows, name);
    if (known > 0) mean[i] = average;
    if (deviation > 0) scale[i] = deviation;
  }
  return { mean, scale };
}

function scaledRows({ features, mean, scale }: Network, rows: TrainingRows): Float32Array {
  const n = features.length;
  const columns = features.map((name) => FEATURE_NAMES.indexOf(name as FeatureName));
  const data = new Float32Array(rows.length * n);
  for (let row = 0; row < rows.length; row++) {
    for (let i = 0; i < n; i++) {
      const value = (rows.features[row * FEATURE_COUNT + columns[i]] - mean[i]) / scale[i];
      data[row * n + i] = Number.isNaN(value) ? 0 : value;
    }
  }
  return data;
}

function meanLoss(
  parameters: Float64Array,
  shape: Shape,
  data: Float32Array,
  rows: TrainingRows,
  chosen: Int32Array,
  hidden: Float64Array,
): number {
  let total = 0;
  let weights = 0;
  for (const row of chosen) {
    total += rows.weight[row] * accumulate(parameters, shape, data, row, rows.target[row], 1, hidden, null);
    weights += rows.weight[row];
  }
  return weights > 0 ? total / weights : Number.NaN;
}

function allOf(rows: TrainingRows): Int32Array {
  return Int32Array.from({ length: rows.length }, (_, i) => i);
}

function shuffled(length: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  shuffle(order, random);
  return order;
}

/** Fisher & Yates. */
function shuffle(order: Int32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = (random() * (i + 1)) | 0;
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}
