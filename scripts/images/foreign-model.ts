/** Writes a model that only onnxruntime can run: the shipped one with another node at its end. usage: foreign-model.ts <directory> */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, NodeProtoSchema } from "onnx-buf";
import { SHIPPED_MODEL_DIRECTORY } from "../../src/learning/models/shipped-model.ts";

const NAME = "load_balancer.onnx";
const directory = process.argv[2];
const model = fromBinary(ModelProtoSchema, readFileSync(join(SHIPPED_MODEL_DIRECTORY, NAME)));
const { node: nodes } = model.graph!;
const last = nodes.at(-1)!;
const [output] = last.output;
last.output = ["before"];
nodes.push(create(NodeProtoSchema, { opType: "Softplus", name: "extra", input: ["before"], output: [output] }));

mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, NAME), toBinary(ModelProtoSchema, model));
for (const name of ["scaler.json", "inference_features.json"]) {
  copyFileSync(join(SHIPPED_MODEL_DIRECTORY, name), join(directory, name));
}
