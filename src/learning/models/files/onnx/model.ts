/** A model in this process, run by onnxruntime. Nothing can interrupt it: what serves uses inference/load-model.ts. */
import type { InferenceSession } from "onnxruntime-node";
import { loadOnnxRuntime, type OnnxRuntime } from "../../inference/onnx-runtime.ts";
import { scaleInput } from "../../network.ts";
import { checkRows, type OutputKind, type ScoreModel } from "../../score-model.ts";
import { ModelFileError } from "../model-file-error.ts";
import { type ModelFiles, modelPaths, readModelFiles } from "../model-files.ts";
import { checkScores, tryModel } from "../trial-batch.ts";
import { INPUT_NAME, OUTPUT_NAME } from "./names.ts";
import { outputKindOf, parseOnnx } from "./reader.ts";
import { safeOnnx } from "./safety.ts";

/** Names in the graph, when they are not the contract's. */
export interface OnnxModelOptions {
  /** `features` unless given. */
  readonly inputName?: string;
  /** `predicted_score` unless given. */
  readonly outputName?: string;
}

/** One thread: a batch takes tens of microseconds, and the cores belong to the request path. Its own log: from warnings on. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  logSeverityLevel: 2,
};

export class OnnxModel implements ScoreModel {
  readonly featureNames: readonly string[];
  readonly outputKind: OutputKind;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #files: ModelFiles;
  readonly #input: string;
  readonly #output: string;
  /** Calls on the session are made one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #released = false;

  private constructor(
    runtime: OnnxRuntime,
    session: InferenceSession,
    files: ModelFiles,
    kind: OutputKind,
    input: string,
    output: string,
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#files = files;
    this.featureNames = files.features;
    this.outputKind = kind;
    this.#input = input;
    this.#output = output;
  }

  /**
   * Loads a model and tries it on a few rows. Throws a `ModelFileError` for whatever is wrong with its files.
   * @param source a directory, an ONNX file with the others beside it, or files that were read.
   */
  static async load(source: string | ModelFiles, options: OnnxModelOptions = {}): Promise<OnnxModel> {
    const files = typeof source === "string" ? readModelFiles(modelPaths(source)) : source;
    const { inputName = INPUT_NAME, outputName = OUTPUT_NAME } = options;
    const file = files.paths.onnx;
    const parsed = parseOnnx(files.onnx, file);
    const kind = outputKindOf(parsed, file);
    const bytes = safeOnnx(parsed, file);
    const runtime = await loadOnnxRuntime();
    let session: InferenceSession;
    try {
      session = await runtime.InferenceSession.create(bytes, SESSION_OPTIONS);
    } catch (cause) {
      throw new ModelFileError(file, `onnxruntime cannot load it: ${(cause as Error).message}`, { cause });
    }
    const model = new OnnxModel(runtime, session, files, kind, inputName, outputName);
    try {
      checkInput(session.inputMetadata, inputName, files);
      checkOutput(session.outputMetadata, outputName, file);
      await tryModel(file, files.features.length, (scaled, count) => model.#run(scaled, count));
    } catch (error) {
      await model.release();
      throw error;
    }
    return model;
  }

  async predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array> {
    checkRows(this, rows, count);
    return this.#run(this.#scale(rows), count);
  }

  /** Waits for the predictions that were asked for already. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#turn;
    await this.#session.release();
  }

  /** In 64 bits until the last step, as scikit-learn's scaler does it. */
  #scale(rows: Float64Array | Float32Array): Float32Array {
    const { mean, scale } = this.#files;
    const n = mean.length;
    const scaled = new Float32Array(rows.length);
    for (let i = 0, column = 0; i < rows.length; i++) {
      scaled[i] = scaleInput(rows[i], mean[column], scale[column]);
      if (++column === n) column = 0;
    }
    return scaled;
  }

  #run(scaled: Float32Array, count: number): Promise<Float32Array> {
    if (this.#released) return Promise.reject(new Error("the model was released"));
    const run = this.#turn.then(async () => {
      const feeds = { [this.#input]: new this.#runtime.Tensor("float32", scaled, [count, this.featureNames.length]) };
      const { [this.#output]: output } = await this.#session.run(feeds, [this.#output]);
      const scores = output.data as Float32Array;
      if (scores.length !== count || output.dims.length !== 2) {
        throw new Error(
          `output ${this.#output} has the shape [${output.dims.join(", ")}] for ${count} rows: it must be [${count}, 1]`,
        );
      }
      checkScores(scores);
      return scores;
    });
    this.#turn = run.catch(() => {});
    return run;
  }
}

type Metadata = readonly InferenceSession.ValueMetadata[];

function checkInput(inputs: Metadata, name: string, { features, paths }: ModelFiles): void {
  const found = named(inputs, name, "input", "MODEL_INPUT_NAME", paths.onnx);
  const right = `[batch, ${features.length}] of float32 with a batch of any size`;
  const [batch, columns] = found.shape;
  if (found.type !== "float32" || found.shape.length !== 2 || typeof batch === "number") {
    throw new ModelFileError(paths.onnx, `input ${name} is ${shown(found)}: it must be ${right}`);
  }
  if (typeof columns === "number" && columns !== features.length) {
    throw new ModelFileError(
      paths.onnx,
      `input ${name} is ${shown(found)} and ${paths.features} names ${features.length} features: it must be ${right}`,
    );
  }
  if (inputs.length > 1) {
    const others = inputs.map((input) => input.name).filter((other) => other !== name);
    throw new ModelFileError(paths.onnx, `has more inputs than ${name}: ${others.join(", ")}; it must have one`);
  }
}

function checkOutput(outputs: Metadata, name: string, file: string): void {
  const found = named(outputs, name, "output", "MODEL_OUTPUT_NAME", file);
  const [batch, columns] = found.shape;
  const isColumn =
    found.shape.length === 2 && typeof batch !== "number" && (columns === 1 || typeof columns !== "number");
  if (found.type !== "float32" || !isColumn) {
    throw new ModelFileError(
      file,
      `output ${name} is ${shown(found)}: it must be [batch, 1] of float32 with a batch of any size`,
    );
  }
}

function named(values: Metadata, name: string, what: string, setting: string, file: string) {
  const found = values.find((value) => value.name === name);
  if (found === undefined) {
    const names = values.map((value) => value.name).join(", ");
    throw new ModelFileError(
      file,
      `has no ${what} named ${name}, only ${names}: export it under that name, or set ${setting}`,
    );
  }
  if (!found.isTensor) throw new ModelFileError(file, `${what} ${name} is no tensor: it must be one of float32`);
  return found;
}

function shown({ type, shape }: InferenceSession.TensorValueMetadata): string {
  return `[${shape.map((dim) => dim || "any").join(", ")}] of ${type}`;
}
