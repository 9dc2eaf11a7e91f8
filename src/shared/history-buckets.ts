/**
 * The histogram of durations that is kept for a long time: 8 buckets in every power of two of microseconds, half as many as
 * those in memory have (latency-buckets.ts), from 128 µs to 134 s. A quantile read from it is within about 4.5 % of the
 * truth; histograms of the same buckets are added up, whoever counted them.
 */
import { bucketLowerMs, bucketOf } from "./latency-buckets.ts";

/** Fine buckets 0 … 63 (below 128 µs) are bucket 0; above, two of them are one. */
const FIRST_FINE = 64;
const LAST_FINE = 384;

/** Buckets of one histogram. The first also takes all that is shorter, the last all that is longer. */
export const historyBucketCount = (LAST_FINE - FIRST_FINE) / 2 + 2;

/** Index of the bucket that a duration in milliseconds falls in. */
export function historyBucketOf(durationMs: number): number {
  const fine = bucketOf(durationMs);
  if (fine < FIRST_FINE) return 0;
  return fine >= LAST_FINE ? historyBucketCount - 1 : ((fine - FIRST_FINE) >> 1) + 1;
}

/** Lower bound of a bucket, milliseconds. */
export function historyBucketLowerMs(index: number): number {
  return index === 0 ? 0 : bucketLowerMs(FIRST_FINE + (index - 1) * 2);
}

/** Upper bound of a bucket (exclusive), milliseconds; `Infinity` for the last. */
export function historyBucketUpperMs(index: number): number {
  return index >= historyBucketCount - 1 ? Number.POSITIVE_INFINITY : historyBucketLowerMs(index + 1);
}

/**
 * The `q`-quantile (0 … 1) of a histogram of counts, milliseconds, interpolated within its bucket; NaN when it is empty.
 */
export function historyQuantileMs(counts: ArrayLike<number>, q: number): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return Number.NaN;
  const rank = q * total;
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    const n = counts[i];
    if (n > 0 && seen + n >= rank) {
      const low = historyBucketLowerMs(i);
      const high = historyBucketUpperMs(i);
      return Number.isFinite(high) ? low + ((rank - seen) / n) * (high - low) : low;
    }
    seen += n;
  }
  return historyBucketLowerMs(historyBucketCount - 1);
}
