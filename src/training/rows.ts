/** Training rows: what was known when a request was placed, and how long it took. */
import { FEATURE_COUNT } from "../learning/fleet-features.ts";

/** Rows in columns, bounded in number. */
export class TrainingRows {
  readonly capacity: number;
  /** `[capacity × FEATURE_COUNT]`, NaN = unknown. */
  readonly features: Float32Array;
  /** `[capacity]`: latency relative to the fleet's mean at that time. */
  readonly target: Float32Array;
  /** `[capacity]`: how much each row counts. */
  readonly weight: Float32Array;
  #length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.features = new Float32Array(capacity * FEATURE_COUNT);
    this.target = new Float32Array(capacity);
    this.weight = new Float32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** Adds a row unless it is full. @param row `[FEATURE_COUNT]`. @param target > 0. */
  add(row: ArrayLike<number>, target: number, weight = 1): void {
    if (this.full) return;
    this.features.set(row, this.#length * FEATURE_COUNT);
    this.target[this.#length] = target;
    this.weight[this.#length] = weight;
    this.#length++;
  }
}
