/** How a limit decides about a request, whatever it counts. */
import type { KeyHash } from "./half-sip-hash.ts";

/** What became of a question. */
export const Verdict = {
  ALLOWED: 0,
  REFUSED: 1,
  /** Nobody can tell: there is no place for the key. */
  NO_PLACE: 2,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Decides of one limit. The figures are of the last question. */
export interface LimitCounts {
  /** May one more request of this key pass? If so, it is counted. @param bootMs milliseconds of the boot clock. */
  take(hash: KeyHash, bootMs: number, forgets: boolean): Verdict;
  /** Where that was counted. */
  readonly place: number;
  /** How many more may pass now. */
  readonly remaining: number;
  /** How long it stays so at least, milliseconds; after a refusal, until one may pass. 0 = nobody can tell. */
  readonly waitMs: number;
  /** Another key was forgotten for it. */
  readonly forgot: boolean;
  /** What a request is counted for it gives back when it is over. */
  readonly endsWithRequest: boolean;
  /** The request is over, or was not to be counted after all. @param place as `take` left it. */
  giveBack(place: number): void;
}
