/** Writes our own network as a standard ONNX file. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { version } from "../../../../../package.json";
import { INPUT_LIMIT, type Network } from "../../network.ts";
import { checkNetwork } from "../network-check.ts";
import { INITIALIZERS, INPUT_NAME, OUTPUT_KIND_KEY, OUTPUT_NAME, PRODUCER } from "./names.ts";

/** The oldest versions with all that is needed, so that old readers take the file as well. */
const IR_VERSION = 8n;
const OPSET = 17n;

/**
 * The file's bytes. Input `features` `[batch, n]` is scaled already (scaler.json), output `predicted_score` is `[batch, 1]`:
 *
 *     features ─┬─ Clip ── Gemm(w1, b1) ── Tanh ── Gemm(w2, b2) ─┐
 *               └────────────────── Gemm(linear) ────────────────┴─ predicted_score
 *
 * Weights become 32-bit floats. Throws a `RangeError` when the network's arrays do not fit together or are not finite.
 */
export function writeOnnx(network: Network): Uint8Array {
  checkNetwork(network);
  const n = network.features.length;
  const h = network.b1.length;
  const { w1, b1, w2, b2, linear, limitLow, limitHigh } = INITIALIZERS;
  const graph = create(GraphProtoSchema, {
    name: "neurabalancer",
    input: [tensorInfo(INPUT_NAME, n)],
    output: [tensorInfo(OUTPUT_NAME, 1)],
    initializer: [
      tensor(limitLow, [], [-INPUT_LIMIT]),
      tensor(limitHigh, [], [INPUT_LIMIT]),
      tensor(w1, [h, n], network.w1),
      tensor(b1, [h], network.b1),
      tensor(w2, [1, h], network.w2),
      tensor(b2, [1], [network.b2]),
      tensor(linear, [1, n], network.linear),
    ],
    node: [
      node("Clip", [INPUT_NAME, limitLow, limitHigh], "clipped"),
      gemm(["clipped", w1, b1], "hidden"),
      node("Tanh", ["hidden"], "activated"),
      gemm(["activated", w2, b2], "residual"),
      gemm([INPUT_NAME, linear, "residual"], OUTPUT_NAME),
    ],
  });
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: PRODUCER,
    producerVersion: version,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: OPSET })],
    graph,
    metadataProps: [create(StringStringEntryProtoSchema, { key: OUTPUT_KIND_KEY, value: "log_relative_cost" })],
  });
  return toBinary(ModelProtoSchema, model);
}

function node(opType: string, input: string[], output: string): NodeProto {
  return create(NodeProtoSchema, { opType, name: output, input, output: [output] });
}

/** `input · weightsᵀ + bias`: weights are stored row by output. */
function gemm(input: string[], output: string): NodeProto {
  const made = node("Gemm", input, output);
  made.attribute.push(create(AttributeProtoSchema, { name: "transB", type: AttributeProto_AttributeType.INT, i: 1n }));
  return made;
}

function tensor(name: string, dims: number[], values: ArrayLike<number>) {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i], true);
  return create(TensorProtoSchema, {
    name,
    dataType: TensorProto_DataType.FLOAT,
    dims: dims.map(BigInt),
    rawData: bytes,
  });
}

function tensorInfo(name: string, columns: number): ValueInfoProto {
  const dimension = create(TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value: BigInt(columns) } });
  const batch = create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "batch" } });
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: TensorProto_DataType.FLOAT,
    shape: create(TensorShapeProtoSchema, { dim: [batch, dimension] }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } }),
  });
}
