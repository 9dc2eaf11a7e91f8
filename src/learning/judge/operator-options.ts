/** The judges' options of one instance: the defaults with what its operator chose. */
import { HOLDING_JUDGE_DEFAULTS, type HoldingJudgeOptions } from "./holding/options.ts";
import { JUDGE_DEFAULTS, type JudgeOptions } from "./options.ts";

/** What an operator chooses. Shares 0 … 1. */
export interface OperatorChoices {
  readonly canaryShare: number;
  readonly controlShare: number;
  /** How many times faster than usual waiting times pass, ≥ 1. */
  readonly speed: number;
}

/** Outcomes below which a shadow or a probation says nothing, however fast it is to be. */
const LEAST_OUTCOMES = 100;

/**
 * Waiting times are divided by the speed, and so are the numbers of outcomes that are waited for only to see more of the
 * traffic. How sure a judge must be is not touched.
 */
export function judgeOptions({ canaryShare, controlShare, speed }: OperatorChoices): JudgeOptions {
  const { guardrail, shadow, canary, watch } = JUDGE_DEFAULTS;
  const outcomes = (count: number) => Math.max(Math.min(count, LEAST_OUTCOMES), Math.ceil(count / speed));
  return {
    ...JUDGE_DEFAULTS,
    guardrail: {
      ...guardrail,
      controlShare,
      holdMs: guardrail.holdMs / speed,
      longestHoldMs: guardrail.longestHoldMs / speed,
      forgiveMs: guardrail.forgiveMs / speed,
      probationMs: guardrail.probationMs / speed,
      probationOutcomes: outcomes(guardrail.probationOutcomes),
      longestProbationMs: guardrail.longestProbationMs / speed,
    },
    shadow: {
      ...shadow,
      leastRecords: outcomes(shadow.leastRecords),
      leastMs: shadow.leastMs / speed,
      mostMs: shadow.mostMs / speed,
    },
    canary: { ...canary, share: canaryShare, leastMs: canary.leastMs / speed, mostMs: canary.mostMs / speed },
    watch: { ...watch, ms: watch.ms / speed },
  };
}

/** The same for the judge of holding. @param speed how many times faster than usual waiting times pass, ≥ 1. */
export function holdingJudgeOptions(speed: number): HoldingJudgeOptions {
  const { longestWaitMs, holdMs, longestHoldMs, forgiveMs } = HOLDING_JUDGE_DEFAULTS;
  return {
    ...HOLDING_JUDGE_DEFAULTS,
    longestWaitMs: longestWaitMs / speed,
    holdMs: holdMs / speed,
    longestHoldMs: longestHoldMs / speed,
    forgiveMs: forgiveMs / speed,
  };
}
