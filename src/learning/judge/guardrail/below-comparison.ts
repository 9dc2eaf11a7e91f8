/** The policy that serves against the one a rung below, all the time: is it worse? */

import { ArmComparison, type ArmComparisonOptions } from "../../../evidence/arm-comparison.ts";
import { describe, figures } from "../../../evidence/describe.ts";
import { SequentialEvidence } from "../../../evidence/sequential-evidence.ts";
import { Rung } from "../../../shared/memory/layout/learning.ts";
import { type Finding, failed } from "../finding.ts";
import type { GuardrailOptions } from "../options.ts";

/** What the policies are called where people read about them. */
const POLICIES: Readonly<Record<Rung, string>> = {
  [Rung.MODEL]: "the model",
  [Rung.ESTIMATOR]: "the estimator",
  [Rung.FLOOR]: "weighted round robin",
};

/** Evidence begins anew all the time, so that a change is noticed soon after it comes. */
const RESTARTING = { claim: "worse", startWeight: 0, bucketWeight: 1, ownVariance: true } as const;

/** Two tests side by side: of the costs themselves, and of their logarithms, which is the faster one for what is very bad. */
export class BelowComparison {
  readonly #options: GuardrailOptions;
  readonly #evidence: SequentialEvidence;
  readonly #comparison: ArmComparison;
  /** In logarithms chance rules less, so what is very bad shows in half the time. */
  readonly #logEvidence: SequentialEvidence;
  readonly #logComparison: ArmComparison;
  readonly #threshold: number;

  constructor(options: GuardrailOptions, comparison: ArmComparisonOptions) {
    this.#options = options;
    this.#evidence = new SequentialEvidence({ ...RESTARTING, bets: options.bets });
    this.#comparison = new ArmComparison(comparison, [this.#evidence]);
    this.#logEvidence = new SequentialEvidence({ ...RESTARTING, bets: options.logBets });
    this.#logComparison = new ArmComparison(comparison, [this.#logEvidence]);
    this.#threshold = options.falseAlarmEveryMs / comparison.bucketMs;
  }

  /** An outcome of the policy that serves. */
  observeServing(cost: number): void {
    this.#comparison.observeSubject(cost);
    this.#logComparison.observeSubject(logCost(cost));
  }

  /** An outcome of the policy one rung below. */
  observeBelow(cost: number): void {
    this.#comparison.observeReference(cost);
    this.#logComparison.observeReference(logCost(cost));
  }

  /** Moves time on; call it about once a second. */
  advance(nowMs: number): void {
    this.#comparison.advance(nowMs);
    this.#logComparison.advance(nowMs);
  }

  /** Another policy serves: what was seen is void. */
  restart(): void {
    this.#comparison.restart();
    this.#logComparison.restart();
  }

  /** Why the policy of `rung` is worse than the one below; `undefined` = it is not, or there is none below. */
  worse(nowMs: number, rung: Rung): Finding | undefined {
    if (rung === Rung.FLOOR) return undefined;
    const { veryBad, windowMs } = this.#options;
    const surely = this.#evidence.value >= this.#threshold;
    const quickly = this.#logEvidence.value >= this.#threshold;
    if (!surely && !quickly) return undefined;
    const seen = this.#comparison.summary(nowMs, windowMs);
    // Logarithms play down the tail: they only decide when the mean itself is far off.
    const veryBadNow = seen.relative >= veryBad && seen.difference >= 2 * seen.standardError;
    if (!surely && !veryBadNow) return undefined;
    const evidence = Number(this.#evidence.value.toPrecision(2));
    // Evidence gathers for longer than the window, which may look harmless.
    const shown = surely ? `evidence ${evidence}, ${this.#threshold} is enough; ` : "";
    return failed(
      `${POLICIES[rung]} is worse than ${POLICIES[oneBelow(rung)]}: ${shown}in the last ${windowMs / 1000} s ${describe(seen)}`,
      { ...figures(seen), evidence: this.#evidence.value, logEvidence: this.#logEvidence.value },
    );
  }
}

/** The next rung of the ladder; below the floor there is none. */
export function oneBelow(rung: Rung): Rung {
  return rung === Rung.MODEL ? Rung.ESTIMATOR : Rung.FLOOR;
}

/** Within a tenth of the fleet's mean all is alike: what is that fast is no merit of the policy. */
function logCost(cost: number): number {
  return Math.log(Math.max(cost, 0.1));
}
