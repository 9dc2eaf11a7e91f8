/** Holds the model that is served, and exchanges it: a new one is tried first, the old one stays when it fails. */
import type { ModelServerConfig } from "../config/model-server.ts";
import { fingerprint } from "../learning/models/files/fingerprint.ts";
import { type ModelPaths, modelPaths, readModelFiles } from "../learning/models/files/model-files.ts";
import { loadModel } from "../learning/models/inference/load-model.ts";
import type { OutputKind } from "../learning/models/score-model.ts";
import { FileWatch } from "../shared/files/file-watch.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { Batcher } from "./batcher.ts";
import type { ModelServerCounts } from "./metrics.ts";

/** The model in service. */
export interface ServedModel {
  readonly version: string;
  /** Of its files, whatever the version is called. */
  readonly fingerprint: string;
  readonly featureNames: readonly string[];
  readonly outputKind: OutputKind;
  readonly batcher: Batcher;
}

/** What a holder needs. */
export interface ModelHolderOptions {
  readonly settings: ModelServerConfig["model"];
  readonly counts: ModelServerCounts;
  readonly log: Logger;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

export class ModelHolder {
  readonly #options: ModelHolderOptions;
  readonly #watch: FileWatch;
  #served: ServedModel | null = null;
  #problem: string | null = "the model is being loaded";
  /** Files changed at the last look: they are read when they no longer do. */
  #settling = false;
  /** Loads are made one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #ending = new AbortController();

  constructor(options: ModelHolderOptions) {
    this.#options = options;
    this.#watch = new FileWatch(this.#watchedPaths());
  }

  get served(): ServedModel | null {
    return this.#served;
  }

  /** Why the last load failed, for the operator; `null` when it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Reads the files again. Resolves when the new model serves, or when it was rejected: `problem` says why. */
  load(): Promise<boolean> {
    const turn = this.#turn.then(() => this.#load());
    this.#turn = turn;
    return turn;
  }

  /** Call it every second or so: loads the model when its files have changed and are not being written any more. */
  async poll(): Promise<void> {
    if (this.#watch.changed()) {
      this.#settling = true;
      // Where the directory came only now, its files are at other paths than before.
      this.#watch.watch(this.#watchedPaths());
      return;
    }
    if (!this.#settling) return;
    this.#settling = false;
    await this.load();
  }

  /** Ends the use of the model at once: whoever waits for scores is told so. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#turn;
    await this.#served?.batcher.close();
    this.#served = null;
  }

  async #load(): Promise<boolean> {
    const { signal } = this.#ending;
    if (signal.aborted) return false;
    const { counts, log, nowMs, settings } = this.#options;
    try {
      const files = readModelFiles(this.#paths());
      const { modelInputName: inputName, modelOutputName: outputName } = settings;
      const onLine = (line: string) => log.warn({ source: "onnxruntime" }, line);
      const model = await loadModel(files, { inputName, outputName, signal, onLine });
      const onRun = (rows: number, seconds: number) => {
        counts.predictions += rows;
        counts.inference.add(seconds);
      };
      if (signal.aborted) {
        await model.release();
        return false;
      }
      const former = this.#served;
      const { featureNames, outputKind } = model;
      const found = fingerprint(files);
      const version = settings.modelVersion ?? found;
      this.#served = {
        version,
        fingerprint: found,
        featureNames,
        outputKind,
        batcher: new Batcher(model, onRun, nowMs),
      };
      this.#problem = null;
      counts.reloads.success++;
      log.info({ version, features: featureNames.length, output: outputKind, file: files.paths.onnx }, "model loaded");
      // In service nothing more is asked of the former one; what it was asked before is answered by it.
      await former?.batcher.close();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#problem = (error as Error).message;
      counts.reloads.failure++;
      const then =
        this.#served === null ? "answers 503 until there is a model" : "the model before it stays in service";
      log.warn(`${this.#problem}; ${then}`);
      return false;
    }
  }

  #paths(): ModelPaths {
    const { modelPath, scalerPath } = this.#options.settings;
    if (modelPath === null) {
      throw new Error("MODEL_PATH is not set: name a directory with a model, or an ONNX file");
    }
    return modelPaths(modelPath, scalerPath);
  }

  #watchedPaths(): string[] {
    const { modelPath, scalerPath } = this.#options.settings;
    if (modelPath === null) return [];
    const { onnx, scaler, features } = modelPaths(modelPath, scalerPath);
    return [onnx, scaler, features];
  }
}
