/**
 * A model on disk in the contract's three-file form: `load_balancer.onnx`, `scaler.json` and `inference_features.json`.
 * Read with strict checks, written so that a reader of a directory sees the old files or the new ones.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { describeRange, inRange, type Range, SCALER_MEAN, SCALER_SCALE } from "../../../shared/ranges.ts";
import type { Network } from "../network.ts";
import { checkFeatureList } from "./feature-list.ts";
import { ModelFileError } from "./model-file-error.ts";
import { writeOnnx } from "./onnx/writer.ts";

/** The contract's names. */
export const ONNX_FILE = "load_balancer.onnx";
export const SCALER_FILE = "scaler.json";
export const FEATURES_FILE = "inference_features.json";

/** What a model for twenty numbers may weigh; a file beyond it was named by mistake. */
const MAX_ONNX_BYTES = 64 * 1024 * 1024;
const MAX_JSON_BYTES = 1024 * 1024;

/** Where the three files are. */
export interface ModelPaths {
  readonly onnx: string;
  readonly scaler: string;
  readonly features: string;
}

/** The three files, read and checked against each other; whether the graph itself works is for `OnnxModel.load`. */
export interface ModelFiles {
  readonly paths: ModelPaths;
  readonly onnx: Uint8Array;
  /** Names of the inputs, in order. */
  readonly features: readonly string[];
  /** As many as features. */
  readonly mean: readonly number[];
  /** As many as features; all within `SCALER_SCALE`. */
  readonly scale: readonly number[];
}

/**
 * Where the files of a model are.
 * @param modelPath a directory with all three under the contract's names, or the ONNX file itself.
 * @param scalerPath the scaler, when it is not `scaler.json` beside the ONNX file. The names of the features are always
 * in `inference_features.json` beside the ONNX file.
 */
export function modelPaths(modelPath: string, scalerPath: string | null = null): ModelPaths {
  const isDirectory = statSync(modelPath, { throwIfNoEntry: false })?.isDirectory() ?? !modelPath.endsWith(".onnx");
  const { onnx, scaler, features } = pathsIn(isDirectory ? modelPath : dirname(modelPath));
  return { onnx: isDirectory ? onnx : modelPath, scaler: scalerPath ?? scaler, features };
}

function pathsIn(directory: string): ModelPaths {
  return {
    onnx: join(directory, ONNX_FILE),
    scaler: join(directory, SCALER_FILE),
    features: join(directory, FEATURES_FILE),
  };
}

/**
 * Reads the three files. Throws a `ModelFileError` that names the first file that is wrong.
 * @param read where their content comes from, when they are no files on disk; gets a path and the most bytes there may be.
 */
export function readModelFiles(paths: ModelPaths, read: ReadBytes = readBytes): ModelFiles {
  const onnx = read(paths.onnx, MAX_ONNX_BYTES);
  const readJson = <T>(path: string, schema: z.ZodType<T>, right: string): T =>
    parseJson(path, read(path, MAX_JSON_BYTES), schema, right);
  const features = readJson(paths.features, z.array(z.string()), 'a list of names: ["cpu_usage", …]');
  const complaint = checkFeatureList(features);
  if (complaint !== null) throw new ModelFileError(paths.features, complaint);
  const shape = z.object({ mean: z.array(z.number()), scale: z.array(z.number()) });
  const { mean, scale } = readJson(paths.scaler, shape, '{"mean": [numbers], "scale": [numbers]}');
  for (const [name, values] of Object.entries({ mean, scale })) {
    if (values.length !== features.length) {
      throw new ModelFileError(
        paths.scaler,
        `"${name}" has ${values.length} numbers and ${paths.features} names ${features.length} features: both must be as many, in the same order`,
      );
    }
  }
  const check = (name: string, values: readonly number[], range: Range) => {
    const at = values.findIndex((value) => !inRange(value, range));
    if (at < 0) return;
    const right =
      range.least > 0 && values[at] <= 0 ? "above 0 (write 1 for a feature that never varies)" : describeRange(range);
    throw new ModelFileError(paths.scaler, `"${name}" has ${values[at]} for ${features[at]}: it must be ${right}`);
  };
  check("scale", scale, SCALER_SCALE);
  check("mean", mean, SCALER_MEAN);
  return { paths, onnx, features, mean, scale };
}

/**
 * Writes `network` into a directory that exists. Each file is replaced at once, the ONNX file last; another model's reader
 * in between would see files of two models, so give every model a directory of its own or read again after a change.
 */
export function writeModelFiles(directory: string, network: Network): ModelPaths {
  const { onnx, scalerJson, featuresJson } = encodeModelFiles(network);
  const paths = pathsIn(directory);
  replaceFile(paths.features, featuresJson);
  replaceFile(paths.scaler, scalerJson);
  replaceFile(paths.onnx, onnx);
  return paths;
}

/** The content of the three files. Throws a `RangeError` when the network's arrays do not fit together or are not finite. */
export function encodeModelFiles(network: Network): {
  readonly onnx: Uint8Array;
  readonly scalerJson: string;
  readonly featuresJson: string;
} {
  const onnx = writeOnnx(network);
  const scaler = { mean: [...network.mean], scale: [...network.scale] };
  return {
    onnx,
    scalerJson: `${JSON.stringify(scaler, null, 2)}\n`,
    featuresJson: `${JSON.stringify(network.features, null, 2)}\n`,
  };
}

/** A reader sees the old content or all of the new one, whenever it looks and whatever crashes. */
function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

type ReadBytes = (path: string, limit: number) => Uint8Array;

function readBytes(path: string, limit: number): Uint8Array {
  try {
    // A pipe would be waited for, without end, and a device has no size.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (stats.isDirectory()) throw new ModelFileError(path, "it is a directory");
      if (!stats.isFile()) throw new ModelFileError(path, "it is no regular file");
      if (stats.size > limit) throw new ModelFileError(path, `has ${stats.size} bytes: the most is ${limit}`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: `there is no such file: a model is ${ONNX_FILE}, ${SCALER_FILE} and ${FEATURES_FILE}`,
      EACCES: "this process may not read it",
      ENXIO: "it is no regular file", // a socket
    };
    throw new ModelFileError(path, reasons[code ?? ""] ?? `cannot be read: ${message}`, { cause: error });
  }
}

function parseJson<T>(path: string, bytes: Uint8Array, schema: z.ZodType<T>, right: string): T {
  const text = new TextDecoder().decode(bytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelFileError(path, `is no JSON (${(cause as Error).message}): it must be ${right}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [{ path: at, message }] = parsed.error.issues;
  const where = at.length === 0 ? "" : `${at.join(".")}: `;
  throw new ModelFileError(path, `${where}${message[0].toLowerCase()}${message.slice(1)}; it must be ${right}`);
}
