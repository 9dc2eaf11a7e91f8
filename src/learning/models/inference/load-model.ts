/** Makes a model out of its files: how it is run depends on who made it. */
import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { version } from "../../../../package.json";
import { ModelFileError } from "../files/model-file-error.ts";
import type { ModelFiles } from "../files/model-files.ts";
import { INPUT_NAME, OUTPUT_NAME } from "../files/onnx/names.ts";
import { parseOnnx, readNetwork } from "../files/onnx/reader.ts";
import { writeOnnx } from "../files/onnx/writer.ts";
import { checkScores, tryModel } from "../files/trial-batch.ts";
import { forward, type Network } from "../network.ts";
import { NetworkModel } from "../network-model.ts";
import type { ScoreModel } from "../score-model.ts";
import { IsolatedModel, type IsolatedModelOptions } from "./isolated-model.ts";

/** Several times what the largest network that we train takes. */
const MOST_OWN_BYTES = 256 * 1024;

/**
 * Loads a model and tries it. One of our own networks is computed here; any other graph is run by onnxruntime in a process
 * of its own. Rejects with a `ModelFileError` for whatever is wrong with its files.
 */
export async function loadModel(files: ModelFiles, options: IsolatedModelOptions = {}): Promise<ScoreModel> {
  const { inputName = INPUT_NAME, outputName = OUTPUT_NAME } = options;
  const network = inputName === INPUT_NAME && outputName === OUTPUT_NAME ? ownNetwork(files) : null;
  if (network === null) return IsolatedModel.load(files, options);
  const n = network.features.length;
  await tryModel(files.paths.onnx, n, async (scaled, count) => {
    const scores = new Float32Array(count);
    for (let i = 0; i < count; i++) scores[i] = forward(network, scaled.subarray(i * n, (i + 1) * n));
    checkScores(scores);
  });
  return new NetworkModel(network);
}

/** The network, if the file is exactly what we write for it; `null` = it is somebody else's, or was changed. */
export function ownNetwork(files: ModelFiles): Network | null {
  if (files.onnx.length > MOST_OWN_BYTES) return null;
  try {
    const network = readNetwork(files);
    const model = parseOnnx(files.onnx, files.paths.onnx);
    model.producerVersion = version; // another one of ours may have written it
    return Buffer.from(toBinary(ModelProtoSchema, model)).equals(writeOnnx(network)) ? network : null;
  } catch (error) {
    if (error instanceof ModelFileError || error instanceof RangeError) return null;
    throw error;
  }
}
