import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTRACT_FEATURES } from "../../../../../src/learning/features/feature-names.ts";
import { ModelFileError } from "../../../../../src/learning/models/files/model-file-error.ts";
import { modelPaths, readModelFiles, writeModelFiles } from "../../../../../src/learning/models/files/model-files.ts";
import { readNetwork } from "../../../../../src/learning/models/files/onnx/reader.ts";
import { writeOnnx } from "../../../../../src/learning/models/files/onnx/writer.ts";
import type { Network } from "../../../../../src/learning/models/network.ts";
import { changedOnnx } from "../../../../support/model-graphs.ts";
import { randomNetwork } from "../../../../support/networks.ts";

const FIXTURE = join(import.meta.dir, "../../../../fixtures/pytorch-model");
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-model-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = () => readModelFiles(modelPaths(directory));

/** What reading complains about, without the directory. */
function complaint(run: () => unknown = read): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    return (error as Error).message.replaceAll(`${directory}/`, "");
  }
  throw new Error("nothing was wrong");
}

describe("a network on disk", () => {
  test("comes back with its names, its scaler and its weights as 32-bit floats", () => {
    const network = randomNetwork(1);
    writeModelFiles(directory, network);
    const again = readNetwork(read());
    const rounded = (values: Float64Array) => values.map(Math.fround);
    expect(again).toEqual({
      ...network,
      w1: rounded(network.w1),
      b1: rounded(network.b1),
      w2: rounded(network.w2),
      b2: Math.fround(network.b2),
      linear: rounded(network.linear),
    });
    // What came back is written as the same bytes: nothing is lost by going to and fro.
    expect(writeOnnx(again)).toEqual(writeOnnx(network));
  });

  test("leaves three files, in the contract's form, and no others", () => {
    const network = randomNetwork(1, 6);
    writeModelFiles(directory, randomNetwork(2));
    writeModelFiles(directory, network);
    expect(readdirSync(directory).sort()).toEqual(["inference_features.json", "load_balancer.onnx", "scaler.json"]);
    const json = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), "utf8"));
    expect(json("inference_features.json")).toEqual([...CONTRACT_FEATURES]);
    expect(json("scaler.json")).toEqual({ mean: [...network.mean], scale: [...network.scale] });
  });

  const wrong: readonly [string, Partial<Network>, string][] = [
    ["features", { features: ["cpu_usage"] }, "network.features: ends before place 2"],
    ["lengths", { linear: new Float64Array(5) }, "network.linear: has 5 entries"],
    ["a weight", { b2: Number.NaN }, "network.b2: entry 0 is NaN"],
    ["a weight beyond 32 bits", { b2: 1e39 }, "network.b2: entry 0 is 1e+39"],
    ["a scale", { scale: new Float64Array(6) }, "network.scale: entry 0 (cpu_usage) is 0: it must be above 0"],
    ["no hidden unit", { b1: new Float64Array(0) }, "network.b1: has no entry"],
  ];
  test.each(wrong)("is not written with wrong %s", (_, change, message) => {
    expect(() => writeModelFiles(directory, { ...randomNetwork(1, 6), ...change })).toThrow(message);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("a write that fails says so and leaves nothing half-written", () => {
    mkdirSync(join(directory, "load_balancer.onnx"));
    expect(() => writeModelFiles(directory, randomNetwork(1))).toThrow("directory");
    expect(readdirSync(directory).filter((name) => name.includes("tmp"))).toEqual([]);
    expect(() => writeModelFiles(join(directory, "scaler.json"), randomNetwork(1))).toThrow();
  });
});

describe("reading", () => {
  const put = (name: string, content: unknown) =>
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));

  beforeEach(() => {
    writeModelFiles(directory, randomNetwork(1, 6));
  });

  test.each([
    ["inference_features.json", "[", "is no JSON ("],
    ["inference_features.json", "{}", 'expected array, received object; it must be a list of names: ["cpu_usage", …]'],
    ["inference_features.json", [1], "0: invalid input: expected string"],
    [
      "inference_features.json",
      ["cpu_usage", "memory_usage", "active_cons", "error_rate", "response_p95", "capacity"],
      'names no known feature: "active_cons" (did you mean active_conns?); known are cpu_usage, memory_usage,',
    ],
    [
      "inference_features.json",
      ["memory_usage", "cpu_usage", "active_conns", "error_rate", "response_p95", "capacity"],
      "has memory_usage at place 1: the first six must be cpu_usage, memory_usage, active_conns, error_rate, response_p95, capacity, in this order",
    ],
    ["inference_features.json", CONTRACT_FEATURES.slice(0, 5), "ends before place 6: the first six must be"],
    ["inference_features.json", [...CONTRACT_FEATURES, "capacity"], "names capacity twice"],
    ["scaler.json", "mean", "is no JSON ("],
    ["scaler.json", { mean: [0] }, 'scale: invalid input: expected array, received undefined; it must be {"mean"'],
    ["scaler.json", { mean: [0], scale: [null] }, "scale.0: invalid input: expected number, received null"],
    ["scaler.json", '{"mean": [1e999], "scale": []}', "mean.0: invalid input: expected number, received Infinity"],
    [
      "scaler.json",
      { mean: [0], scale: [1, 1, 1, 1, 1, 1] },
      '"mean" has 1 numbers and inference_features.json names 6 features: both must be as many, in the same order',
    ],
    [
      "scaler.json",
      { mean: [0, 0, 0, 0, 0, 0], scale: [1, 0, 1, 1, 1, 1] },
      '"scale" has 0 for memory_usage: it must be above 0',
    ],
    [
      "scaler.json",
      { mean: [0, 0, 0, 0, 0, 0], scale: [1, 1, 5e-324, 1, 1, 1] },
      '"scale" has 5e-324 for active_conns: it must be a number from 1e-30 to 1e+30',
    ],
    [
      "scaler.json",
      { mean: [0, 0, 0, -1e300, 0, 0], scale: [1, 1, 1, 1, 1, 1] },
      '"mean" has -1e+300 for error_rate: it must be a number from -1e+30 to 1e+30',
    ],
  ])("%s %j: %s", (name, content, message) => {
    put(name, content);
    const said = complaint();
    expect(said).toStartWith(`${name}: `);
    expect(said).toContain(message);
  });

  test.each(["load_balancer.onnx", "scaler.json", "inference_features.json"])("%s must be there", (name) => {
    rmSync(join(directory, name));
    expect(complaint()).toBe(
      `${name}: there is no such file: a model is load_balancer.onnx, scaler.json and inference_features.json`,
    );
  });

  test("the files may be elsewhere: an ONNX file by its name, and a scaler of its own", () => {
    const onnx = join(directory, "load_balancer.onnx");
    expect(modelPaths(onnx)).toEqual(modelPaths(directory));
    const scaler = join(directory, "other.json");
    put("other.json", { mean: [9, 9, 9, 9, 9, 9], scale: [1, 1, 1, 1, 1, 1] });
    expect(readModelFiles(modelPaths(onnx, scaler)).mean[0]).toBe(9);
  });

  test("a path that does not exist yet is taken for what it will be", () => {
    expect(modelPaths("/models/now").onnx).toBe("/models/now/load_balancer.onnx");
    expect(modelPaths("/models/now.onnx").onnx).toBe("/models/now.onnx");
  });
});

describe("a network read back for training", () => {
  const foreign = (change: Parameters<typeof changedOnnx>[1]) => {
    const network = randomNetwork(1, 6);
    writeModelFiles(directory, network);
    writeFileSync(join(directory, "load_balancer.onnx"), changedOnnx(network, change));
    return complaint(() => readNetwork(read()));
  };

  test("cannot be one made elsewhere", () => {
    expect(complaint(() => readNetwork(readModelFiles(modelPaths(FIXTURE))))).toEndWith(
      'load_balancer.onnx: is no network of neurabalancer (its producer is "pytorch"): it can be used for predictions, but not be trained further',
    );
  });

  test("cannot be one without our tensors", () => {
    const missing = foreign((model) => {
      model.graph!.initializer = model.graph!.initializer.filter(({ name }) => name !== "linear.weight");
    });
    expect(missing).toContain("it has no tensor linear.weight");
    const shaped = foreign((model) => {
      model.graph!.initializer.find(({ name }) => name === "hidden.weight")!.dims = [6n, 12n];
    });
    expect(shaped).toContain("its tensor hidden.weight is not float32 [12, 6]");
  });
});
