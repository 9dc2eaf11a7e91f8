/** The models that are in use, loaded, by version. What is no longer needed is given back. */
import type { LearningReader } from "../../../storage/learning-store.ts";
import type { IsolatedModelOptions } from "../../models/inference/isolated-model.ts";
import { type LoadedModel, loadStored } from "./loaded-model.ts";

export class ModelShelf {
  readonly #store: Pick<LearningReader, "modelFiles">;
  readonly #models = new Map<number, LoadedModel>();
  readonly #loading = new Map<number, Promise<LoadedModel>>();

  readonly #isolation: IsolatedModelOptions;

  /** @param isolation how models that others made are run. */
  constructor(store: Pick<LearningReader, "modelFiles">, isolation: IsolatedModelOptions = {}) {
    this.#store = store;
    this.#isolation = isolation;
  }

  get(version: number): LoadedModel | undefined {
    return this.#models.get(version);
  }

  add(model: LoadedModel): void {
    this.#models.set(model.version, model);
  }

  /** The model, loaded if need be. Rejects with an `Error` made for the operator. */
  load(version: number): Promise<LoadedModel> {
    const there = this.#models.get(version);
    if (there !== undefined) return Promise.resolve(there);
    const loading = this.#loading.get(version) ?? this.#load(version).finally(() => void this.#loading.delete(version));
    this.#loading.set(version, loading);
    return loading;
  }

  /** Gives back all others. What they are being asked is finished. */
  keep(versions: ReadonlySet<number | null>): void {
    for (const [version, { model }] of this.#models) {
      if (versions.has(version)) continue;
      this.#models.delete(version);
      void model.release();
    }
  }

  async #load(version: number): Promise<LoadedModel> {
    const files = await this.#store.modelFiles(version);
    if (files === null) throw new Error(`there is no model ${version}`);
    const model = await loadStored(files, version, this.#isolation);
    this.#models.set(version, model);
    return model;
  }
}
