/** Every tunable of the judge of holding, with its reason. Times in milliseconds. */

/** When holding is turned off, and how it comes back. */
export interface HoldingJudgeOptions {
  /** A slice lasts so long, or so many of the servers' mean latencies where these are longer, up to the longest. */
  readonly sliceMs: number;
  readonly sliceLatencies: number;
  readonly longestSliceMs: number;
  /** The first part of it that does not count: what was before works off. */
  readonly settleShare: number;
  /** After a block its last responses are waited for, mean latencies: as many as a cost counts at most. */
  readonly settleLatencies: number;
  /**
   * A slice begins when nobody is held; when that does not come by itself for so long, it is brought about, and after twice as
   * long the next time: a fleet that has too much to do would show the same, and is not disturbed for nothing.
   */
  readonly longestWaitMs: number;
  /** Slices that are compared with each other, an even number. */
  readonly slicesPerBlock: number;
  /** Of those, the ones without holding; half of them while holding is suspected, or on probation. */
  readonly without: number;
  /** Evidence from which on it is suspected. */
  readonly doubt: number;
  /** Differences in cost that the evidence bets on; half of the least is tolerated for ever (`SequentialEvidence`). */
  readonly bets: readonly number[];
  /** Evidence that is enough: without a difference that comes once in so many blocks on average. */
  readonly enough: number;
  /** What a summary of the present means. */
  readonly windowMs: number;
  /** First time without holding; each further one is twice as long as the one before. */
  readonly holdMs: number;
  readonly longestHoldMs: number;
  /** Blocks of a probation. */
  readonly probationBlocks: number;
  /** Probability of refusing what is no worse, at a probation. */
  readonly probationError: number;
  /** Worse than this share is no return. */
  readonly tolerance: number;
  /** So long without trouble forgives everything. */
  readonly forgiveMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Found with test/unit/learning/judge/holding/ and `npm run bench:holding`. */
export const HOLDING_JUDGE_DEFAULTS: HoldingJudgeOptions = Object.freeze({
  sliceMs: SECOND,
  sliceLatencies: 5,
  longestSliceMs: 4 * SECOND,
  settleShare: 0.3,
  settleLatencies: 8,
  longestWaitMs: MINUTE,
  slicesPerBlock: 30,
  without: 2,
  doubt: 5,
  bets: Object.freeze([0.1, 0.2, 0.4, 0.8, 1.6]),
  enough: 1000,
  windowMs: 5 * MINUTE,
  holdMs: 10 * SECOND,
  longestHoldMs: 10 * MINUTE,
  probationBlocks: 1,
  probationError: 0.05,
  tolerance: 0.03,
  forgiveMs: 10 * MINUTE,
});
