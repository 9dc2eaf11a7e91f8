/**
 * The generic cell rate algorithm (ATM Forum, Traffic Management 4.0, section 4.4.2; the "virtual scheduling" form), in words of
 * 32 bits, so that one compare-and-swap decides. Of each key one time is kept, that of its theoretical arrival: when it would be
 * even again if nothing else came. A request moves it on by what one costs; it is refused when that would be more than the burst
 * ahead of now.
 *
 * Time is counted in units of a limit's own, of which a request costs a whole number: nothing is rounded from one request to the
 * next. Units wrap around. What is farther ahead of now than any request can have put it (`horizon`) has passed long ago.
 */

/** A rate, worked out. */
export interface GcraTerms {
  /** What one request costs, in units. */
  readonly cost: number;
  /** How far ahead of now a key may be, in units: the burst. */
  readonly most: number;
  /** Beyond it, nothing is ahead of now. */
  readonly horizon: number;
  readonly unitsPerMs: number;
}

/** A request costs so many units at most, and a unit is no shorter than a microsecond where that is possible. */
const MOST_COST = 64;
/** Workers' clocks, and what they have read of them when they are busy, differ by no more than this. */
const SLACK_MS = 10_000;
const MOST_HORIZON = 2 ** 30;
/** Alone, of so many instances that share a limit, one moves a key on by as many times what a request costs. */
export const MOST_INSTANCES = 1024;

/** Requests in a period that terms can be worked out for: at most `most` a second. */
export const RATE_BOUNDS = { leastPeriodMs: 1000, mostPerSecond: 1_000_000, mostBurst: 1_000_000 } as const;

/**
 * @param quota requests in a period, > 0.
 * @param burst how many may come at once, 1 … 1,000,000.
 */
export function gcraTerms(quota: number, periodMs: number, burst: number): GcraTerms {
  const intervalMs = periodMs / quota;
  const cost = Math.max(1, Math.min(MOST_COST, Math.floor(intervalMs * 1000)));
  const unitsPerMs = cost / intervalMs;
  const most = burst * cost;
  const farthest = 2 * Math.max(most, MOST_INSTANCES * cost);
  return { cost, most, horizon: Math.min(MOST_HORIZON, farthest + Math.ceil(SLACK_MS * unitsPerMs)), unitsPerMs };
}

/** A time in units, as it is kept. @param bootMs milliseconds of the boot clock. */
export function unitsAt({ unitsPerMs }: GcraTerms, bootMs: number): number {
  return (bootMs * unitsPerMs) | 0;
}

/** How far ahead of `now` a kept time is, in units; 0 = it has passed. */
export function aheadOf({ horizon }: GcraTerms, kept: number, now: number): number {
  const ahead = (kept - now) | 0;
  return ahead > 0 && ahead <= horizon ? ahead : 0;
}
