import { describe, expect, test } from "bun:test";
import { FEATURE_NAMES } from "../../../../src/learning/features/feature-names.ts";
import { FEATURE_COUNT } from "../../../../src/learning/features/fleet-features.ts";
import type { Network } from "../../../../src/learning/models/network.ts";
import { checkTrained, TrainingError } from "../../../../src/training/check-trained.ts";
import { compareDeviance } from "../../../../src/training/deviance-comparison.ts";
import { featureShift } from "../../../../src/training/feature-shift.ts";
import { calibrate } from "../../../../src/training/report/calibration.ts";
import { TrainingRows } from "../../../../src/training/rows.ts";
import { FINE_TUNE_DEFAULTS, fineTune, TooFewRowsError } from "../../../../src/training/store/fine-tune.ts";
import { predictRows } from "../../../../src/training/trainer.ts";
import { blankNetwork, column, syntheticRows, weightsOf } from "../support.ts";

const OPTIONS = { ...FINE_TUNE_DEFAULTS, seed: 1 };
const truth = (row: Float64Array) => 0.5 * row[column("log_curve")] + 0.3 * row[column("log_silence")];

/** Knows half of the truth. */
function start(): Network {
  const network = blankNetwork();
  network.linear[column("log_curve")] = 0.5;
  return network;
}

/** Says the truth, or that much more. */
function knowing(more = 0): Network {
  const network = start();
  network.linear[column("log_silence")] = 0.3;
  return { ...network, b2: more };
}

describe("fine-tuning", () => {
  test("finds what the network did not know, and is sure of it", () => {
    const { network, report } = fineTune(start(), syntheticRows(8000, 1, truth), OPTIONS);
    expect(report.verdict).toBe("better");
    expect(report.sentence).toStartWith("The trained model predicts better than the current one: mean deviance ");
    expect([report.rows, report.heldOut, report.effectiveRows]).toEqual([6400, 1600, 6400]);
    expect(network.linear[column("log_silence")]).toBeGreaterThan(0.05);
    expect(report.epochs).toHaveLength(OPTIONS.epochs);
    expect(report.comparison.trained).toBeCloseTo(report.epochs[OPTIONS.epochs - 1].validation, 6);
  });

  test("says that there is nothing to find where there is nothing", () => {
    const { report } = fineTune(knowing(), syntheticRows(4000, 2, truth), OPTIONS);
    expect(report.verdict).not.toBe("better");
  });

  test("is worse, and says so, when the newest rows contradict the older ones", () => {
    const older = syntheticRows(4000, 3, () => 1.5);
    const newer = syntheticRows(1000, 4, truth);
    const rows = new TrainingRows(5000);
    rows.append(older);
    rows.append(newer);
    expect(fineTune(knowing(), rows, { ...OPTIONS, rate: 0.01 }).report.verdict).toBe("worse");
  });

  test("holds out the newest rows, not random ones", () => {
    const rows = new TrainingRows(5000);
    rows.append(syntheticRows(4000, 5, truth));
    rows.append(syntheticRows(1000, 6, (row) => truth(row) + 2));
    const { report } = fineTune(start(), rows, OPTIONS);
    for (const { predicted, observed } of report.calibration.trained) expect(observed).toBeGreaterThan(2 * predicted);
  });

  test("is the same for the same seed, and leaves the start alone", () => {
    const network = start();
    const before = weightsOf(network);
    const once = fineTune(network, syntheticRows(3000, 7, truth), OPTIONS);
    const again = fineTune(network, syntheticRows(3000, 7, truth), OPTIONS);
    expect(weightsOf(again.network)).toEqual(weightsOf(once.network));
    expect(again.report).toEqual(once.report);
    expect(weightsOf(network)).toEqual(before);
  });

  test("too few rows are an error of their own", () => {
    const few = () => fineTune(start(), syntheticRows(1999, 1, truth), OPTIONS);
    expect(few).toThrow(TooFewRowsError);
    expect(few).toThrow("there are 1999 rows to learn from, and 2000 are needed");
  });

  test("a training that runs away is an error", () => {
    expect(() => fineTune(start(), syntheticRows(2000, 1, truth), { ...OPTIONS, rate: 1e4 })).toThrow(TrainingError);
  });
});

describe("inputs that the network does not listen to", () => {
  const percent = (row: Float64Array) => 50 + 20 * row[column("cpu_usage")];
  /** CPU usage in percent decides, and the network has never heard of it. */
  function rows(): TrainingRows {
    const made = syntheticRows(6000, 8, (row) => 0.5 * row[column("cpu_usage")]);
    for (let i = 0; i < made.length; i++) {
      const row = Float64Array.from(made.features.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT));
      made.features[i * FEATURE_COUNT + column("cpu_usage")] = percent(row);
      made.features[i * FEATURE_COUNT + column("memory_usage")] = 40;
    }
    return made;
  }
  function deaf(): Network {
    const network = blankNetwork();
    for (const name of ["cpu_usage", "memory_usage", "active_conns", "response_p95", "capacity"] as const) {
      for (let unit = 0; unit < 8; unit++) network.w1[unit * FEATURE_COUNT + column(name)] = 0;
    }
    return network;
  }

  test("are scaled to the rows and learned", () => {
    const { network, report } = fineTune(deaf(), rows(), OPTIONS);
    const at = column("cpu_usage");
    expect(network.mean[at]).toBeCloseTo(50, -0.5);
    expect(network.scale[at]).toBeCloseTo(20, -0.5);
    expect(network.linear[at]).toBeGreaterThan(0.05);
    expect(report.verdict).toBe("better");
  });

  test("stay without a say when they never change or are bound to a scale", () => {
    const { network } = fineTune(deaf(), rows(), OPTIONS);
    for (const name of ["memory_usage", "active_conns", "response_p95", "capacity"] as const) {
      const at = column(name);
      expect(network.linear[at]).toBe(0);
      for (let unit = 0; unit < 8; unit++) expect(network.w1[unit * FEATURE_COUNT + at]).toBe(0);
    }
  });
});

describe("the comparison", () => {
  const rows = syntheticRows(3000, 9, truth);

  test("of a network with itself is 0", () => {
    const { difference, low, high } = compareDeviance(knowing(), knowing(), rows, 1);
    expect([difference, low, high]).toEqual([0, 0, 0]);
  });

  test("has the difference within its interval, and the other way round the other sign", () => {
    const there = compareDeviance(start(), knowing(), rows, 1);
    const back = compareDeviance(knowing(), start(), rows, 1);
    expect(there.difference).toBeCloseTo(there.trained - there.current, 12);
    expect(there.low).toBeLessThan(there.difference);
    expect(there.high).toBeGreaterThan(there.difference);
    expect(there.high).toBeLessThan(0);
    expect(back.difference).toBeCloseTo(-there.difference, 12);
  });

  test("covers no difference about as often as it says", () => {
    // Two networks that are wrong by the same in opposite directions, so that their deviances differ by chance alone.
    let wrong = 0;
    for (let seed = 0; seed < 100; seed++) {
      const few = syntheticRows(400, 100 + seed, () => 0);
      // E[deviance] of y: y + e^-y; equal for these two values.
      const { low, high } = compareDeviance(
        { ...blankNetwork(), b2: 0.2 },
        { ...blankNetwork(), b2: -0.187602 },
        few,
        1,
      );
      if (low > 0 || high < 0) wrong++;
    }
    expect(wrong).toBeLessThan(15);
    expect(wrong).toBeGreaterThan(0);
  });

  test("counts rows by their weight", () => {
    const weighted = syntheticRows(2, 1, () => 0);
    weighted.weight.set([1, 0]);
    const alone = weighted.part(0, 1);
    const both = compareDeviance(start(), knowing(), weighted, 1);
    expect(both.current).toBeCloseTo(compareDeviance(start(), knowing(), alone, 1).current, 12);
  });
});

describe("calibration", () => {
  test("of the truth is on the diagonal, of a network that exaggerates below it", () => {
    const rows = syntheticRows(20_000, 10, truth);
    for (const { rows: count, predicted, observed } of calibrate(knowing(), rows)) {
      expect(count).toBe(2000);
      expect(Math.abs(observed / predicted - 1)).toBeLessThan(0.12);
    }
    for (const { predicted, observed } of calibrate(knowing(1), rows)) expect(observed).toBeLessThan(0.6 * predicted);
  });

  test("goes from the lowest predictions to the highest", () => {
    const rows = syntheticRows(1000, 11, truth);
    const predicted = calibrate(knowing(), rows).map((bin) => bin.predicted);
    expect(predicted).toEqual([...predicted].sort((a, b) => a - b));
    expect(calibrate(knowing(), rows.part(0, 3))).toHaveLength(3);
    expect(calibrate(knowing(), rows.part(0, 1))[0].predicted).toBeCloseTo(
      Math.exp(predictRows(knowing(), rows)[0]),
      6,
    );
  });
});

test("the shift of an input is in standard deviations of the scaler", () => {
  const rows = syntheticRows(2000, 12, truth);
  for (let i = 0; i < rows.length; i++) {
    rows.features[i * FEATURE_COUNT + column("log_load")] += 3;
    rows.features[i * FEATURE_COUNT + column("capacity")] = Number.NaN;
    if (i % 2 === 0) rows.features[i * FEATURE_COUNT + column("cpu_usage")] = Number.NaN;
  }
  const network = blankNetwork();
  network.scale[column("log_load")] = 0.5;
  const shift = featureShift(network, rows);
  expect(shift.map(({ feature }) => feature)).toEqual([...FEATURE_NAMES]);
  expect(shift[column("log_load")].shift).toBeCloseTo(6, 0);
  expect(shift[column("log_load")].spread).toBeCloseTo(2, 0);
  expect(shift[column("capacity")]).toEqual({ feature: "capacity", shift: null, spread: null, unknown: 1 });
  expect(shift[column("cpu_usage")].unknown).toBe(0.5);
});

describe("the last look", () => {
  test.each([
    ["a weight that is no number", (network: Network) => network.w1.fill(Number.NaN, 3, 4), "network.w1"],
    ["a weight beyond 32 bits", (network: Network) => network.linear.fill(1e39, 2, 3), "network.linear"],
    ["an absurd answer", (network: Network) => network.linear.fill(2, 7, 8), "log_curve at -20"],
  ])("finds %s", (_, spoil, where) => {
    const network = blankNetwork();
    checkTrained(network);
    spoil(network);
    expect(() => checkTrained(network)).toThrow(where);
    expect(() => checkTrained(network)).toThrow(TrainingError);
  });
});
