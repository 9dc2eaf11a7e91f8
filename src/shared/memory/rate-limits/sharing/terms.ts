/** How instances that share a limit count together, and when a worker goes on without the others. */
import { MOST_INSTANCES } from "../gcra.ts";
import { SharingWord } from "../limit-file.ts";

/** What a limit that instances share does while Redis is away: lets its part alone pass, or everything, or nothing. */
export const WHEN_AWAY = ["local", "open", "closed"] as const;
export type WhenAway = (typeof WHEN_AWAY)[number];

/** How instances count together. */
export interface SharedTerms {
  readonly whenAway: WhenAway;
  /** How much of the burst all instances together let pass of keys that they know nothing of, before Redis has been asked. */
  readonly advancePercent: number;
}

/** Redis that has said nothing for so long is away. */
export const AWAY_MS = 1000;
/** Who is refused because Redis is away, or has not been asked yet, may come again then. */
export const AGAIN_MS = 1000;

/** Is it, as the supervisor tells? */
export function isAway(words: Float64Array, bootMs: number): boolean {
  return !(bootMs - words[SharingWord.HEARD_MS] < AWAY_MS);
}

/** How many share it, this one included. */
export function instancesIn(words: Float64Array): number {
  return Math.min(MOST_INSTANCES, Math.max(1, words[SharingWord.INSTANCES]));
}

/**
 * Requests of a key that an instance knows nothing of that it lets pass before Redis has been asked: of what all instances may together,
 * `percent` of `most`, its part; and one at least, unless it is to be none.
 */
export function advance(most: number, percent: number, instances: number): number {
  return percent === 0 ? 0 : Math.max(1, Math.floor((most * percent) / 100 / instances));
}
