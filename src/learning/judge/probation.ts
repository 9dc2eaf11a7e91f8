/** The model on a small share of the traffic while the estimator serves: may it come back? */
import { ArmComparison, type ArmComparisonOptions } from "./arm-comparison.ts";
import { describe, figures } from "./describe.ts";
import type { GuardrailOptions } from "./options.ts";
import { SequentialEvidence } from "./sequential-evidence.ts";
import { finiteNumbers } from "./verdict.ts";

/** How a probation ended. */
export interface ProbationFinding {
  readonly good: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * The model need not prove that it is better, only that it does no evident harm: it was promoted on better evidence once,
 * and the guardrail goes on watching it. It returns after a time with enough outcomes whose mean is not worse beyond
 * tolerance and chance; it is sent back as soon as there is evidence of harm.
 */
export class Probation {
  readonly #options: GuardrailOptions;
  readonly #startedMs: number;
  readonly #comparison: ArmComparison;
  readonly #harm: SequentialEvidence;

  constructor(options: GuardrailOptions, comparison: ArmComparisonOptions, nowMs: number) {
    this.#options = options;
    this.#startedMs = nowMs;
    this.#harm = new SequentialEvidence({ claim: "worse", bets: options.bets, startWeight: 1, bucketWeight: 0 });
    this.#comparison = new ArmComparison(comparison, [this.#harm]);
  }

  /** An outcome of the model. */
  observeModel(cost: number): void {
    this.#comparison.observeSubject(cost);
  }

  /** An outcome of the estimator that serves. */
  observeEstimator(cost: number): void {
    this.#comparison.observeReference(cost);
  }

  /** `undefined` = it goes on. */
  tick(nowMs: number): ProbationFinding | undefined {
    const { probationMs, probationOutcomes, longestProbationMs, probationError, tolerance } = this.#options;
    this.#comparison.advance(nowMs);
    const seen = this.#comparison.summary(nowMs, longestProbationMs);
    const numbers = finiteNumbers({ ...figures(seen), evidenceHarm: this.#harm.value });
    if (this.#harm.value * probationError >= 1)
      return { good: false, reason: `still worse: ${describe(seen)}`, numbers };
    const ageMs = nowMs - this.#startedMs;
    if (ageMs < probationMs) return undefined;
    if (seen.subjectCount < probationOutcomes && ageMs < longestProbationMs) return undefined;
    // One standard error of doubt is the model's: what it hides, the guardrail will find.
    if (seen.difference - seen.standardError > tolerance * seen.referenceMean) {
      return { good: false, reason: `still worse: ${describe(seen)}`, numbers };
    }
    return { good: true, reason: `not worse on probation: ${describe(seen)}`, numbers };
  }
}
