/** What a model's files are called where nobody gave them a version. */
import { createHash } from "node:crypto";
import type { ModelFiles } from "./model-files.ts";

/** Twelve hexadecimal digits of a SHA-256: the same model has the same ones everywhere, however its JSON is written. */
export function fingerprint({ onnx, features, mean, scale }: ModelFiles): string {
  return createHash("sha256")
    .update(onnx)
    .update(JSON.stringify([features, mean, scale]))
    .digest("hex")
    .slice(0, 12);
}
