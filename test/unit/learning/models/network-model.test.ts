import { expect, test } from "bun:test";
import { estimatorNetwork, NetworkModel } from "../../../../src/learning/models/network-model.ts";
import { randomNetwork } from "../../../support/networks.ts";
import { scoreModelContract } from "./contract.ts";

scoreModelContract("a network of our own", async () => new NetworkModel(randomNetwork(3)));
scoreModelContract("the estimator as a model", async () => new NetworkModel(estimatorNetwork()));

test("the estimator as a model says what the estimator says", async () => {
  const model = new NetworkModel(estimatorNetwork());
  expect(model.featureNames).toEqual(["log_expected"]);
  expect(await model.predict(Float64Array.of(-1.5, 0, 2.25), 3)).toEqual(Float32Array.of(-1.5, 0, 2.25));
});
