/**
 * A model of somebody else's making, in a process of its own: a graph may loop for ever, take all memory or crash what runs
 * it. The process is ended when it does not answer in time, and begun again after a pause that grows.
 */
import { fileURLToPath } from "node:url";
import { residentBytes } from "../../../shared/proc/resident-bytes.ts";
import { ModelFileError } from "../files/model-file-error.ts";
import type { ModelFiles } from "../files/model-files.ts";
import type { OnnxModelOptions } from "../files/onnx/model.ts";
import { checkRows, type OutputKind, type ScoreModel } from "../score-model.ts";
import { type FromInference, type InferenceLimits, LIMITS, type ToInference } from "./messages.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
/** As in bin/neurabalancer: nothing that lies about is read, nothing is fetched. */
const FLAGS = ["--no-env-file", "--config=/dev/null", "--no-install"];
/** All that it gets of the environment: where libraries are. */
const PASSED_ON = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
/** Many times what it takes; between two looks. */
const MOST_BYTES = 1024 * 1024 * 1024;
const LOOK_MS = 250;
/** Pause before a process that failed is begun again, milliseconds: doubled each time, back to the first by a response. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Lines of onnxruntime's that are passed on for each process, and characters of each. */
const MOST_LINES = 20;
const MOST_LINE = 500;

/** How a model in a process of its own is run. */
export interface IsolatedModelOptions extends OnnxModelOptions {
  /** Ends the process at once, and for good. */
  readonly signal?: AbortSignal;
  /** Told what onnxruntime has to say, line by line. */
  readonly onLine?: (line: string) => void;
  /** Instead of `LIMITS`. */
  readonly limits?: InferenceLimits;
}

const GIVEN_UP = "the model is given up";

type Child = Bun.Subprocess<"ignore", "ignore", "pipe">;

export class IsolatedModel implements ScoreModel {
  readonly featureNames: readonly string[];
  readonly #files: ModelFiles;
  readonly #options: IsolatedModelOptions;
  readonly #limits: InferenceLimits;
  #outputKind: OutputKind = "score";
  #child: Child | null = null;
  /** What the child is to be asked for next; there is one call at a time. */
  #waiting: { resolve(message: FromInference): void; reject(error: Error): void } | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  /** Why there is no process, for as long as none is begun; empty when one may be. */
  #resting = "";
  #rest: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #released = false;
  readonly #onAbort = () => this.#end(GIVEN_UP);

  private constructor(files: ModelFiles, options: IsolatedModelOptions) {
    this.featureNames = files.features;
    this.#files = files;
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  /** Starts the process, loads the model there and tries it. Rejects with a `ModelFileError` for what is wrong with it. */
  static async load(files: ModelFiles, options: IsolatedModelOptions = {}): Promise<IsolatedModel> {
    const model = new IsolatedModel(files, options);
    try {
      await model.#begin();
      return model;
    } catch (error) {
      model.#end((error as Error).message);
      if (error instanceof ModelFileError) throw error;
      throw new ModelFileError(files.paths.onnx, (error as Error).message, { cause: error });
    }
  }

  get outputKind(): OutputKind {
    return this.#outputKind;
  }

  /** Of the process; `null` while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array> {
    try {
      checkRows(this, rows, count);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.#released) return Promise.reject(new Error("the model was released"));
    const copy = rows.slice();
    const call = this.#turn.then(() => this.#predict(copy, count));
    this.#turn = call.catch(() => {});
    return call;
  }

  /** Waits for the predictions that were asked for already. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#turn;
    this.#end("the model was released");
  }

  async #predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array> {
    if (this.#resting !== "") throw new Error(this.#resting);
    if (this.#child === null) await this.#begin();
    const answer = await this.#call({ type: "predict", rows, count }, this.#limits.predictMs);
    if (answer.type !== "scores") throw new Error("the model's process did not answer with scores");
    this.#pauseMs = FIRST_PAUSE_MS;
    return answer.scores;
  }

  /** Begins a process and loads the model there; where that fails, there is none. */
  async #begin(): Promise<void> {
    const { inputName, outputName, signal } = this.#options;
    if (signal?.aborted) throw new Error(GIVEN_UP);
    try {
      await this.#call(null, this.#limits.startMs);
      const load = { type: "load", files: this.#files, options: { inputName, outputName } } as const;
      const answer = await this.#call(load, this.#limits.loadMs);
      if (answer.type !== "loaded") throw new Error("the model's process did not load it");
      this.#outputKind = answer.outputKind;
    } catch (error) {
      if (this.#child !== null) this.#fail((error as Error).message);
      throw error;
    }
  }

  /** Sends a message, `null` = starts the process, and waits for what comes back. */
  async #call(message: ToInference | null, limitMs: number): Promise<FromInference> {
    const { promise, resolve, reject } = Promise.withResolvers<FromInference>();
    this.#waiting = { resolve, reject };
    const limit = setTimeout(() => this.#fail(`it took longer than ${limitMs} ms`), limitMs);
    const look = setInterval(() => {
      const bytes = this.#child === null ? 0 : residentBytes(this.#child.pid);
      if (bytes > MOST_BYTES) this.#fail(`it took more than ${MOST_BYTES} bytes of memory`);
    }, LOOK_MS);
    try {
      if (message === null) this.#child = this.#spawn();
      else if (this.#child === null) throw new Error(this.#resting);
      else this.#child.send(message);
      const answer = await promise;
      if (answer.type !== "failed") return answer;
      const { file, message: why } = answer;
      throw file === null ? new Error(why) : new ModelFileError(file, why.slice(`${file}: `.length));
    } finally {
      clearTimeout(limit);
      clearInterval(look);
      this.#waiting = null;
    }
  }

  #spawn(): Child {
    const environment = PASSED_ON.flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    );
    const child = Bun.spawn({
      cmd: [process.execPath, ...FLAGS, MAIN, "inference"],
      cwd: "/",
      env: Object.fromEntries(environment),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      serialization: "advanced",
      ipc: (message, from) => {
        // What a process that was given up says is no response to what its successor is asked.
        if (from === this.#child) this.#waiting?.resolve(message as FromInference);
      },
      onExit: (ended, code) => {
        if (this.#child !== ended) return;
        this.#fail(
          ended.signalCode === null ? `its process ended with ${code}` : `its process ended by ${ended.signalCode}`,
        );
      },
    });
    void this.#passOn(child);
    return child;
  }

  /** The model cannot be asked for a while: it took too long, or its process is gone. */
  #fail(why: string): void {
    const reason = `the model was stopped: ${why}`;
    this.#endProcess(reason);
    this.#resting = reason;
    this.#rest = setTimeout(() => {
      this.#resting = "";
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  /** For good. */
  #end(reason: string): void {
    this.#released = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#endProcess(reason);
    clearTimeout(this.#rest);
    this.#resting = reason;
  }

  #endProcess(reason: string): void {
    clearTimeout(this.#rest);
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
    this.#waiting?.reject(new Error(reason));
  }

  /** What the process writes on standard error comes from onnxruntime, coloured for a terminal. */
  async #passOn(child: Child): Promise<void> {
    const { onLine } = this.#options;
    const decoder = new TextDecoder();
    let rest = "";
    let lines = 0;
    const say = (line: string) => {
      const text = Bun.stripANSI(line).trim();
      if (text === "" || ++lines > MOST_LINES) return;
      onLine?.(lines === MOST_LINES ? "more is left out" : text.slice(0, MOST_LINE));
    };
    try {
      for await (const chunk of child.stderr) {
        const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = (parts.pop() ?? "").slice(0, MOST_LINE);
        for (const part of parts) say(part);
      }
      say(rest);
    } catch {
      // The process is gone, and with it what it had to say.
    }
  }
}
