/** Histograms as they are exposed: cumulative buckets, a sum and a count. */
import type { Emit, Labels } from "./definition.ts";

/**
 * Emits the samples of one histogram.
 * @param bounds upper bounds of the buckets, seconds, rising.
 * @param counts by bound, not cumulative; one more than there are bounds, for what is beyond the last.
 */
export function emitHistogram(
  emit: Emit,
  bounds: readonly number[],
  counts: ArrayLike<number>,
  sumSeconds: number,
  labels: Labels = {},
): void {
  let count = 0;
  for (let i = 0; i < bounds.length; i++) {
    count += counts[i];
    emit(count, { ...labels, le: bounds[i] }, "_bucket");
  }
  count += counts[bounds.length];
  emit(count, { ...labels, le: "+Inf" }, "_bucket");
  emit(sumSeconds, labels, "_sum");
  emit(count, labels, "_count");
}
