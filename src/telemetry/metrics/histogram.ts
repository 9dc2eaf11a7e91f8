/** Histograms as they are exposed. */
import type { Emit, HistogramFigures, Labels } from "./definition.ts";

/**
 * Emits one histogram.
 * @param bounds upper bounds of the buckets, seconds, rising.
 * @param counts by bound, not cumulative; one more than there are bounds, for what is beyond the last.
 * @param more exemplars by bucket, and native buckets, where they are kept.
 */
export function emitHistogram(
  emit: Emit,
  bounds: readonly number[],
  counts: ArrayLike<number>,
  sumSeconds: number,
  labels?: Labels,
  more?: Pick<HistogramFigures, "exemplars" | "native">,
): void {
  emit.histogram({ bounds, counts, sum: sumSeconds, ...more }, labels);
}
