/** The extract of the configuration that the learner needs. */
import type { LearnerSettings } from "../protocol/learner.ts";
import type { Config } from "./config.ts";
import { given } from "./given.ts";
import { toAbsoluteLocation } from "./sections/storage.ts";

/** Files are not looked at here: the learner says what is wrong with them, and goes on without. */
export function toLearnerSettings(config: Config): LearnerSettings {
  const { ml, storage } = config;
  const { modelPath: path, scalerPath, modelInputName, modelOutputName } = ml;
  const { endpoint, timeoutMs, circuitBreakerResetMs, cacheSize } = ml;
  return Object.freeze({
    ...given(config, "learner"),
    canaryShare: ml.canaryPercent / 100,
    controlShare: ml.controlPercent / 100,
    store: toAbsoluteLocation(config),
    maxSamples: storage.maxSamples,
    maxBytes: storage.maxFileSizeBytes,
    modelFile: path === null ? null : { path, scalerPath, inputName: modelInputName, outputName: modelOutputName },
    modelServer: endpoint === null ? null : { endpoint, timeoutMs, circuitBreakerResetMs, cacheSize },
  });
}
