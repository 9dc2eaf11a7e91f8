/** What an ONNX file says of itself, and our own network read back from one. */
import { fromBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, TensorProto_DataType } from "onnx-buf";
import type { Network } from "../../network.ts";
import type { OutputKind } from "../../score-model.ts";
import { ModelFileError } from "../model-file-error.ts";
import { type ModelFiles, modelPaths, readModelFiles } from "../model-files.ts";
import { INITIALIZERS, OUTPUT_KIND_KEY, PRODUCER } from "./names.ts";

/** Parses the file. Throws a `ModelFileError` that names `file` when it is no ONNX model. */
export function parseOnnx(bytes: Uint8Array, file: string): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ModelFileError(file, `is no ONNX file (${(cause as Error).message}): export the model to ONNX again`, {
      cause,
    });
  }
  // Nearly any few bytes are a valid message of unknown fields.
  if (model.graph === undefined || model.graph.node.length === 0) {
    throw new ModelFileError(file, "is no ONNX file (it holds no graph): export the model to ONNX again");
  }
  return model;
}

/** What the model's output means. Throws a `ModelFileError` for a meaning that this version does not know. */
export function outputKindOf(model: ModelProto, file: string): OutputKind {
  const value = model.metadataProps.find(({ key }) => key === OUTPUT_KIND_KEY)?.value ?? "score";
  if (value === "score" || value === "log_relative_cost") return value;
  throw new ModelFileError(
    file,
    `its metadata says ${OUTPUT_KIND_KEY}=${JSON.stringify(value)}: it must be score or log_relative_cost, or be left out`,
  );
}

/**
 * Our own network out of its three files, as the trainer needs it to train on. Weights are what 32-bit floats kept of them.
 * Throws a `ModelFileError` when the graph was made elsewhere: it can be asked, not trained on.
 */
export function readNetwork(files: ModelFiles): Network {
  const { onnx, paths, features, mean, scale } = files;
  const model = parseOnnx(onnx, paths.onnx);
  const foreign = (why: string) =>
    new ModelFileError(
      paths.onnx,
      `is no network of ${PRODUCER} (${why}): it can be used for predictions, but not be trained further`,
    );
  if (model.producerName !== PRODUCER) {
    throw foreign(`its producer is ${JSON.stringify(model.producerName)}`);
  }
  const n = features.length;
  const weights = (name: string, ...dims: number[]): Float64Array => {
    const found = model.graph?.initializer.find((tensor) => tensor.name === name);
    if (found === undefined) throw foreign(`it has no tensor ${name}`);
    const size = dims.reduce((product, dim) => product * dim, 1);
    const fits = found.dims.length === dims.length && found.dims.every((dim, i) => Number(dim) === dims[i]);
    if (!fits || found.dataType !== TensorProto_DataType.FLOAT || found.rawData.length !== size * 4) {
      throw foreign(`its tensor ${name} is not float32 [${dims.join(", ")}]`);
    }
    const view = new DataView(found.rawData.buffer, found.rawData.byteOffset);
    return Float64Array.from({ length: size }, (_, i) => view.getFloat32(i * 4, true));
  };
  const hidden = model.graph?.initializer.find((tensor) => tensor.name === INITIALIZERS.b1);
  const h = Number(hidden?.dims[0] ?? 0);
  return {
    features,
    mean: Float64Array.from(mean),
    scale: Float64Array.from(scale),
    w1: weights(INITIALIZERS.w1, h, n),
    b1: weights(INITIALIZERS.b1, h),
    w2: weights(INITIALIZERS.w2, 1, h),
    b2: weights(INITIALIZERS.b2, 1)[0],
    linear: weights(INITIALIZERS.linear, 1, n),
  };
}

/** Our own network in a directory with the three files, or in an ONNX file with the others beside it. Throws like both. */
export function readNetworkAt(path: string): Network {
  return readNetwork(readModelFiles(modelPaths(path)));
}
