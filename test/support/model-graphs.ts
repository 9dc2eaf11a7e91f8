/** ONNX graphs that a model must not be, or that it may be although they are not ours. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from "onnx-buf";
import { writeOnnx } from "../../src/learning/model-files/onnx-writer.ts";
import type { Network } from "../../src/learning/network.ts";

/** Our own file of `network` after a change of its protocol buffer. */
export function changedOnnx(network: Network, change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, writeOnnx(network));
  change(model);
  return toBinary(ModelProtoSchema, model);
}

/** Sets one entry of the model's metadata. */
export function setMetadata(model: ModelProto, key: string, value: string): void {
  model.metadataProps = model.metadataProps.filter((entry) => entry.key !== key);
  model.metadataProps.push(create(StringStringEntryProtoSchema, { key, value }));
}

/** Writes `value` into the first number of one of the graph's tensors. */
export function setWeight(model: ModelProto, tensor: string, value: number): void {
  const found = model.graph!.initializer.find(({ name }) => name === tensor);
  if (found === undefined) throw new Error(`no tensor ${tensor}`);
  new DataView(found.rawData.buffer, found.rawData.byteOffset).setFloat32(0, value, true);
}

/** Gives dimension `at` of the only input or output a fixed size. */
export function fixDimension(model: ModelProto, of: "input" | "output", at: number, size: number): void {
  const { value } = model.graph![of][0].type!;
  if (value.case !== "tensorType") throw new Error("no tensor");
  value.value.shape!.dim[at].value = { case: "dimValue", value: BigInt(size) };
}
