/** Why a request went where it went: the body of `GET /api/v1/explain/<request id>`. Times of day are ISO 8601. */

import type { IneligibleServer, LearnedAttempt, NamedServer, ScoreParts } from "./learned.ts";
import type { RecentRequest } from "./recent.ts";

/** Why there was an attempt. */
export type AttemptKind = "first" | "retry" | "hedge" | "authorise";

/**
 * How its server came to be chosen, in a word; `why` beside it says the same in a sentence.
 * - `strategy`: its number was the best; `turn`, `draw`: it was its turn, or it was drawn;
 * - `best_of_two`: two were drawn, and it was the better one;
 * - `owner`, `next_owner`: the key's own server, or the next in the key's order because that one had its share;
 * - `probe`: nothing was known of it, and one request finds out;
 * - `model`, `second_best`, `estimator`, `floor`, `comparison`: see `policy` and `arm` (`ml`);
 * - `sticky`: its client sticks to it; `only_one`: nobody else could be asked;
 * - `trial`: it had failed everything, and one request finds out whether it still does;
 * - `unknown`: nobody took down how.
 */
export type ChoiceWord =
  | "strategy"
  | "turn"
  | "draw"
  | "best_of_two"
  | "owner"
  | "next_owner"
  | "probe"
  | "model"
  | "second_best"
  | "estimator"
  | "floor"
  | "comparison"
  | "sticky"
  | "only_one"
  | "trial"
  | "unknown";

/** What the numbers of a choice are. */
export interface ScoreScale {
  /** In the strategy's own words: `(in_flight + 1) / weight`. */
  readonly name: string;
  /** Which of them is chosen; `none` = they are chances. */
  readonly best: "lowest" | "highest" | "none";
  /** `ms`, or empty. */
  readonly unit: string;
}

/** A server that could have been chosen. */
export interface ExplainedCandidate extends NamedServer {
  readonly chosen: boolean;
  /** Requests at the server by then, without the one to be placed. */
  readonly in_flight: number;
  /** In force then: the configured one, reduced during slow start. */
  readonly weight: number;
  /** What was compared; `null` = the strategy did not look at it. */
  readonly score: number | null;
  /** It has all that the strategy grants it (`consistent_hash`: its share of the load). */
  readonly full: boolean;
  /** What made the score, and what the model knew (`ml`, as the learner remembers it); else `null`. */
  readonly parts: ScoreParts | null;
  readonly features: Readonly<Record<string, number | null>> | null;
}

/** One attempt of the request. */
export interface ExplainedAttempt extends NamedServer {
  readonly at: string;
  readonly worker: number;
  readonly kind: AttemptKind;
  /** Name of the pool that it was placed in; `null` = it is not known any more. */
  readonly pool: string | null;
  readonly strategy: string;
  readonly choice: ChoiceWord;
  /** A sentence. */
  readonly why: string;
  /** What the candidates' scores are; `null` = there are none. */
  readonly scale: ScoreScale | null;
  /** How long the request was held before it because of learned limits, milliseconds; 0 = it was not. */
  readonly held_ms: number;
  /** No server had a place when its patience was over. */
  readonly sent_anyway: boolean;
  /** What the request was expected to cost there, in mean requests; `null` = no classes of requests are told apart. */
  readonly expected_cost: number | null;
  /** The class that it is of by now, method and path template; `null` = the rest, or none is told apart. */
  readonly request_class: string | null;
  /** Until the request could be sent, milliseconds; 0 = on a kept connection, `null` = it never could. */
  readonly connect_ms: number | null;
  /** Until the complete response head; `null` = none came. */
  readonly head_ms: number | null;
  /** Until the attempt was over. */
  readonly total_ms: number | null;
  /** Status of its response head; `null` = none came. */
  readonly status: number | null;
  /** Why it ended before its response was complete (docs/operations.md#errors-with-a-code); `null` = it did not. */
  readonly failure: string | null;
  /** Its response was the client's. */
  readonly responded: boolean;
  /** How it ended, in a sentence. */
  readonly result: string;
  /** As the learner, or the worker, has it; `null` = it was given up without a verdict. */
  readonly outcome: { readonly latency_ms: number; readonly failed: boolean } | null;
  /** Candidates there were; the list has the best of them. */
  readonly candidate_count: number;
  readonly candidates: readonly ExplainedCandidate[];
  /** Servers of the pool that were none; the list has some of them, `ineligible_by_state` counts all. */
  readonly ineligible_count: number;
  readonly ineligible: readonly IneligibleServer[];
  readonly ineligible_by_state: Readonly<Record<string, number>>;
  // Of `ml`; `null` = another strategy, or the learner does not remember it:
  readonly arm: LearnedAttempt["arm"] | null;
  readonly policy: LearnedAttempt["policy"] | null;
  readonly propensity: number | null;
  readonly table: LearnedAttempt["table"];
}

/** Why a request went where it went. */
export interface Explanation extends RecentRequest {
  /** What became of it, in a few sentences. */
  readonly summary: string;
  /** Why it waited; `null` = it did not. */
  readonly wait_reason: string | null;
  /** In the order in which they began; fewer than `attempt_count` where there was no room for all. */
  readonly attempts: readonly ExplainedAttempt[];
  /** Other requests that came under the same id (a trusted peer's), newest first. */
  readonly same_id: readonly RecentRequest[];
  /** Why nothing of the learner is in it; `null` = it is, or no attempt is `ml`'s. */
  readonly learner: string | null;
}
