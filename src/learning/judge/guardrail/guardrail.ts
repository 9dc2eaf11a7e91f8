/** Which policy serves: the model, the estimator or weighted round robin. */

import type { ArmComparisonOptions } from "../../../evidence/arm-comparison.ts";
import { Rung } from "../../../shared/memory/layout/learning.ts";
import { type Finding, failed, finiteNumbers, passed } from "../finding.ts";
import type { GuardrailOptions } from "../options.ts";
import { probationRule } from "../trials/probation.ts";
import { Trial } from "../trials/trial.ts";
import { BelowComparison, oneBelow } from "./below-comparison.ts";
import { Hold } from "./hold.ts";
import { type GuardrailSigns, isAway, troubleOf } from "./signs.ts";

/** A change of the guardrail. */
export interface GuardrailEvent {
  readonly atMs: number;
  readonly kind: "demoted" | "probation_started" | "probation_failed" | "recovered";
  readonly from: Rung;
  readonly to: Rung;
  readonly basis: Basis;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** What a change rests on: how the model's requests ended, or signs that say nothing of its choices. */
type Basis = "outcomes" | "signs";

/** What survives a restart. Durations, because clocks may not. */
export interface GuardrailState {
  readonly rung: Rung;
  readonly holdLeftMs: number;
  readonly strikes: number;
  /** The model server is or was away, and nothing else speaks against its model; left out when that is not so. */
  readonly away?: boolean;
}

/**
 * The ladder: down on evidence or on a sign of trouble, up by itself. The caller tells it which outcomes count.
 *
 * How soon, and how rarely without a difference: guardrail-simulation.test.ts.
 */
export class Guardrail {
  readonly #options: GuardrailOptions;
  readonly #comparisonOptions: ArmComparisonOptions;
  readonly #below: BelowComparison;
  readonly #hold: Hold;
  #rung: Rung;
  #goodSinceMs: number;
  #probation: Trial | undefined;
  /** The model serves no more only because its server went away. */
  #away: boolean;
  /** Since when that server has been there again, milliseconds. */
  #backMs = Number.POSITIVE_INFINITY;

  constructor(options: GuardrailOptions, comparison: ArmComparisonOptions, nowMs: number, state: GuardrailState) {
    this.#options = options;
    this.#comparisonOptions = comparison;
    this.#below = new BelowComparison(options, comparison);
    this.#hold = new Hold(options, nowMs, state.strikes, state.holdLeftMs);
    this.#rung = state.rung;
    this.#away = state.away ?? false;
    this.#goodSinceMs = nowMs;
  }

  /** The policy that serves. */
  get rung(): Rung {
    return this.#rung;
  }

  /** Share of requests that the model should get in the canary arm; 0 = no probation. */
  get probationShare(): number {
    return this.#probation === undefined ? 0 : this.#options.probationShare;
  }

  /** What to keep for the next start. */
  state(nowMs: number): GuardrailState {
    const { strikes } = this.#hold;
    return { rung: this.#rung, holdLeftMs: this.#hold.leftMs(nowMs), strikes, ...(this.#away && { away: true }) };
  }

  /** An outcome of the policy that serves. */
  observeChampion(cost: number): void {
    this.#below.observeServing(cost);
    this.#probation?.observeReference(cost);
  }

  /** An outcome of the policy one rung below. */
  observeControl(cost: number): void {
    this.#below.observeBelow(cost);
  }

  /** An outcome of the model on probation. */
  observeProbation(cost: number): void {
    this.#probation?.observeSubject(cost);
  }

  /** What serves has changed without the ladder (another champion): what was seen of it is void. */
  restart(): void {
    this.#below.restart();
  }

  /**
   * Moves time on; call it about once a second.
   * @param settleOtherwise asked before a demotion for being worse: true = somebody has rolled back the model instead.
   */
  tick(nowMs: number, signs: GuardrailSigns, settleOtherwise: (reason: string) => boolean): GuardrailEvent | undefined {
    this.#below.advance(nowMs);
    this.#forgive(nowMs, signs);
    if (isAway(signs, this.#options.tableAgeMs)) return this.#onAbsence(nowMs, signs);
    if (this.#away && signs.modelReady) return this.#onPresence(nowMs);
    const worse = this.#below.worse(nowMs, this.#rung);
    if (worse !== undefined) {
      if (this.#rung !== Rung.MODEL || !settleOtherwise(worse.reason)) {
        return this.#demote(nowMs, oneBelow(this.#rung), worse, "outcomes");
      }
      this.restart();
      return undefined;
    }
    const trouble = troubleOf(signs, this.#options.tableAgeMs);
    if (this.#rung === Rung.MODEL) {
      return trouble === undefined ? undefined : this.#demote(nowMs, Rung.ESTIMATOR, trouble, "signs");
    }
    if (this.#rung === Rung.FLOOR) return this.#climbFromFloor(nowMs);
    return this.#climbFromEstimator(nowMs, signs, trouble);
  }

  /** Somebody judged the model bad: one rung down. */
  demote(nowMs: number, finding: Finding): GuardrailEvent {
    return this.#demote(nowMs, Rung.ESTIMATOR, finding, "outcomes");
  }

  /** Another model was promoted while the estimator served: it takes over without probation, its canary was one. */
  returnToModel(nowMs: number, reason: string): GuardrailEvent {
    return this.#move(nowMs, "recovered", Rung.MODEL, passed(reason), "signs");
  }

  /** The model server gives no tables: the contract's fallback, from wherever we are. */
  #onAbsence(nowMs: number, { remote, modelProblem }: GuardrailSigns): GuardrailEvent | undefined {
    this.#backMs = Number.POSITIVE_INFINITY;
    if (remote && this.#rung === Rung.MODEL) this.#away = true;
    if (this.#rung === Rung.FLOOR) {
      this.#hold.extend(nowMs);
      return undefined;
    }
    const finding = failed(`the remote model is unavailable${modelProblem ? `: ${modelProblem}` : ""}`);
    // Its absence is nobody's fault but the server's, and shows by itself: it is no strike.
    if (this.#away) return this.#move(nowMs, "demoted", Rung.FLOOR, finding, "signs");
    return this.#demote(nowMs, Rung.FLOOR, finding, "signs");
  }

  /** It is there again: what it was when it went away it still is. */
  #onPresence(nowMs: number): GuardrailEvent | undefined {
    this.#backMs = Math.min(this.#backMs, nowMs);
    if (nowMs - this.#backMs < this.#options.backMs) return undefined;
    this.#hold.end(nowMs);
    return this.#move(nowMs, "recovered", Rung.MODEL, passed("the remote model answers again"), "signs");
  }

  #climbFromFloor(nowMs: number): GuardrailEvent | undefined {
    if (!this.#hold.isOver(nowMs)) return undefined;
    this.#hold.begin(nowMs);
    return this.#move(nowMs, "recovered", Rung.ESTIMATOR, passed("held long enough"), "signs");
  }

  #climbFromEstimator(nowMs: number, signs: GuardrailSigns, trouble: Finding | undefined): GuardrailEvent | undefined {
    if (trouble !== undefined) {
      if (this.#probation !== undefined) return this.#failProbation(nowMs, trouble, "signs");
      this.#hold.extend(nowMs);
      return undefined;
    }
    if (signs.canaryBusy) {
      this.#probation = undefined;
      return undefined;
    }
    if (this.#probation !== undefined) {
      const finding = this.#probation.tick(nowMs);
      if (finding === undefined) return undefined;
      if (!finding.passed) return this.#failProbation(nowMs, finding, "outcomes");
      return this.#move(nowMs, "recovered", Rung.MODEL, finding, "outcomes");
    }
    return this.#hold.isOver(nowMs) ? this.#startProbation(nowMs) : undefined;
  }

  #startProbation(nowMs: number): GuardrailEvent {
    this.#probation = new Trial(probationRule(this.#options), this.#comparisonOptions, nowMs);
    const share = this.#options.probationShare;
    const started = passed(`the model gets ${share * 100} % of requests on probation`, { share });
    return this.#event(nowMs, "probation_started", this.#rung, started, "signs");
  }

  #failProbation(nowMs: number, finding: Finding, basis: Basis): GuardrailEvent {
    this.#probation = undefined;
    return this.#event(nowMs, "probation_failed", this.#rung, this.#strike(nowMs, finding), basis);
  }

  #demote(nowMs: number, to: Rung, finding: Finding, basis: Basis): GuardrailEvent {
    return this.#move(nowMs, "demoted", to, this.#strike(nowMs, finding), basis);
  }

  /** @returns the finding with how long it holds. */
  #strike(nowMs: number, finding: Finding): Finding {
    return { ...finding, numbers: { ...finding.numbers, holdMs: this.#hold.strike(nowMs) } };
  }

  #move(nowMs: number, kind: GuardrailEvent["kind"], to: Rung, finding: Finding, basis: Basis): GuardrailEvent {
    const from = this.#rung;
    this.#rung = to;
    if (to === Rung.MODEL || basis === "outcomes") this.#away = false;
    this.#probation = undefined;
    this.#goodSinceMs = nowMs;
    this.restart();
    return this.#event(nowMs, kind, from, finding, basis);
  }

  #event(atMs: number, kind: GuardrailEvent["kind"], from: Rung, finding: Finding, basis: Basis): GuardrailEvent {
    const { reason, numbers } = finding;
    return { atMs, kind, from, to: this.#rung, basis, reason, numbers: finiteNumbers(numbers) };
  }

  #forgive(nowMs: number, { modelReady }: GuardrailSigns): void {
    const top = modelReady ? Rung.MODEL : Rung.ESTIMATOR;
    if (this.#rung === top && nowMs - this.#goodSinceMs >= this.#options.forgiveMs) this.#hold.forgive();
  }
}
