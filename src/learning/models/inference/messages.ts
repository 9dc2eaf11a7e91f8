/** What a model's process is told and tells. One call at a time: a response belongs to the last call. */
import type { ModelFiles } from "../files/model-files.ts";
import type { OnnxModelOptions } from "../files/onnx/model.ts";
import type { OutputKind } from "../score-model.ts";

/** To the process. */
export type ToInference =
  | { readonly type: "load"; readonly files: ModelFiles; readonly options: OnnxModelOptions }
  | { readonly type: "predict"; readonly rows: Float64Array | Float32Array; readonly count: number };

/** From the process. */
export type FromInference =
  /** It listens. */
  | { readonly type: "ready" }
  | { readonly type: "loaded"; readonly outputKind: OutputKind }
  | { readonly type: "scores"; readonly scores: Float32Array }
  /** `file` is set when the model's files are at fault. */
  | { readonly type: "failed"; readonly message: string; readonly file: string | null };

/** How long a model may take, milliseconds. Whoever waits ends the process then; it also sees to it itself, later. */
export interface InferenceLimits {
  /** Until our own code listens. */
  readonly startMs: number;
  /** Reading the graph and the trial batch. */
  readonly loadMs: number;
  /** One batch. */
  readonly predictMs: number;
}

/** On a machine that is busy; milliseconds, tens of them and tens of microseconds are usual. */
export const LIMITS: InferenceLimits = Object.freeze({ startMs: 30_000, loadMs: 10_000, predictMs: 5000 });
