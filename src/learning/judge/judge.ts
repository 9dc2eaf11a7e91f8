/** All judges behind one narrow interface: outcomes in, a directive and verdicts out. No clock, no I/O. */

import { costOf } from "../../evidence/cost.ts";
import { Rung } from "../../shared/memory/layout/learning.ts";
import { Guardrail, type GuardrailEvent, type GuardrailState } from "./guardrail/guardrail.ts";
import type { GuardrailSigns } from "./guardrail/signs.ts";
import { Lifecycle, type LifecycleState } from "./lifecycle/lifecycle.ts";
import { JUDGE_DEFAULTS, type JudgeOptions } from "./options.ts";
import type { AttemptRecord, DecisionViews } from "./record.ts";
import { type Verdict, verdict } from "./verdict.ts";

/** What the learner and the workers are to do. */
export interface Directive {
  readonly rung: Rung;
  /** The model of the champion's arm on the top rung; `null` = none. */
  readonly championVersion: number | null;
  /** The model of the canary arm; `null` = nobody is in it. */
  readonly canaryVersion: number | null;
  readonly canaryShare: number;
  /** Share of the policy one rung below; 0 on the floor. */
  readonly controlShare: number;
}

/** What the judges are told at each tick, beside the outcomes. */
export interface JudgeSigns extends Omit<GuardrailSigns, "canaryBusy"> {
  /** Scores of the model in the canary arm since the last tick that were no finite numbers. */
  readonly canaryFaults: number;
}

/** What survives a restart: small, plain JSON. */
export interface JudgeState {
  readonly guardrail: GuardrailState;
  readonly lifecycle: LifecycleState;
}

/** A beginning: this model serves (`null` = none yet), nothing is on trial. */
export function initialState(champion: number | null): JudgeState {
  return {
    guardrail: { rung: champion === null ? Rung.ESTIMATOR : Rung.MODEL, holdLeftMs: 0, strikes: 0 },
    lifecycle: { champion, previous: null, candidate: null, watch: null, paused: false },
  };
}

/** The judges of learned balancing. One instance, in the learner process. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #guardrail: Guardrail;
  readonly #lifecycle: Lifecycle;
  readonly #verdicts: Verdict[] = [];
  #directive: Directive;
  /** The champion was found worse than the estimator by its outcomes, and has not come back since. */
  #refuted = false;
  /** What was dispatched before this may have been routed by an older directive. */
  #settledMs: number;

  constructor(state: JudgeState, nowMs: number, options: JudgeOptions = JUDGE_DEFAULTS) {
    this.#options = options;
    this.#guardrail = new Guardrail(options.guardrail, options.comparison, nowMs, state.guardrail);
    this.#lifecycle = new Lifecycle(options, state.lifecycle, nowMs);
    this.#directive = this.#decide();
    this.#settledMs = nowMs + options.settleMs;
  }

  /** What is to be done now. Changes with ticks and commands only. */
  get directive(): Directive {
    return this.#directive;
  }

  /** The candidate in shadow: decisions should come with views (`observe`); `null` = none. */
  get shadowVersion(): number | null {
    return this.#lifecycle.shadowVersion;
  }

  /** The present state in words, for the admin API. */
  get status(): { candidate: Lifecycle["candidate"]; previous: number | null; watching: boolean; paused: boolean } {
    const { candidate, previous, watching, paused } = this.#lifecycle;
    return { candidate, previous, watching, paused };
  }

  /** The champion was found worse than the estimator by its outcomes, and has not come back since. */
  get isRefuted(): boolean {
    return this.#refuted;
  }

  /** What to keep for the next start. */
  state(nowMs: number): JudgeState {
    return { guardrail: this.#guardrail.state(nowMs), lifecycle: this.#lifecycle.state(nowMs) };
  }

  /**
   * Takes in one finished attempt. What an older directive routed is left out.
   * @param views needed while `shadowVersion` is set, on attempts of the champion's arm; otherwise left out.
   */
  observe(record: AttemptRecord, views?: DecisionViews): void {
    const { arm, modelVersion } = record;
    if (arm === "probe" || record.dispatchedMs < this.#settledMs) return;
    const { rung, championVersion, canaryVersion } = this.#directive;
    const cost = costOf(record.latencyMs, record.failed, record.meanMs);
    if (arm === "champion") {
      if (rung === Rung.MODEL && modelVersion !== championVersion) return;
      this.#guardrail.observeChampion(cost);
      this.#lifecycle.observeChampion(cost);
      if (views !== undefined) this.#lifecycle.observeDecision(record, views);
    } else if (arm === "control") {
      this.#guardrail.observeControl(cost);
      this.#lifecycle.observeControl(cost);
    } else if (modelVersion !== null && modelVersion === canaryVersion) {
      if (this.#onProbation()) this.#guardrail.observeProbation(cost);
      else this.#lifecycle.observeCanary(cost);
    }
  }

  /** Moves time on; call it about once a second. Returns what was decided since the last tick, oldest first. */
  tick(nowMs: number, signs: JudgeSigns): Verdict[] {
    const champion = this.#lifecycle.champion;
    const bad = this.#lifecycle.tick(nowMs, this.#guardrail.rung, signs.canaryFaults, this.#refuted);
    this.#collect();
    if (this.#lifecycle.champion !== champion) this.#onNewChampion(nowMs);
    else if (bad !== undefined) this.#note(this.#guardrail.demote(nowMs, bad));

    const event = this.#guardrail.tick(nowMs, { ...signs, canaryBusy: this.#lifecycle.canaryArm !== null }, (reason) =>
      this.#lifecycle.settle(nowMs, reason),
    );
    this.#collect();
    if (event !== undefined) this.#note(event);
    this.#apply(nowMs);
    return this.#verdicts.splice(0);
  }

  /** A trained model asks to be tried. @throws CommandError when there is a candidate already or it serves. */
  propose(version: number, nowMs: number, reason: string): void {
    this.#lifecycle.propose(version, nowMs, reason);
    this.#collect();
  }

  /** Makes a model the champion at once, on the top rung. @throws CommandError when it is the champion already. */
  promote(version: number, nowMs: number, reason?: string): void {
    this.#lifecycle.promote(version, nowMs, this.#guardrail.rung, reason);
    this.#collect();
    this.#onNewChampion(nowMs);
    this.#apply(nowMs);
  }

  /** Back to the champion before. @throws CommandError when there is none. */
  rollback(nowMs: number): void {
    this.#lifecycle.rollback(nowMs);
    this.#onRollBack(nowMs);
  }

  /** Back to this model, because the present one turned out bad elsewhere. @throws CommandError when it is the champion already. */
  returnTo(version: number, nowMs: number, reason: string): void {
    this.#lifecycle.returnTo(version, nowMs, reason);
    this.#onRollBack(nowMs);
  }

  /** While it is held no candidate moves on by itself; guardrail and watch go on. It is not kept over a restart. */
  hold(isHeld: boolean, nowMs: number): void {
    this.#lifecycle.hold(isHeld);
    this.#apply(nowMs);
  }

  /** Ends a candidacy. @throws CommandError when that version is not the candidate. */
  reject(version: number, nowMs: number): void {
    this.#lifecycle.reject(version, nowMs);
    this.#collect();
    this.#apply(nowMs);
  }

  /** No model moves on by itself until `resume`; guardrail and watch go on. @throws CommandError when paused already. */
  pause(nowMs: number): void {
    this.#lifecycle.pause(nowMs);
    this.#collect();
    this.#apply(nowMs);
  }

  /** @throws CommandError when not paused. */
  resume(nowMs: number): void {
    this.#lifecycle.resume(nowMs);
    this.#collect();
    this.#apply(nowMs);
  }

  /** The canary arm serves the champion's probation: nothing of the life cycle wants it. */
  #onProbation(): boolean {
    return this.#lifecycle.canaryArm === null && this.#guardrail.probationShare > 0;
  }

  /** After a promotion or a roll-back. A promotion while the estimator serves brings the model back to the top. */
  #onNewChampion(nowMs: number): void {
    this.#refuted = false;
    this.#guardrail.restart();
    if (this.#guardrail.rung !== Rung.ESTIMATOR || !this.#lifecycle.watching) return;
    const reason = `model ${this.#lifecycle.champion} was promoted`;
    this.#verdicts.push(this.#verdict(this.#guardrail.returnToModel(nowMs, reason)));
  }

  #onRollBack(nowMs: number): void {
    this.#collect();
    this.#refuted = false;
    this.#guardrail.restart();
    this.#apply(nowMs);
  }

  #note(event: GuardrailEvent): void {
    const { kind, basis, from } = event;
    if (kind === "recovered" && event.to === Rung.MODEL) this.#refuted = false;
    else if (basis === "outcomes" && (kind === "probation_failed" || from === Rung.MODEL)) this.#refuted = true;
    this.#verdicts.push(this.#verdict(event));
    if (event.from !== event.to) this.#lifecycle.onRungChange(event.atMs);
  }

  #verdict({ atMs, kind, from, to, reason, numbers }: GuardrailEvent): Verdict {
    return verdict(atMs, kind, this.#lifecycle.champion, reason, { ...numbers, from, to });
  }

  #collect(): void {
    this.#verdicts.push(...this.#lifecycle.takeVerdicts());
  }

  #apply(nowMs: number): void {
    const next = this.#decide();
    const before = this.#directive;
    const same = (Object.keys(next) as (keyof Directive)[]).every((key) => next[key] === before[key]);
    if (same) return;
    this.#directive = next;
    this.#settledMs = nowMs + this.#options.settleMs;
  }

  #decide(): Directive {
    const { rung, probationShare } = this.#guardrail;
    const { champion, canaryArm, controlShare } = this.#lifecycle;
    const probation = canaryArm === null && probationShare > 0 && champion !== null;
    return Object.freeze({
      rung,
      championVersion: champion,
      canaryVersion: rung === Rung.FLOOR ? null : (canaryArm?.version ?? (probation ? champion : null)),
      canaryShare: rung === Rung.FLOOR ? 0 : (canaryArm?.share ?? (probation ? probationShare : 0)),
      controlShare: rung === Rung.FLOOR ? 0 : (controlShare ?? this.#options.guardrail.controlShare),
    });
  }
}
