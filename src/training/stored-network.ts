/** Networks in the learning store. */
import { readNetwork } from "../learning/model-files/onnx-reader.ts";
import { parseStoredFiles } from "../learning/model-files/stored-files.ts";
import type { Network } from "../learning/network.ts";
import type { StoredModelFiles } from "../storage/learning-store.ts";

/** The network of a stored model. Throws a `ModelFileError` when its files are wrong, or of a model made elsewhere. */
export function networkOf(files: StoredModelFiles, version: number): Network {
  return readNetwork(parseStoredFiles(files, version));
}
