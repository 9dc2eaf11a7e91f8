import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FEATURE_NAMES } from "../../../src/learning/features/feature-names.ts";
import { FEATURE_COUNT } from "../../../src/learning/features/fleet-features.ts";
import { encodeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import type { Network } from "../../../src/learning/models/network.ts";
import type { LearningReader, LearningStore, Sample, TrainingStore } from "../../../src/storage/learning-store.ts";
import { openLearningStore, openTrainingStore } from "../../../src/storage/open-store.ts";
import { reportPage } from "../../../src/training/report/html.ts";
import { FINE_TUNE_DEFAULTS, TooFewRowsError } from "../../../src/training/store/fine-tune.ts";
import { readSampleRows } from "../../../src/training/store/sample-rows.ts";
import { networkOf } from "../../../src/training/store/stored-network.ts";
import { proposeModel, SAMPLE_DEFAULTS, trainFromStore } from "../../../src/training/store/train-from-store.ts";
import { randomNetwork } from "../../support/networks.ts";
import { blankNetwork, column, syntheticRows, weightsOf } from "../../unit/training/support.ts";
import { at, scratch } from "../storage/store-fixture.ts";

const OPTIONS = { ...FINE_TUNE_DEFAULTS, ...SAMPLE_DEFAULTS, seed: 1 };
const HOUR_MS = 3600 * 1000;

function sample(changed: Partial<Sample>): Sample {
  return {
    pool: "default",
    atMs: 1_000_000,
    serverId: "http://server:80 10.0.0.1",
    arm: 0,
    modelVersion: 1,
    propensity: 1,
    features: new Float32Array(FEATURE_COUNT),
    latencyMs: 20,
    meanMs: 10,
    failed: false,
    ...changed,
  };
}

/** Samples of traffic in which the curves mean twice what the estimator makes of them. */
function traffic(count: number): Sample[] {
  const rows = syntheticRows(count, 1, (row) => 0.5 * row[column("log_curve")]);
  return Array.from({ length: count }, (_, i) =>
    sample({
      atMs: 1_000_000 + 10 * i,
      features: rows.features.slice(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT),
      latencyMs: rows.target[i] * 25,
      meanMs: 25,
      failed: i % 50 === 0,
      propensity: i % 10 === 0 ? 0.01 : 0.99,
    }),
  );
}

/** A store with these samples, seen by its owner and by a trainer. */
class Fixture {
  readonly #place = scratch();
  owner!: LearningStore;
  trainer!: TrainingStore;

  async open(samples: readonly Sample[]): Promise<this> {
    this.owner = (await openLearningStore(at(this.#place.path), { nowMs: () => 5_000_000 })).store;
    for (let i = 0; i < samples.length; i += 5000) {
      this.owner.appendSamples(samples.slice(i, i + 5000));
      await this.owner.flush();
    }
    this.trainer = openTrainingStore(at(this.#place.path));
    return this;
  }

  async close(): Promise<void> {
    await this.trainer.close();
    await this.owner.close();
    this.#place.remove();
  }
}

describe("rows from samples", () => {
  async function read(samples: readonly Sample[], options = SAMPLE_DEFAULTS) {
    const fixture = await new Fixture().open(samples);
    const result = await readSampleRows(fixture.trainer, options);
    await fixture.close();
    return result;
  }

  test("are in the order of time, with latencies relative to the fleet's mean", async () => {
    const { rows, fromMs, toMs } = await read([
      sample({ atMs: 100, latencyMs: 5 }),
      sample({ atMs: 200, latencyMs: 30, features: new Float32Array(FEATURE_COUNT).fill(7) }),
    ]);
    expect([...rows.target]).toEqual([0.5, 3]);
    expect(rows.features[FEATURE_COUNT]).toBe(7);
    expect([fromMs, toMs]).toEqual([100, 200]);
  });

  test("leave out failures and what has no latency to speak of", async () => {
    const { rows, failed, unusable } = await read([
      sample({}),
      sample({ failed: true }),
      sample({ meanMs: 0 }),
      sample({ failed: true }),
    ]);
    expect([rows.length, failed, unusable]).toEqual([1, 2, 1]);
  });

  test("leave out what a damaged store gives back", async () => {
    const damaged: Partial<Sample>[] = [
      { latencyMs: Number.NaN },
      { latencyMs: 1e300 },
      { latencyMs: null as unknown as number },
      { meanMs: 5e-324 },
      { meanMs: Number.POSITIVE_INFINITY },
      { propensity: 0 },
      { propensity: Number.NaN },
      { atMs: Number.NaN },
      { features: new Float32Array(FEATURE_COUNT - 1) },
      { features: new Float32Array(FEATURE_COUNT).fill(Number.POSITIVE_INFINITY) },
    ];
    const good = [
      sample({ atMs: 1000 }),
      sample({ atMs: 1001, features: new Float32Array(FEATURE_COUNT).fill(Number.NaN) }),
    ];
    const all = [...damaged.map((wrong) => sample(wrong)), ...good];
    const reader = {
      countSamples: async () => all.length,
      readSamples: async () => ({
        skippedRows: 0,
        pages: (async function* () {
          yield all;
        })(),
      }),
    } as Partial<LearningReader> as LearningReader;
    const { rows, unusable } = await readSampleRows(reader, SAMPLE_DEFAULTS);
    expect([rows.length, unusable]).toEqual([2, damaged.length]);
    expect([...rows.weight, ...rows.target].every(Number.isFinite)).toBe(true);
  });

  test("are the newest when there are more than are wanted", async () => {
    const many = Array.from({ length: 50 }, (_, i) => sample({ atMs: 1000 + i, latencyMs: 10 * (i + 1) }));
    const { rows, fromMs } = await read(many, { ...SAMPLE_DEFAULTS, rows: 3 });
    expect([...rows.target]).toEqual([48, 49, 50]);
    expect(fromMs).toBe(1047);
  });

  test("count by their propensity, up to ten times, and by their age; 1 on average", async () => {
    const { rows } = await read(
      [
        sample({ atMs: 1, propensity: 1 }),
        sample({ atMs: HOUR_MS + 1, propensity: 1 }),
        sample({ atMs: HOUR_MS + 1, propensity: 0.5 }),
        sample({ atMs: HOUR_MS + 1, propensity: 0.001 }),
      ],
      { ...SAMPLE_DEFAULTS, rows: 100, halfLifeMs: HOUR_MS },
    );
    const [old, plain, rare, rarest] = rows.weight;
    expect(old / plain).toBeCloseTo(0.5, 5);
    expect(rare / plain).toBeCloseTo(2, 5);
    expect(rarest / plain).toBeCloseTo(10, 5);
    expect(old + plain + rare + rarest).toBeCloseTo(4, 5);
  });

  test("of an empty store are none", async () => {
    const { rows, fromMs } = await read([]);
    expect(rows.length).toBe(0);
    expect(fromMs).toBeNull();
  });
});

describe("training on a store", () => {
  const shipped = (): Network => blankNetwork();
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await new Fixture().open(traffic(6000));
  });
  afterAll(() => fixture.close());

  test("begins with the shipped model, and is the same for the same seed", async () => {
    const { network, report } = await trainFromStore(fixture.trainer, shipped, OPTIONS);
    expect(report.start).toEqual({ version: null, note: null });
    expect(report.verdict).toBe("better");
    expect(report.samples).toMatchObject({ failed: 120, unusable: 0, skipped: 0 });
    expect(report.rows + report.heldOut).toBe(5880);
    expect(report.effectiveRows).toBeLessThan(report.rows);
    const again = await trainFromStore(fixture.trainer, shipped, OPTIONS);
    expect(weightsOf(again.network)).toEqual(weightsOf(network));
    expect(again.report).toEqual(report);
    const page = reportPage(report);
    expect(page).toContain(report.sentence);
    expect(page).toContain("the shipped model");
    expect(page).not.toContain("NaN");
  });

  test("leaves a candidate that reads back as what was trained; then the champion is trained further", async () => {
    const training = await trainFromStore(fixture.trainer, shipped, OPTIONS);
    const version = await proposeModel(fixture.trainer, training, 4_000_000);
    const model = (await fixture.trainer.model(version))!;
    expect(model).toMatchObject({
      status: "candidate",
      origin: "trained",
      parentVersion: null,
      createdAtMs: 4_000_000,
    });
    expect(model.report).toEqual(JSON.parse(JSON.stringify(training.report)));
    const kept = networkOf((await fixture.trainer.modelFiles(version))!, version);
    expect(weightsOf(kept).map(Math.fround)).toEqual(weightsOf(training.network).map(Math.fround));

    await fixture.owner.setModelStatus(version, "champion", 4_100_000);
    const further = await trainFromStore(fixture.trainer, shipped, OPTIONS);
    expect(further.report.start).toEqual({ version, note: null });
    expect(further.report.comparison.current).toBeCloseTo(training.report.comparison.trained, 5);
    const next = await proposeModel(fixture.trainer, further, 4_200_000);
    expect((await fixture.trainer.model(next))!.parentVersion).toBe(version);
  });

  test("begins with the shipped model, and says why, when the champion was made elsewhere", async () => {
    const files = { ...encodeModelFiles(randomNetwork(1)), onnx: Uint8Array.of(1, 2, 3) };
    const foreign = {
      pool: "default",
      createdAtMs: 1,
      origin: "file",
      parentVersion: null,
      status: "candidate",
      files,
      report: null,
    } as const;
    const version = await fixture.trainer.insertModel(foreign);
    await fixture.owner.setModelStatus(version, "champion", 4_300_000);
    const { report } = await trainFromStore(fixture.trainer, shipped, OPTIONS);
    expect(report.start.version).toBeNull();
    expect(report.start.note).toContain(`model ${version}, load_balancer.onnx`);
  });
});

test("too few samples: says how many there are, what was left out, and what to do", async () => {
  const fixture = await new Fixture().open([...traffic(100), sample({ failed: true })]);
  const training = trainFromStore(fixture.trainer, () => blankNetwork(), OPTIONS);
  await expect(training).rejects.toThrow(TooFewRowsError);
  await expect(training).rejects.toThrow("98 samples to learn from (3 failed, 0 unusable");
  await fixture.close();
});

test("a network is kept with all its features", () => {
  const network = randomNetwork(9);
  expect(networkOf(encodeModelFiles(network), 7).features).toEqual([...FEATURE_NAMES]);
  const broken = { ...encodeModelFiles(network), scalerJson: "{" };
  expect(() => networkOf(broken, 7)).toThrow("model 7, scaler.json: is no JSON");
});
