/** A candidate on its way: in shadow, then in canary. */
import { Rung } from "../../../shared/memory/layout/learning.ts";
import { type Finding, failed, passed } from "../finding.ts";
import type { JudgeOptions } from "../options.ts";
import type { AttemptRecord, DecisionViews } from "../record.ts";
import { canaryRule } from "../trials/canary.ts";
import { Shadow } from "../trials/shadow/shadow.ts";
import { Trial, type TrialRule } from "../trials/trial.ts";
import { recordOf } from "../trials/watch.ts";

/** How far a candidate has come. In canary it may still be waiting for the arm. */
export type CandidateStage = "shadow" | "canary";

/** A step on the way, or its end. */
export interface CandidateStep extends Omit<Finding, "passed"> {
  readonly kind: "shadow_passed" | "shadow_failed" | "canary_started" | "promoted" | "rejected";
}

/** Held against whatever serves. The rung that serves is told at each tick. */
export class Candidate {
  readonly version: number;
  readonly #options: JudgeOptions;
  /** What is asked of a canary, and what is asked while the estimator serves in the place of a champion that is worse. */
  readonly #usual: TrialRule;
  readonly #replacing: TrialRule;
  #shadow: Shadow | undefined;
  #canary: Trial | undefined;

  constructor(version: number, stage: CandidateStage, options: JudgeOptions, nowMs: number) {
    this.version = version;
    this.#options = options;
    this.#usual = canaryRule(options.canary, options.comparison, false);
    this.#replacing = canaryRule(options.canary, options.comparison, true);
    this.#shadow = stage === "shadow" ? new Shadow(options.shadow, nowMs) : undefined;
  }

  get stage(): CandidateStage {
    return this.#shadow === undefined ? "canary" : "shadow";
  }

  /** It has the canary arm. */
  get isTried(): boolean {
    return this.#canary !== undefined;
  }

  /** A decision with what it would have made of it. */
  observeDecision(record: AttemptRecord, views: DecisionViews): void {
    this.#shadow?.observe(record, views);
  }

  /** An outcome of the policy that serves. */
  observeChampion(cost: number): void {
    this.#canary?.observeReference(cost);
  }

  /** An outcome of the control arm. */
  observeControl(cost: number): void {
    this.#canary?.observeControl(cost);
  }

  /** An outcome of its own. */
  observeCanary(cost: number): void {
    this.#canary?.observeSubject(cost);
  }

  /** The ladder has moved. A canary keeps its time limit: a ladder that moves up and down must not keep it for ever. */
  onRungChange(nowMs: number): void {
    if (this.#canary !== undefined) this.#canary.restart(nowMs);
    else this.onNewChampion(nowMs);
  }

  /** Another model serves: it is held against that from now on. */
  onNewChampion(nowMs: number): void {
    if (this.#shadow !== undefined) this.#shadow = new Shadow(this.#options.shadow, nowMs);
    this.#canary = undefined;
  }

  /** It loses the arm; its canary begins anew with the next tick. */
  onResume(): void {
    this.#canary = undefined;
  }

  /**
   * Moves time on.
   * @param faults its scores in the canary arm since the last tick that were no finite numbers.
   * @param replaces the champion was found worse than the estimator, which serves in its place.
   * @returns `undefined` = it goes on as it does.
   */
  tick(nowMs: number, rung: Rung, faults: number, replaces: boolean): CandidateStep | undefined {
    if (this.#shadow !== undefined) return this.#tickShadow(this.#shadow, nowMs);
    // On the floor nothing is tried: something is wrong, and there is no control to learn from.
    if (rung === Rung.FLOOR) {
      this.#canary?.restart(nowMs);
      return undefined;
    }
    const rule = replaces ? this.#replacing : this.#usual;
    if (this.#canary === undefined) {
      this.#canary = new Trial(rule, this.#options.comparison, nowMs);
      const { share } = this.#options.canary;
      return step("canary_started", passed(`it gets ${share * 100} % of requests`, { share }));
    }
    if (faults > 0) {
      return step("rejected", failed(`it gave ${faults} scores that are no numbers`, { canaryFaults: faults }));
    }
    this.#canary.follow(rule, nowMs);
    const finding = this.#canary.tick(nowMs);
    return finding && step(finding.passed ? "promoted" : "rejected", finding);
  }

  /** What it cost as canary as a multiple of control, for the watch over it. */
  record(nowMs: number, rung: Rung): number | undefined {
    const seen = this.#canary?.seen(nowMs);
    // Control on the top rung is the estimator: below it, that is what serves now.
    return seen && recordOf(rung === Rung.MODEL ? seen.control : seen.reference);
  }

  #tickShadow(shadow: Shadow, nowMs: number): CandidateStep | undefined {
    const finding = shadow.finding(nowMs);
    if (finding?.passed) this.#shadow = undefined;
    return finding && step(finding.passed ? "shadow_passed" : "shadow_failed", finding);
  }
}

function step(kind: CandidateStep["kind"], { reason, numbers }: Finding): CandidateStep {
  return { kind, reason, numbers };
}
