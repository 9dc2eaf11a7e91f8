/** Asks models for the costs of a table, and counts what that takes. */
import { INFERENCE_BOUNDS, LearnerCounter } from "../../shared/memory/layout/learning.ts";
import type { TableFeatures } from "../features/table-features.ts";
import { RemoteModelError } from "../models/remote/predict-request.ts";
import type { ScoreModel } from "../models/score-model.ts";
import { costsOf } from "./score-table.ts";

export class ModelCalls {
  readonly #counters: Float64Array;
  readonly #stopwatch: () => number;
  /** Rows for models, used again for each. */
  #rows: Float64Array = new Float64Array(0);

  /** @param counters `LearnerCounter`s. @param stopwatch any clock that runs evenly, milliseconds. */
  constructor(counters: Float64Array, stopwatch: () => number) {
    this.#counters = counters;
    this.#stopwatch = stopwatch;
  }

  /**
   * The costs of all servers, `[servers × SCORE_COLUMNS]`. Rejects when the model fails, or gives what cannot be a cost.
   * @param selection indices of the model's features (`selectFeatures`).
   */
  async costs(model: ScoreModel, selection: Int32Array, features: TableFeatures): Promise<Float32Array> {
    try {
      return await this.#ask(model, selection, features);
    } catch (error) {
      if (wasAsked(error)) this.#counters[LearnerCounter.MODEL_FAILURES]++;
      throw error;
    }
  }

  async #ask(model: ScoreModel, selection: Int32Array, features: TableFeatures): Promise<Float32Array> {
    const servers = features.slots.length;
    if (servers === 0) return new Float32Array(0);
    const count = servers * features.columns;
    const rows = features.batch(selection, this.#rows);
    if (rows.buffer !== this.#rows.buffer) this.#rows = rows;
    const startedMs = this.#stopwatch();
    const scores = await model.predict(rows, count).catch((error: unknown) => {
      if (wasAsked(error)) this.#countDuration((this.#stopwatch() - startedMs) / 1000);
      throw error;
    });
    this.#countDuration((this.#stopwatch() - startedMs) / 1000);
    this.#counters[LearnerCounter.SCORES] += count;
    return costsOf(scores, model.outputKind, features.meanMs, servers, features.columns);
  }

  #countDuration(seconds: number): void {
    const bucket = INFERENCE_BOUNDS.findIndex((bound) => seconds <= bound);
    this.#counters[LearnerCounter.INFERENCE_SECONDS] += seconds;
    this.#counters[LearnerCounter.INFERENCE_BUCKETS + (bucket < 0 ? INFERENCE_BOUNDS.length : bucket)]++;
  }
}

/** A model server that is left alone neither failed nor took any time: it is counted when it is asked. */
function wasAsked(error: unknown): boolean {
  return !(error instanceof RemoteModelError && error.kind === "circuit_open");
}
