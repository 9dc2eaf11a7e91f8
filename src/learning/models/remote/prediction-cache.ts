/** Scores of servers that were in the same state a moment ago, by all their features, each rounded to what matters. */
import { LRUCache } from "lru-cache";

/** Steps of the features whose fine differences say nothing; the others count exactly. */
const STEPS: Readonly<Record<string, (value: number) => number>> = {
  cpu_usage: (percent) => Math.round(percent / 2),
  memory_usage: (percent) => Math.round(percent / 5),
  error_rate: (share) => Math.round(share * 200),
  // Steps of 5 %, whatever the scale.
  response_p95: (ms) => Math.round(Math.log(Math.max(ms, 0.001)) * 20),
};

/** How large and how old. */
export interface PredictionCacheOptions {
  /** What the columns of rows are. */
  readonly featureNames: readonly string[];
  /** Scores at most; at least 1. */
  readonly size: number;
  /** A score is used for so long: the model behind it may be replaced. Milliseconds. */
  readonly ttlMs: number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

export class PredictionCache {
  readonly #steps: readonly ((value: number) => number)[];
  readonly #scores: LRUCache<string, number>;

  constructor({ featureNames, size, ttlMs, nowMs }: PredictionCacheOptions) {
    this.#steps = featureNames.map((name) => STEPS[name] ?? ((value) => value));
    // A clock reading for every look: the resolution that is kept for a timer's turn would outlive a fresh entry.
    this.#scores = new LRUCache({ max: size, ttl: ttlMs, ttlResolution: 0, perf: { now: nowMs } });
  }

  /** The key of the row that begins at `at`. What is unknown (NaN) is a state of its own. */
  keyOf(rows: ArrayLike<number>, at: number): string {
    return this.#steps.map((step, i) => step(rows[at + i])).join();
  }

  get(key: string): number | undefined {
    return this.#scores.get(key);
  }

  set(key: string, score: number): void {
    this.#scores.set(key, score);
  }

  clear(): void {
    this.#scores.clear();
  }
}
