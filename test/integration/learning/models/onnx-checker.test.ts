import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURE_NAMES } from "../../../../src/learning/features/feature-names.ts";
import { writeModelFiles } from "../../../../src/learning/models/files/model-files.ts";
import { randomNetwork } from "../../../support/networks.ts";
import { spawnSync } from "../../../support/processes.ts";

/** Debian's: another python3 in PATH does not see Debian's modules. */
const PYTHON = "/usr/bin/python3";

/** What the official library finds in a model: its checker throws, full_check infers and compares all shapes as well. */
const CHECK = `
import json, sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
def shape(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
print(json.dumps({
    "producer": model.producer_name,
    "ir": model.ir_version,
    "opset": [entry.version for entry in model.opset_import],
    "inputs": {value.name: shape(value) for value in model.graph.input},
    "outputs": {value.name: shape(value) for value in model.graph.output},
    "metadata": {entry.key: entry.value for entry in model.metadata_props},
}))`;

function python(...args: string[]) {
  const child = spawnSync([PYTHON, ...args], { stdout: "pipe", stderr: "pipe", timeout: 60_000 });
  return { status: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
}

describe("the official ONNX checker", () => {
  const missing = python("-c", "import onnx").status !== 0;
  if (missing && process.env.CI === "true") {
    test("is there", () => {
      throw new Error("missing: apt-get install python3-onnx");
    });
  }
  test.skipIf(missing)(`accepts what is written here${missing ? " (apt-get install python3-onnx)" : ""}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-onnx-"));
    try {
      const { onnx } = writeModelFiles(directory, randomNetwork(1));
      const { status, stdout, stderr } = python("-c", CHECK, onnx);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        producer: "neurabalancer",
        ir: 8,
        opset: [17],
        inputs: { features: ["batch", FEATURE_NAMES.length] },
        outputs: { predicted_score: ["batch", 1] },
        metadata: { "neurabalancer.output": "log_relative_cost" },
      });
      // It can find something: the same file with its end cut off.
      const cut = python("-c", `import onnx\nonnx.load_from_string(open(${JSON.stringify(onnx)}, "rb").read()[:-40])`);
      expect(cut.status).not.toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
