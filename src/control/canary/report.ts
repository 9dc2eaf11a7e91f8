/** A canary as the API shows it. */
import { type CanaryTerms, lastStep, nextStep } from "../../shared/operations/canary.ts";
import type { Shares } from "../../shared/operations/shares.ts";
import type { Assignment } from "./assignment.ts";
import type { Canary, CanaryState } from "./canary.ts";
import type { ArmFigures } from "./comparison.ts";
import type { CanaryVerdict } from "./rule.ts";

/** Beyond this, more says nothing more. */
const MOST_EVIDENCE = 1_000;

/** One arm. */
export interface ArmReport {
  readonly requests: number;
  readonly failed: number;
  /** `null` = there was none. */
  readonly mean_ms: number | null;
}

/** What is wanted of a canary. */
export interface CanaryTermsReport {
  readonly pool: string;
  /** What share of the requests it has, percent; of one that was rolled back, had. */
  readonly percent: number;
  readonly steps: readonly number[];
  readonly stable: Shares;
  readonly auto: boolean;
  readonly min_duration_ms: number;
  readonly min_requests: number;
  readonly max_duration_ms: number;
  readonly tolerance: number;
  readonly began_at: string;
  readonly began_by: string;
}

/** One canary. */
export interface CanaryReport extends CanaryTermsReport {
  readonly route: string;
  readonly state: CanaryState;
  /** Percent; `null` = there is none. */
  readonly next_step: number | null;
  /** What chance assigns: each request, or a client with all of its requests. */
  readonly assignment: Assignment;
  readonly verdict: CanaryVerdict | null;
  /** What there is to say of it now. */
  readonly sentence: string;
  /** How far the evidence is, as a share of what is needed. */
  readonly evidence: { readonly worse: number; readonly no_worse: number };
  /** Of this step. */
  readonly arms: { readonly canary: ArmReport; readonly stable: ArmReport };
  /** How much more a request costs than in the other pools, as a share; `null` = there is nothing to compare yet. */
  readonly difference: number | null;
  readonly step_began_at: string;
  /** It outlives restarts. */
  readonly kept: boolean;
}

/** As it is now. */
export function reportOf(canary: Canary): CanaryReport {
  const { route, terms, state, assignment, verdict, sentence, evidence, figures, stepMs, override } = canary;
  return {
    ...termsReport(terms),
    route,
    state,
    percent: state === "promoted" ? lastStep(terms) : terms.percent,
    next_step: canary.isLive ? nextStep(terms) : null,
    assignment,
    verdict,
    sentence,
    evidence: { worse: shownEvidence(evidence.worse), no_worse: shownEvidence(evidence.noWorse) },
    arms: { canary: armReport(figures.canary), stable: armReport(figures.stable) },
    difference: Number.isFinite(figures.relative) ? rounded(figures.relative) : null,
    step_began_at: new Date(stepMs).toISOString(),
    kept: override.kept,
  };
}

/** What is wanted, as its override says it. */
export function termsReport(terms: CanaryTerms): CanaryTermsReport {
  return {
    pool: terms.pool,
    percent: terms.percent,
    steps: terms.steps,
    stable: terms.stable,
    auto: terms.auto,
    min_duration_ms: terms.minDurationMs,
    min_requests: terms.minRequests,
    max_duration_ms: terms.maxDurationMs,
    tolerance: terms.tolerance,
    began_at: new Date(terms.beganMs).toISOString(),
    began_by: terms.beganBy,
  };
}

function armReport({ requests, failed, meanMs }: ArmFigures): ArmReport {
  return { requests, failed, mean_ms: requests === 0 ? null : rounded(meanMs) };
}

function shownEvidence(value: number): number {
  return Math.min(MOST_EVIDENCE, rounded(value));
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
