/** Models that are ready to serve, with what must be known of them beside their scores. */
import type { StoredModelFiles } from "../../../storage/learning-store.ts";
import { selectFeatures } from "../../features/table-features.ts";
import type { TrainingInputs } from "../../judge/guardrail/drift.ts";
import { fingerprint } from "../../models/files/fingerprint.ts";
import type { ModelFiles } from "../../models/files/model-files.ts";
import { parseStoredFiles } from "../../models/files/stored-files.ts";
import type { IsolatedModelOptions } from "../../models/inference/isolated-model.ts";
import { loadModel, ownNetwork } from "../../models/inference/load-model.ts";
import { INPUT_LIMIT } from "../../models/network.ts";
import type { ScoreModel } from "../../models/score-model.ts";

/** A model that was loaded and tried. */
export interface LoadedModel {
  readonly version: number;
  readonly model: ScoreModel;
  /** What it was trained on, for the watch over its inputs; `null` = not known. */
  readonly inputs: TrainingInputs | null;
  /** `null` = it is not kept in the store. */
  readonly files: StoredModelFiles | null;
  /** Of those files, as `model-server` names versions; `null` = there are none. */
  readonly fingerprint: string | null;
}

/** Features that time alone moves: a fleet without traffic has not drifted. */
const MOVED_BY_TIME = ["log_silence", "log_answers"];

/** Loads a model of the store. Rejects with an `Error` made for the operator. */
export async function loadStored(
  files: StoredModelFiles,
  version: number,
  options: IsolatedModelOptions = {},
): Promise<LoadedModel> {
  const parsed = parseStoredFiles(files, version);
  selectFeatures(parsed.features); // throws for a feature that there is not (any more)
  const model = await loadModel(parsed, options);
  return { version, model, inputs: inputsOf(parsed), files, fingerprint: fingerprint(parsed) };
}

/** What the scaler says, and how much the model heeds each input where its graph is one of ours. */
function inputsOf(files: ModelFiles): TrainingInputs {
  const { features: names, mean, scale } = files;
  return { names, mean, scale, relevance: relevanceOf(files), inputLimit: INPUT_LIMIT };
}

function relevanceOf(files: ModelFiles): number[] {
  const network = ownNetwork(files);
  return files.features.map((name, i) => {
    if (MOVED_BY_TIME.includes(name)) return 0;
    if (network === null) return 1; // made elsewhere: all alike
    const { w1, w2, linear } = network;
    let sum = Math.abs(linear[i]);
    for (let unit = 0; unit < w2.length; unit++) sum += Math.abs(w2[unit] * w1[unit * linear.length + i]);
    return sum;
  });
}
