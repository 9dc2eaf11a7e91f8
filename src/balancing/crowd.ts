/** The crowd at a server: what a request does to those that come after it, beyond the latency to expect. */

/** How much a request in flight that another balancer sent adds to the crowd, in requests of one's own. */
const OTHERS = 0.1;

/**
 * By what an expected latency is multiplied, ≥ 1. Adaptive says why others count less.
 * @param waiting requests that this balancer itself waits for there.
 * @param inFlight all that are there.
 */
export function crowdFactor(waiting: number, inFlight: number): number {
  return Math.sqrt(1 + waiting + OTHERS * Math.max(0, inFlight - waiting));
}
