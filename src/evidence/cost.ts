/** What an outcome cost, in mean latencies of the fleet: the one currency in which the judges compare policies. */

/**
 * No outcome costs more than this many mean latencies.
 *
 * A mean, because everybody's time counts and the tail is part of it; a median would not see the one request in a hundred
 * that a policy sends into a stalled server. Capped, because latencies have fat tails: of uncapped means a handful of
 * outcomes decide, their variance may not even be finite, and no confidence can be had of them. With a lognormal of
 * σ = 1 the cap lies at the 99.5th percentile: the tail counts, up to where chance would rule.
 */
export const COST_CAP = 8;

/** A failed attempt costs at least so many milliseconds … */
const FAILURE_MS = 1000;
/** … and at least so many mean latencies, so that failing at once never looks fast. As `FleetRegression` prices it. */
const FAILURE_LATENCIES = 3;

/**
 * Cost of one attempt, 0 … `COST_CAP`.
 * @param meanMs the fleet's mean latency when the attempt was dispatched, milliseconds.
 * @throws RangeError when a latency is no number from 0 up, or the mean is not above 0.
 */
export function costOf(latencyMs: number, failed: boolean, meanMs: number): number {
  if (!(latencyMs >= 0)) throw new RangeError(`latencyMs is ${latencyMs}; it must be a number from 0 up`);
  if (!isPositive(meanMs)) {
    throw new RangeError(`meanMs is ${meanMs}; it must be a finite number above 0`);
  }
  const countsMs = failed ? Math.max(latencyMs, FAILURE_MS, FAILURE_LATENCIES * meanMs) : latencyMs;
  return Math.min(countsMs / meanMs, COST_CAP);
}

/** True for a finite number above 0: what can be divided by, and what a cost can be. */
export function isPositive(value: number): boolean {
  return value > 0 && value < Number.POSITIVE_INFINITY;
}
