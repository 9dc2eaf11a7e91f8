/**
 * A model behind `ML_MODEL_ENDPOINT`. It is asked off the request path; when it cannot be asked, the caller learns at once
 * and routes by other means.
 */
import { InferenceHistogram } from "../../../telemetry/metrics/learned/inference-histogram.ts";
import { CONTRACT_FEATURES } from "../../features/feature-names.ts";
import { checkRows, type ScoreModel } from "../score-model.ts";
import { CircuitBreaker, type CircuitState } from "./circuit-breaker.ts";
import { type PredictEntry, predictUrl, RemoteModelError, requestPredictions } from "./predict-request.ts";
import { PredictionCache } from "./prediction-cache.ts";

/** Rows of one request at most: small enough for every server's limit on bodies. */
export const MAX_ROWS_PER_REQUEST = 256;
/** Requests at once, for one prediction of many rows. */
const LANES = 4;
/** Failed predictions in a row after which the server is left alone. */
export const FAILURES_TO_OPEN = 5;
/** A score is used again for so long. */
export const CACHE_TTL_MS = 5000;

/** How a model server is asked. */
export interface RemoteModelOptions {
  /** `ML_MODEL_ENDPOINT`. */
  readonly endpoint: string;
  /** For each request. */
  readonly timeoutMs: number;
  readonly circuitBreakerResetMs: number;
  /** Scores that are kept; 0 = none. */
  readonly cacheSize: number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch, for the request's `ts`. */
  readonly wallMs: () => number;
}

/** Counts since the model was made. */
export interface RemoteModelFigures {
  /** Scores that the server gave. */
  readonly predictions: number;
  /** Predictions that failed; those that an open circuit refused are not among them. */
  readonly errors: number;
  /** Scores that were known from earlier predictions, and used: those of predictions that failed are not among them. */
  readonly cacheHits: number;
  readonly circuit: CircuitState;
  readonly timesOpened: number;
  /** Of requests that were answered. */
  readonly inference: InferenceHistogram;
}

/** Rows that share a score, and the entry that asks for it. */
interface Question {
  readonly entry: PredictEntry;
  readonly key: string | null;
  readonly rows: number[];
}

export class RemoteModel implements ScoreModel {
  readonly featureNames: readonly string[] = CONTRACT_FEATURES;
  readonly outputKind = "score";
  readonly #options: RemoteModelOptions;
  readonly #url: string;
  readonly #breaker: CircuitBreaker;
  readonly #cache: PredictionCache | null;
  readonly #inference = new InferenceHistogram();
  readonly #end = new AbortController();
  #predictions = 0;
  #errors = 0;
  #cacheHits = 0;
  /** Why the last prediction that failed did. */
  #problem = "";

  constructor(options: RemoteModelOptions) {
    const { endpoint, circuitBreakerResetMs, cacheSize, nowMs } = options;
    this.#options = options;
    this.#url = predictUrl(endpoint);
    this.#breaker = new CircuitBreaker({ failures: FAILURES_TO_OPEN, resetMs: circuitBreakerResetMs, nowMs });
    this.#cache =
      cacheSize === 0
        ? null
        : new PredictionCache({ featureNames: CONTRACT_FEATURES, size: cacheSize, ttlMs: CACHE_TTL_MS, nowMs });
  }

  get circuit(): CircuitState {
    return this.#breaker.state;
  }

  /** The counts as they are now. */
  figures(): RemoteModelFigures {
    return {
      predictions: this.#predictions,
      errors: this.#errors,
      cacheHits: this.#cacheHits,
      circuit: this.#breaker.state,
      timesOpened: this.#breaker.timesOpened,
      inference: this.#inference,
    };
  }

  /** Rejects with a `RemoteModelError`; scores that other requests of the same prediction brought are kept. */
  async predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array> {
    checkRows(this, rows, count);
    this.#end.signal.throwIfAborted();
    const scores = new Float32Array(count);
    const { questions, known } = this.#lookUp(rows, scores);
    if (questions.length > 0) await this.#askPermitted(questions, scores);
    this.#cacheHits += known;
    return scores;
  }

  async #askPermitted(questions: readonly Question[], scores: Float32Array): Promise<void> {
    const permit = this.#breaker.ask();
    if (permit === null) {
      throw new RemoteModelError(
        "circuit_open",
        `${this.#url} is not asked: it failed ${FAILURES_TO_OPEN} times in a row, the last time because ${this.#problem}`,
      );
    }
    try {
      await this.#ask(questions, scores);
      permit.succeeded();
    } catch (error) {
      permit.failed();
      this.#errors++;
      this.#problem = (error as Error).message;
      throw error;
    }
  }

  async release(): Promise<void> {
    this.#end.abort(new RemoteModelError("released", "the model was released"));
    this.#cache?.clear();
  }

  /** Fills in what is known, and says how many these are and what has to be asked for. */
  #lookUp(rows: Float64Array | Float32Array, scores: Float32Array): { questions: Question[]; known: number } {
    const n = this.featureNames.length;
    const questions: Question[] = [];
    const byKey = new Map<string, Question>();
    let hits = 0;
    for (let row = 0; row < scores.length; row++) {
      const key = this.#cache?.keyOf(rows, row * n) ?? null;
      const known = key === null ? undefined : this.#cache?.get(key);
      const asked = key === null ? undefined : byKey.get(key);
      if (known !== undefined) {
        scores[row] = known;
        hits++;
        continue;
      }
      if (asked !== undefined) {
        asked.rows.push(row);
        continue;
      }
      const question = { entry: this.#entryOf(rows, row * n, questions.length), key, rows: [row] };
      questions.push(question);
      if (key !== null) byKey.set(key, question);
    }
    return { questions, known: hits };
  }

  /** `weight` is in every request of the contract; what the balancer's weights do is no business of the model. */
  #entryOf(rows: ArrayLike<number>, at: number, index: number): PredictEntry {
    const entry: Record<string, number> = { server_id: index, weight: 1 };
    for (const [i, name] of this.featureNames.entries()) {
      if (Number.isFinite(rows[at + i])) entry[name] = rows[at + i];
    }
    return entry;
  }

  /** In requests of bounded size, some at once; the first that fails ends the others. */
  async #ask(questions: readonly Question[], scores: Float32Array): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#end.signal, failed.signal]);
    let next = 0;
    const lane = async () => {
      while (next < questions.length) {
        const chunk = questions.slice(next, next + MAX_ROWS_PER_REQUEST);
        next += MAX_ROWS_PER_REQUEST;
        await this.#askOnce(chunk, scores, signal);
      }
    };
    try {
      await Promise.all(Array.from({ length: LANES }, lane));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }

  async #askOnce(questions: readonly Question[], scores: Float32Array, signal: AbortSignal): Promise<void> {
    const { nowMs, wallMs, timeoutMs } = this.#options;
    const startedMs = nowMs();
    const request = { servers: questions.map(({ entry }) => entry), ts: new Date(wallMs()).toISOString() };
    const predictions = await requestPredictions(request, { url: this.#url, timeoutMs, signal });
    this.#inference.add((nowMs() - startedMs) / 1000);
    this.#predictions += predictions.length;
    for (const [i, { key, rows }] of questions.entries()) {
      for (const row of rows) scores[row] = predictions[i];
      if (key !== null) this.#cache?.set(key, predictions[i]);
    }
  }
}
