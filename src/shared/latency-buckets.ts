/**
 * A log-linear histogram of durations (after HdrHistogram): 16 buckets in every power of two of microseconds, so that a
 * quantile read from it is within about 3 % of the truth from 16 µs to 9 minutes.
 */
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
const OCTAVES = 26;

/** Buckets of one histogram. The first 16 are linear (1 µs each), the last also takes all that is longer. */
export const bucketCount = SUB * OCTAVES;

/** Index of the bucket that a duration in milliseconds falls in. */
export function bucketOf(durationMs: number): number {
  const us = (durationMs * 1000) | 0;
  if (durationMs >= 2_000_000) return bucketCount - 1;
  if (us < SUB) return Math.max(us, 0);
  const octave = 31 - Math.clz32(us) - SUB_BITS;
  const index = (octave + 1) * SUB + ((us >> octave) & (SUB - 1));
  return index < bucketCount ? index : bucketCount - 1;
}

/** Lower bound of a bucket, milliseconds. */
export function bucketLowerMs(index: number): number {
  if (index < SUB) return index / 1000;
  const octave = (index >> SUB_BITS) - 1;
  return ((SUB + (index & (SUB - 1))) * 2 ** octave) / 1000;
}

/** Upper bound of a bucket (exclusive), milliseconds; `Infinity` for the last. */
export function bucketUpperMs(index: number): number {
  return index >= bucketCount - 1 ? Number.POSITIVE_INFINITY : bucketLowerMs(index + 1);
}

/**
 * The `q`-quantile (0 … 1) of a histogram of counts, milliseconds, interpolated within its bucket; NaN when it is empty.
 */
export function quantileMs(counts: ArrayLike<number>, q: number): number {
  let total = 0;
  for (let i = 0; i < bucketCount; i++) total += counts[i];
  if (total === 0) return Number.NaN;
  const rank = q * total;
  let seen = 0;
  for (let i = 0; i < bucketCount; i++) {
    const n = counts[i];
    if (n > 0 && seen + n >= rank) {
      const low = bucketLowerMs(i);
      if (i === bucketCount - 1) return low;
      return low + ((rank - seen) / n) * (bucketUpperMs(i) - low);
    }
    seen += n;
  }
  return bucketLowerMs(bucketCount - 1);
}
