/** `neurabalancer models check`: may these files go into service? Asked before they lie where an instance reads them. */
import type { Command } from "commander";
import { loadProcessModelServerConfig, type SourceFlags } from "../../config/environment.ts";
import { print, printError, printJson } from "../output.ts";
import { withSourceFlags } from "../source-flags.ts";

interface CheckFlags extends SourceFlags {
  readonly json?: boolean;
}

/** Adds it to `models`. */
export function registerModelsCheck(models: Command): void {
  withSourceFlags(models.command("check"))
    .description("check a model's files as an instance would before it serves by them")
    .argument("<path>", "a directory with the three files, or the ONNX file")
    .option("--json", "print JSON")
    .action(async (path: string, flags: CheckFlags) => {
      const found = await check(path, flags);
      if (flags.json) printJson(found);
      else print(`${path} can serve: version ${found.version}, output ${found.output}, ${found.features.join(", ")}`);
    });
}

/** Rejects with an `Error` made for the operator, which names the file that is wrong. */
async function check(path: string, flags: SourceFlags) {
  const loaded = await loadProcessModelServerConfig(flags);
  if (!loaded.ok) throw new Error(`the settings are wrong:\n  - ${loaded.problems.join("\n  - ")}`);
  const { modelInputName: inputName, modelOutputName: outputName } = loaded.config.model;
  // Loaded only here: it brings what reads ONNX, which other commands should not wait for.
  const [{ modelPaths, readModelFiles }, { loadModel }, { fingerprint }] = await Promise.all([
    import("../../learning/models/files/model-files.ts"),
    import("../../learning/models/inference/load-model.ts"),
    import("../../learning/models/files/fingerprint.ts"),
  ]);
  const files = readModelFiles(modelPaths(path));
  const model = await loadModel(files, { inputName, outputName, onLine: printError });
  const { featureNames, outputKind } = model;
  await model.release();
  return { version: fingerprint(files), output: outputKind, features: featureNames };
}
