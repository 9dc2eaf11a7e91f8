/** Where the model that serves first comes from: the store, a file that the operator named, or a model server. */

import type { LearnerSettings } from "../../../protocol/learner.ts";
import { FileWatch } from "../../../shared/files/file-watch.ts";
import { LearnerCounter } from "../../../shared/memory/layout/learning.ts";
import { modelPaths } from "../../models/files/model-files.ts";
import { RemoteModel } from "../../models/remote/remote-model.ts";
import type { PoolGauges } from "../../serving/pool-gauges.ts";
import type { LoadedModel } from "../shelf/loaded-model.ts";
import { type FindOptions, fileChampion, storedChampion } from "./find-champion.ts";

/** The version of a remote model: it has none of ours. */
const REMOTE_VERSION = -1;

/** Whom the operator lets choose. Only where that is the `store` models are trained and promoted. */
export interface ChampionSource {
  readonly kind: "store" | "file" | "remote";
  /** The champion, loaded. Rejects with an `Error` made for the operator. */
  find(): Promise<LoadedModel>;
  /** True when another one lies there now. To be asked about once a second. */
  hasChanged(): boolean;
  /** The model is elsewhere and cannot be asked at present. */
  readonly isAway: boolean;
  /** A version that it gave, for the log. */
  nameOf(version: number): string;
  /** Writes what it has to tell into the `LearnerCounter`s. */
  show(counters: Float64Array, gauges: PoolGauges): void;
}

/** What a source is made from. */
export interface ChampionSourceOptions extends FindOptions {
  readonly settings: Pick<LearnerSettings, "modelFile" | "modelServer">;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
}

/** The source that the settings name. */
export function championSource({ settings, ...options }: ChampionSourceOptions): ChampionSource {
  const { modelFile, modelServer } = settings;
  const { nowMs, wallMs } = options;
  if (modelServer !== null) return new ServerSource(new RemoteModel({ ...modelServer, nowMs, wallMs }));
  return modelFile === null ? new StoreSource(options) : new FileSource(modelFile, options);
}

class StoreSource implements ChampionSource {
  readonly kind = "store";
  readonly isAway = false;
  readonly #options: FindOptions;

  constructor(options: FindOptions) {
    this.#options = options;
  }

  find(): Promise<LoadedModel> {
    return storedChampion(this.#options);
  }

  hasChanged(): boolean {
    return false;
  }

  nameOf(version: number): string {
    return `model ${version}`;
  }

  show(): void {}
}

class FileSource implements ChampionSource {
  readonly kind = "file";
  readonly isAway = false;
  readonly #file: NonNullable<LearnerSettings["modelFile"]>;
  readonly #options: FindOptions;
  readonly #watch: FileWatch;
  /** Files changed at the last look: they are read when they no longer do. */
  #settling = false;

  constructor(file: NonNullable<LearnerSettings["modelFile"]>, options: FindOptions) {
    this.#file = file;
    this.#options = options;
    this.#watch = new FileWatch(this.#paths());
  }

  find(): Promise<LoadedModel> {
    return fileChampion(this.#file, this.#options);
  }

  hasChanged(): boolean {
    if (this.#watch.changed()) {
      this.#settling = true;
      this.#watch.watch(this.#paths()); // where the directory came only now, they are others than before
      return false;
    }
    const isSettled = this.#settling;
    this.#settling = false;
    return isSettled;
  }

  nameOf(version: number): string {
    return `model ${version}, of MODEL_PATH`;
  }

  show(): void {}

  #paths(): string[] {
    const { onnx, scaler, features } = modelPaths(this.#file.path, this.#file.scalerPath);
    return [onnx, scaler, features];
  }
}

class ServerSource implements ChampionSource {
  readonly kind = "remote";
  readonly #model: RemoteModel;
  #cacheHits = 0;

  constructor(model: RemoteModel) {
    this.#model = model;
  }

  /** Its circuit is open, or only being tried. */
  get isAway(): boolean {
    return this.#model.circuit !== "closed";
  }

  async find(): Promise<LoadedModel> {
    return { version: REMOTE_VERSION, model: this.#model, inputs: null, files: null, fingerprint: null };
  }

  hasChanged(): boolean {
    return false;
  }

  nameOf(): string {
    return "the model server's model";
  }

  show(counters: Float64Array, gauges: PoolGauges): void {
    const { cacheHits } = this.#model.figures();
    gauges.set(LearnerCounter.BREAKER_OPEN, this.isAway);
    counters[LearnerCounter.CACHE_HITS] += cacheHits - this.#cacheHits;
    this.#cacheHits = cacheHits;
  }
}
