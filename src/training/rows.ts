/** Training rows: what was known when a request was placed, and how long it took. */
import { FEATURE_COUNT } from "../learning/features/fleet-features.ts";

/** The columns of some rows. */
export interface RowColumns {
  /** `[rows × FEATURE_COUNT]`, NaN = unknown. */
  readonly features: Float32Array;
  /** `[rows]`: latency relative to the fleet's mean at that time. */
  readonly target: Float32Array;
  /** `[rows]`: how much each row counts. */
  readonly weight: Float32Array;
}

/** Rows in columns, bounded in number. */
export class TrainingRows implements RowColumns {
  readonly capacity: number;
  readonly features: Float32Array;
  readonly target: Float32Array;
  readonly weight: Float32Array;
  #length = 0;

  /** @param columns memory to use, of that capacity. */
  constructor(capacity: number, columns?: RowColumns) {
    this.capacity = capacity;
    this.features = columns?.features ?? new Float32Array(capacity * FEATURE_COUNT);
    this.target = columns?.target ?? new Float32Array(capacity);
    this.weight = columns?.weight ?? new Float32Array(capacity);
  }

  /** Rows that are there already; the memory is shared. Throws a `RangeError` when the columns are not of one length. */
  static of(columns: RowColumns): TrainingRows {
    const { features, target, weight } = columns;
    const count = target.length;
    if (features.length !== count * FEATURE_COUNT || weight.length !== count) {
      throw new RangeError(
        `${count} targets need ${count * FEATURE_COUNT} features and ${count} weights: got ${features.length} and ${weight.length}`,
      );
    }
    const rows = new TrainingRows(count, columns);
    rows.#length = count;
    return rows;
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

  /** Adds rows until it is full. */
  append({ features, target, weight }: RowColumns): void {
    const count = Math.min(target.length, this.capacity - this.#length);
    this.features.set(features.subarray(0, count * FEATURE_COUNT), this.#length * FEATURE_COUNT);
    this.target.set(target.subarray(0, count), this.#length);
    this.weight.set(weight.subarray(0, count), this.#length);
    this.#length += count;
  }

  /** The rows `from` … `to - 1`; the memory is shared. */
  part(from: number, to: number): TrainingRows {
    return TrainingRows.of({
      features: this.features.subarray(from * FEATURE_COUNT, to * FEATURE_COUNT),
      target: this.target.subarray(from, to),
      weight: this.weight.subarray(from, to),
    });
  }
}
