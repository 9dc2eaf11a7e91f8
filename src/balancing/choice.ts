/**
 * How a choice came about, as strategies say it: what their numbers are, which of them is chosen, and what the number of each
 * candidate was. Processes of one run share these numbers.
 */

/** What the numbers of a choice are. */
export const Scale = {
  /** The strategy has none. */
  NONE: 0,
  /** Turns until it is a server's: 0 = now. */
  TURN: 1,
  /** What a server had earned and not yet spent. */
  CREDIT: 2,
  /** (In flight + 1) / weight. */
  LOAD: 3,
  /** Probability of being drawn. */
  CHANCE: 4,
  /** Peak EWMA × (in flight + 1) / weight, milliseconds. */
  PEAK_LOAD: 5,
  /** EWMA × (in flight + 1) / weight, milliseconds. */
  LATENCY_LOAD: 6,
  /** Latency to expect × stall × crowd / weight, milliseconds. */
  EXPECTED: 7,
  /** What the table of a model said, as `ml` compares it. */
  MODEL: 8,
  /** Weighted distance of a key to a server. */
  HASH: 9,
} as const;
export type Scale = (typeof Scale)[keyof typeof Scale];

/** Of which scales the highest number is chosen; of the others it is the lowest, or none is better (`CHANCE`). */
export function isHighestBest(scale: Scale): boolean {
  return scale === Scale.CREDIT || scale === Scale.CHANCE;
}

/** How a server came to be chosen. From `STICKY` on it was not the strategy that chose. */
export const Choice = {
  /** Nobody took it down. */
  UNKNOWN: 0,
  /** It had the best number. */
  BEST: 1,
  TURN: 2,
  DRAW: 3,
  /** It was the better one of two that were drawn. */
  BEST_OF_TWO: 4,
  /** It is the key's own. */
  OWNER: 5,
  /** It is the key's next: those before it had no room. */
  NEXT_OWNER: 6,
  /** Nothing is known of it: one request finds out. */
  PROBE: 7,
  /** Behind the best one, so that something is learned of it. */
  SECOND_BEST: 8,
  /** Its client sticks to it. */
  STICKY: 9,
  /** Nobody else could be asked. */
  ONLY_ONE: 10,
  /** It fails everything, and one request finds out whether it still does. */
  TRIAL: 11,
} as const;
export type Choice = (typeof Choice)[keyof typeof Choice];

/** Where a strategy says how its last choice came about. */
export interface ChoiceNotes {
  /** How, and what the numbers that follow are. Said before them. */
  made(choice: Choice, scale: Scale): void;
  /** The number of a candidate; of those that were not compared none is said. For strategies that compare few. */
  add(slot: number, score: number): void;
  /** By slot: where a strategy that compared all candidates puts their numbers, for `ranked`. */
  readonly scores: Float64Array;
  /**
   * As `add` for each of `candidates[0 … count)`, with the numbers in `scores`: of hundreds, a call for each would cost more than
   * the choice did.
   * @param roomPerWeight who had so much in flight, times its weight, was left out: it had all that the strategy grants it.
   */
  ranked(candidates: Int32Array, count: number, roomPerWeight?: number): void;
}
