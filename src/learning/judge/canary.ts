/** A candidate with a share of the traffic of its own, against whatever serves. */
import { ArmComparison, type ArmComparisonOptions, type ArmSummary } from "./arm-comparison.ts";
import { describe, figures } from "./describe.ts";
import type { CanaryOptions } from "./options.ts";
import { SequentialEvidence } from "./sequential-evidence.ts";
import { finiteNumbers } from "./verdict.ts";

/** How a canary ended. `reason` is one sentence with figures. */
export interface CanaryFinding {
  readonly promote: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * One rule promotes: the evidence against "it is worse by more than the margin (1 %)" reaches 1 / `promotionError`, its
 * mean is the lower one, and the least time has passed. By Ville's inequality a candidate that *is* worse by more than
 * that is promoted with probability ≤ 5 %, however long and often one looks. A better candidate meets the rule sooner the
 * better it is. A candidate that is just as good would need hours to prove itself within 1 % and gains nothing, so it times
 * out: "promote what is not shown to be worse" would, over many candidates, let the champion decay step by step, each
 * within its margin. There is one exception: while the champion itself was found worse than the estimator, which serves in
 * its place, whoever keeps up with the estimator (5 %) replaces it. There is nothing that could decay, and without it a
 * champion that is wrong for the fleet would stay for ever, because few models beat the estimator by much.
 *
 * Harm is looked for with bets that begin anew all the time, so that it is found soon whether the candidate was bad from
 * the start or turns bad. One in twenty harmless candidates is stopped by chance at most, and loses no more than its turn.
 *
 * How often and how soon: canary.test.ts.
 */
export class Canary {
  readonly #options: CanaryOptions;
  readonly #startedMs: number;
  readonly #comparison: ArmComparisonOptions;
  #against!: ArmComparison;
  /** Against the control arm: the record that it will be held to when promoted. */
  readonly #againstControl: ArmComparison;
  #better!: SequentialEvidence;
  #harm!: SequentialEvidence;
  #comparedSinceMs: number;
  #replaces: boolean;

  /** @param replaces the champion was found worse than the estimator, which serves: to keep up with that is enough. */
  constructor(options: CanaryOptions, comparison: ArmComparisonOptions, nowMs: number, replaces = false) {
    this.#options = options;
    this.#comparison = comparison;
    this.#replaces = replaces;
    this.#startedMs = nowMs;
    this.#comparedSinceMs = nowMs;
    this.#compare();
    this.#againstControl = new ArmComparison(comparison);
  }

  /** An outcome of the candidate's arm. */
  observeCanary(cost: number): void {
    this.#against.observeSubject(cost);
    this.#againstControl.observeSubject(cost);
  }

  /** An outcome of the arm that serves. */
  observeChampion(cost: number): void {
    this.#against.observeReference(cost);
  }

  /** An outcome of the control arm. */
  observeControl(cost: number): void {
    this.#againstControl.observeReference(cost);
  }

  /** What it is compared with has changed: what was seen is void. The time limit goes on. */
  restart(nowMs: number): void {
    this.#comparedSinceMs = nowMs;
    this.#against.restart();
    this.#againstControl.restart();
  }

  /** What is asked of it changes: what was seen is void, because evidence cannot be weighed by another measure. */
  setReplaces(nowMs: number, replaces: boolean): void {
    if (replaces === this.#replaces) return;
    this.#replaces = replaces;
    this.#comparedSinceMs = nowMs;
    this.#compare();
    this.#againstControl.restart();
  }

  /** Moves time on; call it about once a second. `undefined` = the canary goes on. */
  tick(nowMs: number): CanaryFinding | undefined {
    const { promotionError, harmError, leastMs, mostMs } = this.#options;
    this.#against.advance(nowMs);
    this.#againstControl.advance(nowMs);
    const seen = this.summary(nowMs);
    if (this.#harm.value * harmError >= 1 && seen.difference > 0) {
      return this.#found(false, "harm", seen);
    }
    const most = this.#replaces ? this.#margin * seen.referenceMean : 0;
    const proven = this.#better.value * promotionError >= 1 && seen.difference < most;
    const what = this.#replaces ? "it keeps up with the estimator, and the champion does not" : "better";
    if (proven && nowMs - this.#comparedSinceMs >= leastMs) return this.#found(true, what, seen);
    if (nowMs - this.#startedMs >= mostMs) {
      return this.#found(false, `no advantage shown in ${Math.round(mostMs / 60_000)} min`, seen);
    }
    return undefined;
  }

  /** Candidate against champion, over the last minute or so. */
  summary(nowMs: number): ArmSummary {
    return this.#against.summary(nowMs, Number.POSITIVE_INFINITY);
  }

  /** Candidate against control, likewise: its record when it is promoted. */
  record(nowMs: number): ArmSummary {
    return this.#againstControl.summary(nowMs, Number.POSITIVE_INFINITY);
  }

  get #margin(): number {
    const { margin, replacementMargin } = this.#options;
    return this.#replaces ? replacementMargin : margin;
  }

  #compare(): void {
    this.#better = new SequentialEvidence({
      claim: "better",
      bets: this.#options.promotionBets,
      startWeight: 1,
      bucketWeight: 0,
      subjectScale: 1 / (1 + this.#margin),
      ownVariance: true,
    });
    this.#harm = new SequentialEvidence({
      claim: "worse",
      bets: this.#options.harmBets,
      startWeight: 0.5,
      bucketWeight: (0.5 * this.#comparison.bucketMs) / this.#options.mostMs,
    });
    this.#against = new ArmComparison(this.#comparison, [this.#better, this.#harm]);
  }

  #found(promote: boolean, what: string, seen: ArmSummary): CanaryFinding {
    const numbers = { ...figures(seen), evidenceBetter: this.#better.value, evidenceHarm: this.#harm.value };
    return { promote, reason: `${what}: ${describe(seen)}`, numbers: finiteNumbers(numbers) };
  }
}
