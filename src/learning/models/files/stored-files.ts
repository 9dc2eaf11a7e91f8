/** The three files of a model that lie in the store instead of on disk. */
import type { StoredModelFiles } from "../../../storage/learning-store.ts";
import { FEATURES_FILE, type ModelFiles, ONNX_FILE, readModelFiles, SCALER_FILE } from "./model-files.ts";

/** Reads and checks them. Throws a `ModelFileError` that names the file of that version that is wrong. */
export function parseStoredFiles({ onnx, scalerJson, featuresJson }: StoredModelFiles, version: number): ModelFiles {
  const text = new TextEncoder();
  const path = (name: string) => `model ${version}, ${name}`;
  const contents = new Map([
    [path(ONNX_FILE), onnx],
    [path(SCALER_FILE), text.encode(scalerJson)],
    [path(FEATURES_FILE), text.encode(featuresJson)],
  ]);
  const paths = { onnx: path(ONNX_FILE), scaler: path(SCALER_FILE), features: path(FEATURES_FILE) };
  return readModelFiles(paths, (at) => contents.get(at)!);
}

/** Files on disk as the store keeps them. */
export function toStoredFiles({ onnx, features, mean, scale }: ModelFiles): StoredModelFiles {
  return {
    onnx,
    scalerJson: `${JSON.stringify({ mean, scale }, null, 2)}\n`,
    featuresJson: `${JSON.stringify(features, null, 2)}\n`,
  };
}

/** True when both are the same model. */
export function sameFiles(one: StoredModelFiles, other: StoredModelFiles): boolean {
  return (
    Buffer.from(one.onnx).equals(other.onnx) &&
    one.scalerJson === other.scalerJson &&
    one.featuresJson === other.featuresJson
  );
}
