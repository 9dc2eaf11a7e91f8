/** When a step of a canary is over, and which way: the one rule. Pure. */
import { sayDuration } from "../../config/values/units.ts";
import type { ArmSummary } from "../../evidence/bucket-sums.ts";
import { describe, percent } from "../../evidence/describe.ts";
import type { CanaryTerms } from "../../shared/operations/canary.ts";
import type { ArmFigures, Evidence } from "./comparison.ts";

/**
 * What was found of the pool under trial: it does `worse`, it does `no_worse` (than the tolerance allows), or it is
 * `unusable`, having no server that is up.
 */
export const CANARY_VERDICTS = ["worse", "no_worse", "unusable"] as const;
/** One of them. */
export type CanaryVerdict = (typeof CANARY_VERDICTS)[number];

/** A verdict, or that there is none yet, in a sentence with the figures that it rests on. */
export interface CanaryFinding {
  readonly verdict: CanaryVerdict | null;
  readonly sentence: string;
}

/** What is known of the step. */
export interface StepFigures {
  readonly evidence: Evidence;
  readonly summary: ArmSummary;
  readonly canary: ArmFigures;
  readonly stable: ArmFigures;
  /** Since it began, milliseconds. */
  readonly ageMs: number;
  /** For how long the pool under trial has had no usable server, milliseconds; 0 = it has one. */
  readonly unusableMs: number;
}

/** Servers that restart, or are only just found, have so long. */
const UNUSABLE_MS = 3_000;
/** A pool of which the first servers are looked up has so long. */
const FOUND_MS = 10_000;

/** What the rule goes by. */
export type RuleTerms = Pick<CanaryTerms, "pool" | "minDurationMs" | "minRequests" | "maxDurationMs" | "tolerance">;

/**
 * - Worse: the evidence that its requests cost more than the tolerance allows has reached what is needed. At once.
 * - No worse: the evidence that they do not has, and the step has had its time and its requests. Where that is not shown in
 *   the longest time, what looks no worse goes on: a difference that so many requests do not show is a small one.
 * - Whose difference is larger than tolerated and not shown stays where it is: more requests decide it.
 */
export function judgeStep(terms: RuleTerms, figures: StepFigures): CanaryFinding {
  const { pool, tolerance } = terms;
  const { evidence, summary, canary, stable, ageMs, unusableMs } = figures;
  const allowed = percent(tolerance, tolerance * 100 < 10 && (tolerance * 100) % 1 !== 0 ? 1 : 0);
  if (unusableMs >= UNUSABLE_MS && ageMs >= FOUND_MS) {
    return { verdict: "unusable", sentence: `pool ${pool} has no server that is up` };
  }
  const compared = `${describe(summary)}; ${inFigures(canary)} against ${inFigures(stable)}`;
  if (evidence.worse >= 1 && summary.relative > tolerance) {
    return { verdict: "worse", sentence: `pool ${pool} does worse: ${compared}` };
  }
  if (canary.requests === 0) return none(`waits for requests: none of this step has come back from pool ${pool}`);
  if (stable.requests === 0) return none(`has nothing to compare with: no request goes to the other pools`);
  const isDue = ageMs >= terms.minDurationMs && canary.requests >= terms.minRequests;
  if (isDue && evidence.noWorse >= 1 && summary.relative < tolerance) {
    return { verdict: "no_worse", sentence: `pool ${pool} costs at most ${allowed} more: ${compared}` };
  }
  if (isDue && ageMs >= terms.maxDurationMs && summary.relative <= tolerance) {
    const time = sayDuration(terms.maxDurationMs);
    return { verdict: "no_worse", sentence: `pool ${pool} was not shown to be worse in ${time}: ${compared}` };
  }
  if (isDue && ageMs >= terms.maxDurationMs) {
    return none(`looks worse than is tolerated, which is not shown: more requests decide it: ${compared}`);
  }
  const asks = [
    ...(ageMs < terms.minDurationMs ? [sayDuration(terms.minDurationMs)] : []),
    ...(canary.requests < terms.minRequests ? [`${terms.minRequests} requests`] : []),
  ];
  return none(`has no verdict yet${asks.length === 0 ? "" : ` (this step takes ${asks.join(" and ")})`}: ${compared}`);
}

function none(sentence: string): CanaryFinding {
  return { verdict: null, sentence };
}

/** `3.1 % of 812 failed, 42 ms` */
function inFigures({ requests, failed, meanMs }: ArmFigures): string {
  if (requests === 0) return "none";
  return `${percent(failed / requests, 1)} of ${requests} failed, ${Number(meanMs.toPrecision(3))} ms`;
}
