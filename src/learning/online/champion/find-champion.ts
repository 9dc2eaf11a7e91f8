/** Finds the model that is to serve when the learner starts, and again when that one cannot be had. */
import type { LearnerSettings } from "../../../protocol/learner.ts";
import type { LearningStore, Model, StoredModelFiles } from "../../../storage/learning-store.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { modelPaths, readModelFiles } from "../../models/files/model-files.ts";
import { sameFiles, toStoredFiles } from "../../models/files/stored-files.ts";
import type { IsolatedModelOptions } from "../../models/inference/isolated-model.ts";
import { SHIPPED_MODEL_DIRECTORY } from "../../models/shipped-model.ts";
import { type LoadedModel, loadStored } from "../shelf/loaded-model.ts";

/** Models that are looked through for one with the same files. */
const LOOKED_THROUGH = 100;

/** What a champion is looked for in. */
export interface FindOptions {
  /** Name of the pool that it is to serve. */
  readonly pool: string;
  readonly store: LearningStore;
  readonly log: Logger;
  readonly wallMs: () => number;
  /** Gives up models that are run in a process of their own, at once. */
  readonly signal?: AbortSignal;
}

/** How models of a source are run. */
export function isolation({ log, signal }: Pick<FindOptions, "log" | "signal">): IsolatedModelOptions {
  return { signal, onLine: (line) => log.warn({ source: "onnxruntime" }, line) };
}

/**
 * The model of `MODEL_PATH`, as a version of its own in the store. Rejects with an `Error` made for the operator when the
 * files are not right, and with a `StoreError` when the store cannot take it.
 */
export async function fileChampion(
  { path, scalerPath, inputName, outputName }: NonNullable<LearnerSettings["modelFile"]>,
  source: FindOptions,
): Promise<LoadedModel> {
  const files = toStoredFiles(readModelFiles(modelPaths(path, scalerPath)));
  // Loaded before it gets a version: what does not work is no model.
  const loaded = await loadStored(files, 0, { ...isolation(source), inputName, outputName });
  return { ...loaded, version: await champion(files, "file", source) };
}

/**
 * The pool's champion in the store; where there is none that can be loaded, the one before it, then the model that the product ships
 * with. A shipped model that has served unchanged gives way to the one that an update brought. Rejects like `fileChampion`.
 */
export async function storedChampion(source: FindOptions): Promise<LoadedModel> {
  const { pool, store, log, wallMs } = source;
  const shipped = toStoredFiles(readModelFiles(modelPaths(SHIPPED_MODEL_DIRECTORY)));
  for (const model of [await store.champion(pool), await store.previousChampion(pool)]) {
    if (model === null || model.origin === "file") continue; // MODEL_PATH named it once
    const files = await store.modelFiles(model.version);
    if (files === null || (model.origin === "shipped" && !sameFiles(files, shipped))) continue;
    try {
      const loaded = await loadStored(files, model.version, isolation(source));
      if (model.status !== "champion") await store.setModelStatus(model.version, "champion", wallMs());
      return loaded;
    } catch (error) {
      log.error({ model_version: model.version }, `a model of the store is not used: ${(error as Error).message}`);
    }
  }
  const loaded = await loadStored(shipped, 0);
  return { ...loaded, version: await champion(shipped, "shipped", source) };
}

/** Makes these files the champion, as the version that they have or as a new one. */
async function champion(
  files: StoredModelFiles,
  origin: Model["origin"],
  { pool, store, wallMs }: Pick<FindOptions, "pool" | "store" | "wallMs">,
): Promise<number> {
  for (const { version, origin: from } of await store.models({ pool, limit: LOOKED_THROUGH })) {
    if (from !== origin) continue;
    const known = await store.modelFiles(version);
    if (known === null || !sameFiles(known, files)) continue;
    await store.setModelStatus(version, "champion", wallMs());
    return version;
  }
  const createdAtMs = wallMs();
  return store.insertModel({ pool, createdAtMs, origin, parentVersion: null, status: "champion", files, report: null });
}
