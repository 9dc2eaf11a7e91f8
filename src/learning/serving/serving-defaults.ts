/** How learned balancing serves while nothing is on trial: the learner process does it so, and so does the simulator. */

/** Periods in milliseconds, shares of requests 0 … 1. */
export const SERVING_DEFAULTS = Object.freeze({
  /** From one score table to the next. Shorter gains nothing; a second is too long. */
  tableMs: 50,
  /** Of the champion's requests, those that the second best server gets: what is never tried cannot be judged. */
  secondShare: 0.01,
});
