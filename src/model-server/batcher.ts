/** Puts requests that wait for a model at the same time into one batch: a run costs much more than a row. */
import type { ScoreModel } from "../learning/models/score-model.ts";

/** Rows of one run at most, so that small requests do not wait long behind large ones. */
export const MAX_ROWS_PER_RUN = 4096;

interface Waiting {
  readonly rows: Float64Array;
  readonly count: number;
  readonly resolve: (scores: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher {
  readonly #model: ScoreModel;
  readonly #onRun: (rows: number, seconds: number) => void;
  readonly #nowMs: () => number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  /** @param onRun told of every run that gave scores. @param nowMs monotonic clock, milliseconds. */
  constructor(model: ScoreModel, onRun: (rows: number, seconds: number) => void, nowMs: () => number) {
    this.#model = model;
    this.#onRun = onRun;
    this.#nowMs = nowMs;
  }

  /** As `ScoreModel.predict`; `rows` must not change before it is answered. */
  predict(rows: Float64Array, count: number): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, count, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Answers what waits, then releases the model. Nothing may be asked after this is called. */
  async close(): Promise<void> {
    await this.#running;
    await this.#model.release();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#runBatch(this.#takeBatch());
    this.#running = null;
  }

  #takeBatch(): Waiting[] {
    let rows = 0;
    const end = this.#waiting.findIndex(({ count }, i) => {
      rows += count;
      return i > 0 && rows > MAX_ROWS_PER_RUN;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const scores = await this.#run(batch);
      let at = 0;
      for (const { count, resolve } of batch) {
        resolve(scores.subarray(at, at + count));
        at += count;
      }
    } catch (error) {
      if (batch.length === 1) return batch[0].reject(error);
      // One request's rows may be what no model can score: the others must not fail with it.
      for (const one of batch) await this.#runBatch([one]);
    }
  }

  async #run(batch: readonly Waiting[]): Promise<Float32Array> {
    const total = batch.reduce((sum, { count }) => sum + count, 0);
    const startedMs = this.#nowMs();
    const scores = await this.#model.predict(joinRows(batch), total);
    this.#onRun(total, (this.#nowMs() - startedMs) / 1000);
    return scores;
  }
}

function joinRows(batch: readonly Waiting[]): Float64Array {
  if (batch.length === 1) return batch[0].rows;
  const joined = new Float64Array(batch.reduce((sum, { rows }) => sum + rows.length, 0));
  let at = 0;
  for (const { rows } of batch) {
    joined.set(rows, at);
    at += rows.length;
  }
  return joined;
}
