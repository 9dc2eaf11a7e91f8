/** A histogram of how long predictions take, kept in this process. */
import type { Emit } from "../definition.ts";
import { emitHistogram } from "../histogram.ts";

/** Upper bounds of the buckets, seconds: from a small batch in this process to a slow response over a network. */
const BOUNDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export class InferenceHistogram {
  /** By upper bound, not cumulative; the last entry is beyond the last bound. */
  readonly buckets = new Float64Array(BOUNDS.length + 1);
  sumSeconds = 0;

  get count(): number {
    return this.buckets.reduce((sum, count) => sum + count, 0);
  }

  add(seconds: number): void {
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    this.buckets[at < 0 ? BOUNDS.length : at]++;
    this.sumSeconds += seconds;
  }

  /** The samples of a Prometheus histogram. */
  emit(emit: Emit): void {
    emitHistogram(emit, BOUNDS, this.buckets, this.sumSeconds);
  }
}
