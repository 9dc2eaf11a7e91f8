/** How learned balancing serves while nothing is on trial: the learner process does it so, and so does the simulator. */
import { JUDGE_DEFAULTS } from "../judge/options.ts";

/** Periods in milliseconds, shares of requests 0 … 1. */
export const SERVING_DEFAULTS = Object.freeze({
  /** From one score table to the next. Shorter gains nothing; a second is too long. */
  tableMs: 50,
  /** Placed by the policy one rung below, to be compared with. */
  controlShare: JUDGE_DEFAULTS.guardrail.controlShare,
  /** Of the champion's requests, those that the second best server gets: what is never tried cannot be judged. */
  secondShare: 0.01,
});
