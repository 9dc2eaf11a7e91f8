/** Networks in the learning store. */
import {
  encodeModelFiles,
  FEATURES_FILE,
  ONNX_FILE,
  readModelFiles,
  SCALER_FILE,
} from "../learning/model-files/model-files.ts";
import { readNetwork } from "../learning/model-files/onnx-reader.ts";
import type { Network } from "../learning/network.ts";
import type { StoredModelFiles } from "../storage/learning-store.ts";

/** The network of a stored model. Throws a `ModelFileError` when its files are wrong, or of a model made elsewhere. */
export function networkOf({ onnx, scalerJson, featuresJson }: StoredModelFiles, version: number): Network {
  const text = new TextEncoder();
  const path = (name: string) => `model ${version}, ${name}`;
  const contents = new Map([
    [path(ONNX_FILE), onnx],
    [path(SCALER_FILE), text.encode(scalerJson)],
    [path(FEATURES_FILE), text.encode(featuresJson)],
  ]);
  const paths = { onnx: path(ONNX_FILE), scaler: path(SCALER_FILE), features: path(FEATURES_FILE) };
  return readNetwork(readModelFiles(paths, (at) => contents.get(at)!));
}

/** The files to store. Throws a `RangeError` when the network's arrays do not fit together or are not finite. */
export function filesOf(network: Network): StoredModelFiles {
  return encodeModelFiles(network);
}
