/**
 * What an ONNX file may not hold, whoever made it. The library that runs it follows references to other files, whose bytes
 * would end up in scores, and reads some things otherwise than we do.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProto_DataLocation } from "onnx-buf";
import { ModelFileError } from "../model-file-error.ts";

/** A model for twenty numbers has some ten nodes; functions and subgraphs count as well. */
const MOST_NODES = 10_000;
/** Node types whose own attributes name a file. */
const OF_FILES = ["EPContext"];
/** By this onnxruntime knows files of a format of its own, which we could not look into. */
const ORT_MARK = "ORTM";

/**
 * The bytes to give to onnxruntime: written anew from what we read, so that it sees nothing that we have not. Throws a
 * `ModelFileError` that names `file`.
 */
export function safeOnnx(model: ModelProto, file: string): Uint8Array {
  let nodes = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
    if (Array.isArray(value)) {
      for (const each of value) visit(each);
      return;
    }
    const { $typeName: type } = value as { $typeName?: string };
    if (type === "onnx.TensorProto") checkTensor(value as TensorProto, file);
    else if (type === "onnx.NodeProto") {
      const { opType, name } = value as { opType: string; name: string };
      if (++nodes > MOST_NODES) throw new ModelFileError(file, `has more than ${MOST_NODES} nodes`);
      if (OF_FILES.includes(opType)) {
        throw new ModelFileError(
          file,
          `its node ${JSON.stringify(name)} (${opType}) refers to a file beside it: ${WHOLE}`,
        );
      }
    }
    // Wherever a tensor may stand: initialisers, attributes, subgraphs, functions, sparse tensors, training information.
    for (const each of Object.values(value)) visit(each);
  };
  visit(model);
  const bytes = toBinary(ModelProtoSchema, model, { writeUnknownFields: false });
  if (new TextDecoder("latin1").decode(bytes.subarray(4, 8)) === ORT_MARK) {
    throw new ModelFileError(file, "looks like a file of onnxruntime's own format: export the model to ONNX again");
  }
  return bytes;
}

const WHOLE = "save the model as one file with its weights inside (in PyTorch external_data=False)";

function checkTensor({ name, dataLocation, externalData }: TensorProto, file: string): void {
  if (dataLocation !== TensorProto_DataLocation.EXTERNAL && externalData.length === 0) return;
  const location = externalData.find(({ key }) => key === "location")?.value;
  const where = location === undefined ? "another file" : JSON.stringify(location);
  throw new ModelFileError(file, `its tensor ${JSON.stringify(name)} is kept in ${where}: ${WHOLE}`);
}
