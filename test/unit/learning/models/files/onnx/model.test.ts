import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTRACT_FEATURES } from "../../../../../../src/learning/features/feature-names.ts";
import {
  type ModelFiles,
  modelPaths,
  readModelFiles,
} from "../../../../../../src/learning/models/files/model-files.ts";
import { OnnxModel, type OnnxModelOptions } from "../../../../../../src/learning/models/files/onnx/model.ts";
import { writeOnnx } from "../../../../../../src/learning/models/files/onnx/writer.ts";
import { forward, type Network, scaleRow } from "../../../../../../src/learning/models/network.ts";
import { changedOnnx, fixDimension, setMetadata, setWeight } from "../../../../../support/model-graphs.ts";
import { randomNetwork, randomRows, seeded } from "../../../../../support/networks.ts";

const FIXTURE = join(import.meta.dir, "../../../../../fixtures/pytorch-model");

function filesOf(network: Network, onnx: Uint8Array = writeOnnx(network)): ModelFiles {
  return {
    paths: modelPaths("/models"),
    onnx,
    features: network.features,
    mean: [...network.mean],
    scale: [...network.scale],
  };
}

/** What the trainer's own forward pass says. */
function expected(network: Network, rows: Float64Array): number[] {
  const n = network.features.length;
  return Array.from({ length: rows.length / n }, (_, r) => {
    const row = rows.slice(r * n, (r + 1) * n);
    scaleRow(network, row);
    return forward(network, row);
  });
}

describe("our own network in onnxruntime", () => {
  test.each([
    [1, 20, 12],
    [2, 6, 1],
    [3, 20, 16],
    [4, 13, 8],
  ])("gives what the forward pass gives, within 1e-5 (seed %d, %d features, %d hidden units)", async (seed, n, h) => {
    const network = randomNetwork(seed, n, h);
    const model = await OnnxModel.load(filesOf(network));
    try {
      expect(model.outputKind).toBe("log_relative_cost");
      expect(model.featureNames).toEqual(network.features);
      for (const count of [1, 10, 640, 4096]) {
        const rows = randomRows(network, count, seed + count);
        const scores = await model.predict(rows, count);
        const wanted = expected(network, rows);
        const worst = Math.max(...wanted.map((score, i) => Math.abs(score - scores[i])));
        expect(scores.length).toBe(count);
        expect(worst).toBeLessThan(1e-5);
      }
    } finally {
      await model.release();
    }
  });

  test("what is unknown counts as the mean", async () => {
    const network = randomNetwork(5, 6);
    const model = await OnnxModel.load(filesOf(network));
    const unknown = await model.predict(new Float64Array(6).fill(Number.NaN), 1);
    expect(unknown).toEqual(await model.predict(network.mean, 1));
    await model.release();
  });

  test("calls at once are answered each with its own, from rows that are read before the call returns", async () => {
    const network = randomNetwork(6, 6);
    const model = await OnnxModel.load(filesOf(network));
    const row = new Float64Array(6);
    const calls = Array.from({ length: 20 }, (_, i) => {
      row.fill(i);
      return model.predict(row, 1);
    });
    const alone: number[] = [];
    for (let i = 0; i < 20; i++) alone.push((await model.predict(new Float64Array(6).fill(i), 1))[0]);
    expect((await Promise.all(calls)).map(([score]) => score)).toEqual(alone);
    await model.release();
  });

  test("release waits for what was asked; nothing more can be", async () => {
    const model = await OnnxModel.load(filesOf(randomNetwork(7, 6)));
    const last = model.predict(new Float64Array(6), 1);
    await Promise.all([model.release(), model.release()]);
    expect((await last).length).toBe(1);
    await expect(model.predict(new Float64Array(6), 1)).rejects.toThrow("released");
  });

  test.each([
    [0, 0],
    [1.5, 9],
    [2, 6],
  ])("%d rows in %d numbers are an error of the caller", async (count, length) => {
    const model = await OnnxModel.load(filesOf(randomNetwork(8, 6)));
    await expect(model.predict(new Float64Array(length), count)).rejects.toThrow(RangeError);
    await model.release();
  });
});

describe("a model that must not go into service", () => {
  const network = randomNetwork(9, 6);
  const rejection = async (onnx: Uint8Array, options?: OnnxModelOptions): Promise<string> => {
    try {
      await (await OnnxModel.load(filesOf(network, onnx), options)).release();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("it loaded");
  };

  test("no ONNX at all", async () => {
    expect(await rejection(new TextEncoder().encode("<html>not found</html>"))).toStartWith(
      "/models/load_balancer.onnx: is no ONNX file (",
    );
    expect(await rejection(new Uint8Array())).toContain("it holds no graph");
    expect(await rejection(writeOnnx(network).subarray(0, 300))).toStartWith("/models/load_balancer.onnx: is no ONNX");
  });

  test("operators that onnxruntime does not know", async () => {
    const onnx = changedOnnx(network, ({ graph }) => {
      graph!.node[2].opType = "Tanhh";
    });
    expect(await rejection(onnx)).toContain("/models/load_balancer.onnx: onnxruntime cannot load it: ");
  });

  test.each([
    [
      "an input of another name",
      { inputName: "x" },
      "has no input named x, only features: export it under that name, or set MODEL_INPUT_NAME",
    ],
    [
      "an output of another name",
      { outputName: "y" },
      "has no output named y, only predicted_score: export it under that name, or set MODEL_OUTPUT_NAME",
    ],
  ])("%s", async (_, options, message) => {
    expect(await rejection(writeOnnx(network), options)).toBe(`/models/load_balancer.onnx: ${message}`);
  });

  test("other numbers of features", async () => {
    const onnx = writeOnnx(randomNetwork(9, 7));
    expect(await rejection(onnx)).toBe(
      "/models/load_balancer.onnx: input features is [batch, 7] of float32 and /models/inference_features.json names 6 features: it must be [batch, 6] of float32 with a batch of any size",
    );
  });

  test("a batch of fixed size, and an output that is no column", async () => {
    const fixed = changedOnnx(network, (model) => fixDimension(model, "input", 0, 1));
    expect(await rejection(fixed)).toContain("input features is [1, 6] of float32: it must be [batch, 6]");
    const wide = changedOnnx(network, (model) => {
      // All of the hidden layer as the output.
      model.graph!.output[0].name = "activated";
      fixDimension(model, "output", 1, 12);
    });
    expect(await rejection(wide, { outputName: "activated" })).toContain(
      "output activated is [batch, 12] of float32: it must be [batch, 1]",
    );
  });

  test("scores that are no numbers, on a trial batch", async () => {
    const poisoned = changedOnnx(network, (model) => setWeight(model, "linear.weight", Number.NaN));
    expect(await rejection(poisoned)).toMatch(/fails on a trial batch \(.*\): the score of row 0 is NaN/);
    const far = changedOnnx(network, (model) => setWeight(model, "linear.weight", 3e38));
    expect(await rejection(far)).toMatch(/the score of row \d is -?Infinity/);
  });

  test("an output of unknown meaning", async () => {
    const onnx = changedOnnx(network, (model) => setMetadata(model, "neurabalancer.output", "dollars"));
    expect(await rejection(onnx)).toContain('neurabalancer.output="dollars": it must be score or log_relative_cost');
  });
});

describe("a model made by PyTorch", () => {
  let model: OnnxModel;
  beforeAll(async () => {
    model = await OnnxModel.load(FIXTURE);
  });
  afterAll(() => model.release());

  test("loads from its directory or by its file, and gives scores of its own meaning", async () => {
    expect(model.featureNames).toEqual([...CONTRACT_FEATURES]);
    expect(model.outputKind).toBe("score");
    await (await OnnxModel.load(join(FIXTURE, "load_balancer.onnx"))).release();
  });

  test("ranks loaded, slow, failing and small servers worse", async () => {
    const fine = [30, 50, 4, 0, 60, 10];
    const rows = [
      fine,
      [95, 50, 4, 0, 60, 10], // busy
      [30, 50, 15, 0, 60, 10], // loaded
      [30, 50, 4, 0.5, 60, 10], // failing
      [30, 50, 4, 0, 300, 10], // slow
      [30, 50, 4, 0, 60, 4], // small
    ];
    const [best, ...others] = await model.predict(Float64Array.from(rows.flat()), rows.length);
    for (const score of others) expect(score).toBeGreaterThan(best * 1.05);
  });

  test("the batch may have any size", async () => {
    const random = seeded(3);
    const rows = Float64Array.from({ length: 4096 * 6 }, () => random() * 50);
    const scores = await model.predict(rows, 4096);
    const alone = await model.predict(rows.slice(6 * 777, 6 * 778), 1);
    expect(scores[777]).toBeCloseTo(alone[0], 3);
  });
});

describe("features", () => {
  test("go in by name: a model whose columns stand in another order gives the same scores", async () => {
    const network = randomNetwork(11);
    const n = network.features.length;
    const order = [...CONTRACT_FEATURES.keys(), ...Array.from({ length: n - 6 }, (_, i) => n - 1 - i)];
    const by = (values: Float64Array) => Float64Array.from(order, (from) => values[from]);
    const permuted: Network = {
      ...network,
      features: order.map((from) => network.features[from]),
      mean: by(network.mean),
      scale: by(network.scale),
      linear: by(network.linear),
      w1: Float64Array.from({ length: network.w1.length }, (_, i) => {
        const unit = Math.floor(i / n);
        return network.w1[unit * n + order[i % n]];
      }),
    };
    const [one, other] = [await OnnxModel.load(filesOf(network)), await OnnxModel.load(filesOf(permuted))];
    const rows = randomRows(network, 50, 1);
    /** Fills rows for a model as its host does: each column by its name. */
    const rowsFor = (model: OnnxModel) =>
      Float64Array.from({ length: rows.length }, (_, i) => {
        const from = network.features.indexOf(model.featureNames[i % n]);
        return rows[Math.floor(i / n) * n + from];
      });
    const [scores, same] = [await one.predict(rowsFor(one), 50), await other.predict(rowsFor(other), 50)];
    for (let i = 0; i < 50; i++) expect(same[i]).toBeCloseTo(scores[i], 5);
    // By place they would not be the same.
    expect(Math.abs((await other.predict(rows, 50))[0] - scores[0])).toBeGreaterThan(1e-3);
    await Promise.all([one.release(), other.release()]);
  });

  test("a directory with the names in another order than the contract's is refused", () => {
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-model-"));
    try {
      const names = CONTRACT_FEATURES.toReversed();
      writeFileSync(join(directory, "load_balancer.onnx"), writeOnnx(randomNetwork(1, 6)));
      writeFileSync(join(directory, "inference_features.json"), JSON.stringify(names));
      expect(() => readModelFiles(modelPaths(directory))).toThrow("the first six must be");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
