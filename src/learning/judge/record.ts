/** What the learner hands to the judges about one finished attempt. */

import type { Arm } from "../../shared/memory/layout/learning.ts";

/** One finished attempt. */
export interface AttemptRecord {
  /** Drawn before the server was chosen, so arms differ in their policy only. A `probe` counts for nobody. */
  readonly arm: Arm;
  /** Model whose table chose; `null` when a classical policy did. */
  readonly modelVersion: number | null;
  readonly slot: number;
  readonly latencyMs: number;
  /** What a mean request would have taken in its place, where classes of requests are told apart. Left out = the same. */
  readonly typicalMs?: number;
  readonly failed: boolean;
  /** In flight at the server when the attempt was dispatched, without it. */
  readonly inFlight: number;
  readonly dispatchedMs: number;
  readonly endedMs: number;
  /** Probability with which its arm chose this server, 0 … 1. */
  readonly propensity: number;
  /** The fleet's mean latency when it was dispatched, milliseconds. */
  readonly meanMs: number;
  /** Servers that could be chosen. */
  readonly candidates: ArrayLike<number>;
  /** In flight at each of them at the decision, in the same order. */
  readonly candidatesInFlight: ArrayLike<number>;
}

/** A model as it stood when a decision was made, for off-policy work. */
export interface PolicyView {
  /** Routing score: the least is chosen. NaN = the model failed. */
  readonly score: (slot: number, inFlight: number) => number;
  /** Expected cost of a request, relative to the fleet's mean latency, > 0. NaN = the model failed. */
  readonly predicted: (slot: number, inFlight: number) => number;
}

/** What the learner knew when a decision was made. */
export interface DecisionViews {
  readonly candidate: PolicyView;
  /** The policy that serves: the champion, or the estimator where it has taken over. */
  readonly incumbent: PolicyView;
  /** Simple outcome model: the estimator's d(k) / M. */
  readonly direct: (slot: number, inFlight: number) => number;
}
