/** Every tunable of the judges, with its reason. Times in milliseconds, shares and margins as fractions. */

import type { ArmComparisonOptions } from "../../evidence/arm-comparison.ts";
import { STALE_TABLE_MS } from "../../shared/memory/layout/learning.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** When the guardrail goes down the ladder and how it comes back. */
export interface GuardrailOptions {
  /** Share of requests that the policy one rung below routes. */
  readonly controlShare: number;
  /** Differences in cost that the evidence bets on; half of the least is tolerated for ever (SequentialEvidence). */
  readonly bets: readonly number[];
  /** The same for the logarithm of the cost: the faster test, for what is very bad. */
  readonly logBets: readonly number[];
  /** Without a difference, each of the two tests demotes at most once in so long on average. */
  readonly falseAlarmEveryMs: number;
  /** What a summary of the present means. */
  readonly windowMs: number;
  /** Worse by this share in the window is very bad: then the faster test decides. */
  readonly veryBad: number;
  /** An older score table is stale. */
  readonly tableAgeMs: number;
  /** First time below; each further one is twice as long as the one before. */
  readonly holdMs: number;
  readonly longestHoldMs: number;
  /** A model server that was away must have been there again for so long. */
  readonly backMs: number;
  /** So long without trouble forgives everything. */
  readonly forgiveMs: number;
  /** Share of requests that the model gets on probation. */
  readonly probationShare: number;
  readonly probationMs: number;
  /** It returns after so many outcomes of its own … */
  readonly probationOutcomes: number;
  /** … or, where traffic is too thin for that, after so long without evidence against it. */
  readonly longestProbationMs: number;
  /** Probability of refusing a model that is no worse. */
  readonly probationError: number;
  /** Worse than this share is no return. */
  readonly tolerance: number;
}

/** When inputs are no longer what the model was trained on. */
export interface DriftOptions {
  readonly windowMs: number;
  /** Inputs of a feature in the window below which nothing is said. */
  readonly leastInputs: number;
  /** Shift of the mean that is drift, in standard deviations … */
  readonly shift: number;
  /** … if so large a share of inputs is beyond the network's input limit. */
  readonly beyondShare: number;
  /** One input counts as at most so many standard deviations. */
  readonly clip: number;
  /** Least scale of a feature, as a share of its mean, and in its own unit. */
  readonly leastRelativeScale: number;
  readonly leastScale: number;
  /** Features that matter less to the model than this share of the most important one are not looked at. */
  readonly leastRelevance: number;
  /** A feature that used to be known is lost when this share of inputs is unknown. */
  readonly unknownShare: number;
  /** It used to be known when, before that, more than this share was. */
  readonly knownShare: number;
}

/** When a candidate has seen enough of other people's traffic. */
export interface ShadowOptions {
  readonly leastRecords: number;
  readonly leastMs: number;
  readonly mostRecords: number;
  readonly mostMs: number;
  /** Estimated cost may be this share above the champion's: the shadow keeps out what is bad, the canary picks what is good. */
  readonly tolerance: number;
  /** Standard deviations of confidence, one-sided. */
  readonly confidence: number;
  /** Importance weights are clipped here. */
  readonly clip: number;
  /** Decisions where the candidate's dissent was really tried, below which the estimate says nothing. */
  readonly leastOverlap: number;
  /** Deviance of its predictions may be this share above the incumbent's. */
  readonly devianceTolerance: number;
  /** Herding: it would send at least this share to one server, … */
  readonly herdShare: number;
  /** … this many times what that server gets now, … */
  readonly herdFactor: number;
  /** … and in this share of decisions even if four times as much were in flight there. */
  readonly herdStubbornness: number;
}

/** How a candidate earns or loses its place on real traffic. */
export interface CanaryOptions {
  readonly share: number;
  /** A canary that is worse by more than this is promoted with probability ≤ `promotionError`. */
  readonly margin: number;
  /** The same while the estimator serves because the champion was found worse: any model that keeps up with it is progress. */
  readonly replacementMargin: number;
  readonly promotionError: number;
  readonly promotionBets: readonly number[];
  /** Probability of stopping a canary that does no harm. */
  readonly harmError: number;
  readonly harmBets: readonly number[];
  /** No promotion before: a minute of traffic has seen more than one of its moods. */
  readonly leastMs: number;
  /** No difference shown until then: rejected, so that the next candidate gets its turn. */
  readonly mostMs: number;
}

/** How a promoted model is watched. */
export interface WatchOptions {
  readonly ms: number;
  /** Share of requests that the model before it keeps, to compare with. */
  readonly holdBackShare: number;
  /** Share of the control arm meanwhile; it gets the hold-back share too when there is no model before. */
  readonly controlShare: number;
  /** What a summary of the present means. */
  readonly windowMs: number;
  /** Probability of a roll-back without reason, for each of the two comparisons. */
  readonly error: number;
  readonly bets: readonly number[];
  /** Worse than its own record against control by this share is tolerated: winners of a trial are a little lucky. */
  readonly recordMargin: number;
}

/** Options of all judges. */
export interface JudgeOptions {
  readonly comparison: ArmComparisonOptions;
  /** Attempts that were dispatched up to so long after a change may still have been routed the old way. */
  readonly settleMs: number;
  readonly guardrail: GuardrailOptions;
  readonly drift: DriftOptions;
  readonly shadow: ShadowOptions;
  readonly canary: CanaryOptions;
  readonly watch: WatchOptions;
}

/** Found with the simulations in test/unit/learning/judge. */
export const JUDGE_DEFAULTS: JudgeOptions = deepFreeze({
  comparison: { bucketMs: SECOND, bucketOutcomes: 2, longestBucketMs: 30 * SECOND },
  settleMs: 500,
  guardrail: {
    controlShare: 0.05,
    bets: [0.06, 0.12, 0.25, 0.5, 1],
    logBets: [0.25, 0.5, 1],
    falseAlarmEveryMs: 24 * 60 * MINUTE,
    windowMs: 15 * SECOND,
    veryBad: 0.5,
    tableAgeMs: STALE_TABLE_MS,
    holdMs: 10 * SECOND,
    longestHoldMs: 10 * MINUTE,
    backMs: SECOND,
    forgiveMs: 10 * MINUTE,
    probationShare: 0.1,
    probationMs: 20 * SECOND,
    probationOutcomes: 500,
    longestProbationMs: 5 * MINUTE,
    probationError: 0.05,
    tolerance: 0.03,
  },
  drift: {
    windowMs: 5 * SECOND,
    leastInputs: 50,
    shift: 6,
    beyondShare: 0.6,
    clip: 10,
    leastRelativeScale: 0.05,
    leastScale: 0.01,
    leastRelevance: 0.01,
    unknownShare: 0.9,
    knownShare: 0.5,
  },
  shadow: {
    leastRecords: 2000,
    leastMs: 20 * SECOND,
    mostRecords: 50_000,
    mostMs: 3 * MINUTE,
    tolerance: 0.1,
    confidence: 1.645,
    clip: 100,
    leastOverlap: 20,
    devianceTolerance: 0.05,
    herdShare: 0.6,
    herdFactor: 1.5,
    herdStubbornness: 0.9,
  },
  canary: {
    share: 0.2,
    margin: 0.01,
    replacementMargin: 0.05,
    promotionError: 0.05,
    promotionBets: [0.03, 0.06, 0.12, 0.25, 0.5],
    harmError: 0.05,
    harmBets: [0.06, 0.12, 0.25, 0.5, 1],
    leastMs: MINUTE,
    mostMs: 15 * MINUTE,
  },
  watch: {
    ms: 5 * MINUTE,
    holdBackShare: 0.2,
    controlShare: 0.1,
    windowMs: 10 * SECOND,
    error: 0.01,
    bets: [0.12, 0.25, 0.5, 1],
    recordMargin: 0.05,
  },
});

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object") deepFreeze(inner);
  return Object.freeze(value);
}
