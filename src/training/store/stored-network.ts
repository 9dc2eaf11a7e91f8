/** Networks in the learning store. */
import { readNetwork } from "../../learning/models/files/onnx/reader.ts";
import { parseStoredFiles } from "../../learning/models/files/stored-files.ts";
import type { Network } from "../../learning/models/network.ts";
import type { StoredModelFiles } from "../../storage/learning-store.ts";

/** The network of a stored model. Throws a `ModelFileError` when its files are wrong, or of a model made elsewhere. */
export function networkOf(files: StoredModelFiles, version: number): Network {
  return readNetwork(parseStoredFiles(files, version));
}
