import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../src/balancing/random.ts";
import { FEATURE_NAMES } from "../../../src/learning/features/feature-names.ts";
import { forward } from "../../../src/learning/models/network.ts";
import { forgetColumns } from "../../../src/training/column-moments.ts";
import { TrainingRows } from "../../../src/training/rows.ts";
import {
  accumulate,
  evaluateNetwork,
  fitScaler,
  packNetwork,
  predictRows,
  rowDeviances,
  type TrainingOptions,
  trainNetwork,
  unpackNetwork,
} from "../../../src/training/trainer.ts";
import { randomNetwork } from "../../support/networks.ts";
import { blankNetwork, column, syntheticRows, weightsOf } from "./support.ts";

const CURVED = (row: Float64Array) =>
  0.6 * row[column("log_curve")] + 0.4 * Math.tanh(2 * row[column("log_silence")] - row[column("log_load")]) - 0.2;

function options(changed: Partial<TrainingOptions> = {}): TrainingOptions {
  return { epochs: 4, batch: 64, rate: 0.01, decay: 0, validation: 0.2, random: seededRandom(5).next, ...changed };
}

describe("the gradient", () => {
  const inputs = 5;
  const units = 3;
  const shape = { inputs, hidden: units };
  const { next } = seededRandom(11);
  const parameters = Float64Array.from({ length: units * inputs + 2 * units + inputs + 1 }, () => next() - 0.5);
  // The last input lies beyond what the hidden units see: there only the linear path has a slope.
  const data = Float32Array.of(0.3, -1.2, 0, 2.5, 7, -0.4, 0.9, 1.1, -3, -9);
  const kinds: readonly (readonly [name: string, from: number, count: number])[] = [
    ["hidden weights", 0, units * inputs],
    ["hidden biases", units * inputs, units],
    ["output weights", units * inputs + units, units],
    ["the linear path", units * inputs + 2 * units, inputs],
    ["the output bias", parameters.length - 1, 1],
  ];

  test.each(kinds)("of %s is what finite differences say", (_, from, count) => {
    for (const [row, target, weight] of [
      [0, 2.5, 1],
      [1, 0.1, 3],
    ]) {
      const gradient = new Float64Array(parameters.length);
      const hidden = new Float64Array(units);
      accumulate(parameters, shape, data, row, target, weight, hidden, gradient);
      const loss = (p: number, by: number) => {
        const moved = parameters.slice();
        moved[p] += by;
        return weight * accumulate(moved, shape, data, row, target, 1, hidden, null);
      };
      for (let p = from; p < from + count; p++) {
        const slope = (loss(p, 1e-5) - loss(p, -1e-5)) / 2e-5;
        expect(Math.abs(gradient[p] - slope)).toBeLessThan(1e-7 * Math.max(1, Math.abs(slope)));
      }
      expect(gradient.subarray(from, from + count).some((slope) => slope !== 0)).toBe(true);
    }
  });

  test("is added to what is there, and is none where the output is at its limit", () => {
    const hidden = new Float64Array(units);
    const once = new Float64Array(parameters.length);
    accumulate(parameters, shape, data, 0, 2, 1, hidden, once);
    const twice = once.slice();
    accumulate(parameters, shape, data, 0, 2, 1, hidden, twice);
    for (const [p, slope] of once.entries()) expect(twice[p]).toBeCloseTo(2 * slope, 12);
    const wild = parameters.slice();
    wild[wild.length - 1] = 100;
    const none = new Float64Array(parameters.length);
    expect(accumulate(wild, shape, data, 0, 2, 1, hidden, none)).toBeFinite();
    expect(none.every((slope) => slope === 0)).toBe(true);
  });
});

describe("training", () => {
  const rows = syntheticRows(6000, 1, CURVED);

  test("finds a function that the start knows nothing of, also on rows that it did not see", () => {
    const fresh = syntheticRows(4000, 2, CURVED);
    const start = blankNetwork();
    const { network, epochs } = trainNetwork(start, rows, options());
    // Latencies are exponential: below what the truth itself gets nobody can go.
    const best = evaluateNetwork(
      start,
      syntheticRows(4000, 2, () => 0),
    );
    const gain = evaluateNetwork(start, fresh) - evaluateNetwork(network, fresh);
    expect(gain).toBeGreaterThan(0.85 * (evaluateNetwork(start, fresh) - best));
    expect(epochs).toHaveLength(4);
    expect(epochs[3].validation).toBeLessThan(epochs[0].validation);
  });

  test("is the same for the same seed, another for another, and leaves the start alone", () => {
    const start = blankNetwork();
    const before = weightsOf(start);
    const once = trainNetwork(start, rows, options({ epochs: 1 })).network;
    expect(weightsOf(trainNetwork(start, rows, options({ epochs: 1 })).network)).toEqual(weightsOf(once));
    const other = trainNetwork(start, rows, options({ epochs: 1, random: seededRandom(6).next })).network;
    expect(weightsOf(other)).not.toEqual(weightsOf(once));
    expect(weightsOf(start)).toEqual(before);
  });

  test("is held back by decay", () => {
    const start = blankNetwork();
    const distance = (decay: number) => {
      const { network } = trainNetwork(start, rows, options({ epochs: 2, decay }));
      const from = packNetwork(start);
      return Math.hypot(...packNetwork(network).map((value, p) => value - from[p]));
    };
    expect(distance(10)).toBeLessThan(0.3 * distance(0));
  });

  test("may be judged by rows of one's own; then it learns from all of the others", () => {
    const apart = syntheticRows(1000, 3, CURVED);
    const { network, epochs } = trainNetwork(blankNetwork(), rows, options({ epochs: 2, validation: apart }));
    expect(epochs[1].validation).toBeCloseTo(evaluateNetwork(network, apart), 9);
  });

  test("rows of weight 0 teach nothing", () => {
    const mixed = new TrainingRows(2 * rows.length);
    mixed.append(rows);
    for (let i = 0; i < rows.length; i++) mixed.add(rowOf(rows, i), 1000, 0);
    const { network } = trainNetwork(blankNetwork(), mixed, options({ epochs: 2 }));
    expect(evaluateNetwork(network, rows)).toBeLessThan(evaluateNetwork(blankNetwork(), rows));
  });

  test("what is unknown in every row keeps its weights to the last bit", () => {
    const partly = syntheticRows(1000, 4, CURVED);
    forgetColumns(partly, ["log_factor"]);
    const start = blankNetwork();
    const { network } = trainNetwork(start, partly, options({ epochs: 1 }));
    const n = FEATURE_NAMES.length;
    const at = column("log_factor");
    expect(network.linear[at]).toBe(0);
    for (let unit = 0; unit < 8; unit++) expect(network.w1[unit * n + at]).toBe(start.w1[unit * n + at]);
  });
});

function rowOf(rows: TrainingRows, i: number): Float64Array {
  const n = FEATURE_NAMES.length;
  return Float64Array.from(rows.features.subarray(i * n, (i + 1) * n));
}

test("predictions are those of the network, and mean deviance the mean of each row's", () => {
  const network = randomNetwork(3);
  const rows = syntheticRows(200, 5, () => 0);
  const predicted = predictRows(network, rows);
  const scaled = rowOf(rows, 17).map((x, i) => (x - network.mean[i]) / network.scale[i]);
  expect(predicted[17]).toBeCloseTo(forward(network, scaled), 4);
  const deviances = rowDeviances(network, rows);
  expect(deviances.reduce((a, b) => a + b) / 200).toBeCloseTo(evaluateNetwork(network, rows), 9);
  const kept = Math.max(-12, Math.min(12, predicted[17]));
  const ratio = rows.target[17] / Math.exp(kept);
  expect(deviances[17]).toBeCloseTo(ratio - Math.log(ratio) - 1, 6);
});

test("parameters are packed and unpacked without loss", () => {
  const network = randomNetwork(4);
  expect(unpackNetwork(network, packNetwork(network))).toEqual(network);
});

describe("the scaler", () => {
  const names = ["cpu_usage", "log_load", "log_curve"] as const;
  function rowsOf(values: readonly (readonly number[])[]): TrainingRows {
    const rows = new TrainingRows(values.length);
    for (const value of values) {
      const row = new Float64Array(FEATURE_NAMES.length).fill(Number.NaN);
      for (const [i, name] of names.entries()) row[column(name)] = value[i];
      rows.add(row, 1);
    }
    return rows;
  }

  test("is the mean and standard deviation of what is known", () => {
    const { mean, scale } = fitScaler(
      names,
      rowsOf([
        [1, 2, Number.NaN],
        [3, 2, 5],
        [Number.NaN, 2, 9],
      ]),
    );
    expect([...mean]).toEqual([2, 2, 7]);
    expect([...scale]).toEqual([1, 1, 2]);
  });

  test("does not scale what is the same everywhere, rounding or not, nor what is unknown", () => {
    const { mean, scale } = fitScaler(names, rowsOf(Array.from({ length: 1000 }, () => [Number.NaN, 0.1, 1e6])));
    expect([...scale]).toEqual([1, 1, 1]);
    expect(mean[0]).toBe(0);
    expect(mean[1]).toBeCloseTo(0.1, 6);
    expect(mean[2]).toBe(1e6);
  });

  test("of no rows is neutral", () => {
    expect(fitScaler(names, rowsOf([]))).toEqual({ mean: new Float64Array(3), scale: new Float64Array(3).fill(1) });
  });

  test("names what it does not know", () => {
    expect(() => fitScaler(["log_lod"], rowsOf([[1, 2, 3]]))).toThrow('there is no feature "log_lod"');
  });
});
