/** ONNX graphs that a model must not be, or that it may be although they are not ours. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProtoSchema,
  TrainingInfoProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { writeOnnx } from "../../src/learning/models/files/onnx/writer.ts";
import type { Network } from "../../src/learning/models/network.ts";

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

/** Adds the output of `nodes`, a scalar or a column named `extra`, to the scores. */
function addToScores({ graph }: ModelProto, ...nodes: NodeProto[]): void {
  const last = graph!.node.at(-1)!;
  last.output = ["base"];
  graph!.node.push(...nodes, node("Add", ["base", "extra"], ["predicted_score"]));
}

/** Makes every run go on for ever; with `above`, only of a batch with an input of more standard deviations than that. */
export function loopForEver(model: ModelProto, above?: number): void {
  const scalar = (
    dataType: TensorProto_DataType,
    value: { floatData?: number[]; int32Data?: number[] },
    name: string,
  ) => create(TensorProtoSchema, { name, dataType, dims: [], ...value });
  const initial = model.graph!.initializer;
  initial.push(scalar(TensorProto_DataType.FLOAT, { floatData: [0] }, "nothing"));
  const body = create(GraphProtoSchema, {
    name: "body",
    input: [valueInfo("i", TensorProto_DataType.INT64), valueInfo("go", TensorProto_DataType.BOOL), valueInfo("x")],
    output: [valueInfo("goes_on", TensorProto_DataType.BOOL), valueInfo("y")],
    node: [node("Identity", ["go"], ["goes_on"]), node("Identity", ["x"], ["y"])],
  });
  const loop = node("Loop", ["", "goes", "nothing"], ["extra"]);
  loop.attribute.push(
    create(AttributeProtoSchema, { name: "body", type: AttributeProto_AttributeType.GRAPH, g: body }),
  );
  if (above === undefined) {
    initial.push(scalar(TensorProto_DataType.BOOL, { int32Data: [1] }, "goes"));
    addToScores(model, loop);
    return;
  }
  initial.push(scalar(TensorProto_DataType.FLOAT, { floatData: [above] }, "above"));
  const most = node("ReduceMax", ["features"], ["most"]);
  most.attribute.push(
    create(AttributeProtoSchema, { name: "keepdims", type: AttributeProto_AttributeType.INT, i: 0n }),
  );
  addToScores(model, most, node("Greater", ["most", "above"], ["goes"]), loop);
}

function node(opType: string, input: string[], output: string[]): NodeProto {
  return create(NodeProtoSchema, { opType, name: `${opType}-${output[0]}`, input, output });
}

function valueInfo(name: string, elemType = TensorProto_DataType.FLOAT): ValueInfoProto {
  const tensorType = create(TypeProto_TensorSchema, { elemType, shape: create(TensorShapeProtoSchema) });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } }),
  });
}

/** Moves a tensor's bytes to the file `location`. */
function external(location: string, dims: bigint[]): TensorProto {
  const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
  return create(TensorProtoSchema, {
    name: "weights",
    dataType: TensorProto_DataType.FLOAT,
    dims,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [entry("location", location)],
  });
}

/** Every place where a tensor that is kept in another file may stand. */
export const EXTERNAL_DATA: Readonly<Record<string, (model: ModelProto, location: string) => void>> = {
  "an initialiser": ({ graph }, location) => {
    const bias = graph!.initializer.find(({ name }) => name === "output.bias")!;
    bias.rawData = new Uint8Array(0);
    Object.assign(bias, { ...external(location, bias.dims), name: bias.name });
  },
  "a constant's value": (model, location) => {
    const constant = node("Constant", [], ["extra"]);
    const t = external(location, [1n]);
    constant.attribute.push(
      create(AttributeProtoSchema, { name: "value", type: AttributeProto_AttributeType.TENSOR, t }),
    );
    addToScores(model, constant);
  },
  "a list of tensors": ({ graph }, location) => {
    const tensors = [external(location, [1n])];
    graph!.node[0].attribute.push(
      create(AttributeProtoSchema, { name: "more", type: AttributeProto_AttributeType.TENSORS, tensors }),
    );
  },
  "a sparse tensor": (model, location) => {
    const constant = node("Constant", [], ["extra"]);
    const sparseTensor = create(SparseTensorProtoSchema, { values: external(location, [1n]), dims: [1n] });
    constant.attribute.push(
      create(AttributeProtoSchema, {
        name: "sparse_value",
        type: AttributeProto_AttributeType.SPARSE_TENSOR,
        sparseTensor,
      }),
    );
    addToScores(model, constant);
  },
  "a sparse initialiser": ({ graph }, location) => {
    graph!.sparseInitializer.push(create(SparseTensorProtoSchema, { values: external(location, [1n]), dims: [1n] }));
  },
  "the body of a loop": (model, location) => {
    loopForEver(model);
    const loop = model.graph!.node.find(({ opType }) => opType === "Loop")!;
    loop.attribute[0].g!.initializer.push(external(location, [1n]));
  },
  "a function": (model, location) => {
    const constant = node("Constant", [], ["y"]);
    const t = external(location, [1n]);
    constant.attribute.push(
      create(AttributeProtoSchema, { name: "value", type: AttributeProto_AttributeType.TENSOR, t }),
    );
    model.functions.push(create(FunctionProtoSchema, { name: "f", domain: "mine", output: ["y"], node: [constant] }));
  },
  "what training begins with": (model, location) => {
    const initialization = create(GraphProtoSchema, { name: "begin", initializer: [external(location, [1n])] });
    model.trainingInfo.push(create(TrainingInfoProtoSchema, { initialization }));
  },
};
