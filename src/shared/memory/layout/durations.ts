/**
 * The part of a worker's block that has durations by something else than a server: of requests by route and pool, of waiting by
 * pool, and an example of a traced request for each bucket. shared-memory.ts places it; its rules hold here too.
 */

/** Upper bounds of the classic buckets, seconds: the standard ones of the Prometheus clients, and finer below 5 ms. */
export const DURATION_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** One more is for what is beyond the last bound. */
export const DURATION_BUCKETS = DURATION_BOUNDS.length + 1;

/**
 * Native (exponential) buckets: bucket `i` ends at 2^((i + NATIVE_FIRST) / 8) seconds, inclusive, and begins where the one before
 * ends: schema 3 of Prometheus' native histograms. The first also takes all that is shorter (122 µs and less), the last all that
 * is longer (beyond 128 s).
 */
export const NATIVE_SCHEMA = 3;
export const NATIVE_FIRST = -104;
export const NATIVE_BUCKETS = 161;

/** Rows of a worker's table of durations: so many pairs of a route and a pool are told apart; the last is everything else's. */
export const DURATION_ROWS = 1_024;

/** One row (Float64): only ever growing. */
export const DurationWord = {
  SUM_SECONDS: 0,
  /** By `DURATION_BOUNDS`, not cumulative. */
  BUCKETS: 1,
  /** By native bucket, not cumulative. */
  NATIVE: 1 + DURATION_BUCKETS,
  /** Those of them that failed, by native bucket: a 5xx, or a response that broke off for no fault of the client's. */
  FAILED: 1 + DURATION_BUCKETS + NATIVE_BUCKETS,
  LENGTH: 1 + DURATION_BUCKETS + 2 * NATIVE_BUCKETS,
} as const;

/** A histogram with the classic buckets alone (Float64): of waiting, by pool; of connecting, by server. */
export const BriefDurationWord = { SUM_SECONDS: 0, BUCKETS: 1, LENGTH: 1 + DURATION_BUCKETS } as const;

/** An example of a classic bucket of one row (Float64, unless said otherwise). */
export const ExemplarWord = {
  /** Int32, the first half of the word: odd while it is written; 0 = there is none. */
  SEQUENCE: 0,
  /** Seconds. */
  VALUE: 1,
  /** Milliseconds since the epoch. */
  TIME: 2,
  /** Trace id, 16 bytes in order. */
  TRACE_ID: 3,
  LENGTH: 5,
} as const;
