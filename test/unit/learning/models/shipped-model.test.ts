import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FEATURE_NAMES, OWN_FEATURES } from "../../../../src/learning/features/feature-names.ts";
import { OnnxModel } from "../../../../src/learning/models/files/onnx/model.ts";
import { forward, scaleRow } from "../../../../src/learning/models/network.ts";
import { readShippedNetwork, SHIPPED_MODEL_DIRECTORY } from "../../../../src/learning/models/shipped-model.ts";
import { parsePolicy } from "../../../../src/simulator/policy.ts";
import { builtInScenario } from "../../../../src/simulator/scenarios.ts";
import { runSimulation } from "../../../../src/simulator/simulation.ts";
import { mean } from "../../../../src/simulator/statistics.ts";
import { randomRows } from "../../../support/networks.ts";

const network = readShippedNetwork();

test("it takes every feature that the learner computes", () => {
  expect(network.features).toEqual([...FEATURE_NAMES]);
});

test.each(["active_conns", "response_p95", "capacity"])("it is free of scale: %s has no say", (name) => {
  const n = network.features.length;
  const column = network.features.indexOf(name);
  expect(network.linear[column]).toBe(0);
  expect(network.w1.filter((_, i) => i % n === column).every((weight) => weight === 0)).toBe(true);
});

test("its own features have a say", () => {
  expect(OWN_FEATURES.some((name) => network.linear[network.features.indexOf(name)] !== 0)).toBe(true);
});

describe("its ONNX file", () => {
  let model: OnnxModel;
  beforeAll(async () => {
    model = await OnnxModel.load(SHIPPED_MODEL_DIRECTORY);
  });
  afterAll(() => model.release());

  test("says what the network says, to 1e-5", async () => {
    const count = 500;
    const n = network.features.length;
    const rows = randomRows(network, count, 3);
    const scores = await model.predict(rows, count);
    for (let i = 0; i < count; i++) {
      const row = rows.slice(i * n, (i + 1) * n);
      scaleRow(network, row);
      const expected = forward(network, row);
      expect(Math.abs(scores[i] - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
    }
    expect(model.outputKind).toBe("log_relative_cost");
  });
});

test("it routes: unequal servers are found out without being told of", () => {
  const unequal = builtInScenario("unequal-speed");
  const options = { requests: 20_000, seed: 4, warmUpMs: 1000 };
  const run = (name: string) => runSimulation(unequal, parsePolicy(name, network), options);
  const { latenciesMs, sent, failed } = run("ml");
  expect(failed).toBe(0);
  expect(mean(latenciesMs)).toBeLessThan(0.97 * mean(run("least_connections").latenciesMs));
  expect(sent[0]).toBeGreaterThan(2 * sent[9]);
});
