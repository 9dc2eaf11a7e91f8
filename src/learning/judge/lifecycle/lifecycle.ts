/** The life of a model: candidate → shadow → canary → promoted (and watched) or rejected. One candidate at a time. */
import { Rung } from "../../../shared/memory/layout/learning.ts";
import type { Finding } from "../finding.ts";
import type { JudgeOptions } from "../options.ts";
import type { AttemptRecord, DecisionViews } from "../record.ts";
import { Trial } from "../trials/trial.ts";
import { NO_RECORD, watchRule } from "../trials/watch.ts";
import { type Verdict, type VerdictKind, verdict } from "../verdict.ts";
import { Candidate, type CandidateStage } from "./candidate.ts";
import { CommandError } from "./command-error.ts";

/** What survives a restart. */
export interface LifecycleState {
  readonly champion: number | null;
  /** The champion before it, for a roll-back. */
  readonly previous: number | null;
  readonly candidate: { readonly version: number; readonly stage: CandidateStage } | null;
  readonly watch: WatchState | null;
  readonly paused: boolean;
}

interface WatchState {
  readonly leftMs: number;
  /** The model before it, which keeps a share; `null` = there is none worth a share. */
  readonly holdBack: number | null;
  /** What the champion cost as canary, as a multiple of control. */
  readonly record: number;
}

interface Watch extends Omit<WatchState, "leftMs"> {
  readonly trial: Trial;
  readonly endsMs: number;
}

/** Keeps the verdicts in order; `takeVerdicts` empties the list. */
export class Lifecycle {
  readonly #options: JudgeOptions;
  #champion: number | null;
  #previous: number | null;
  #candidate: Candidate | undefined;
  #watch: Watch | undefined;
  #paused: boolean;
  /** No candidate moves on, for a reason that is no decision of an operator's. */
  #held = false;
  #verdicts: Verdict[] = [];

  constructor(options: JudgeOptions, { champion, previous, candidate, watch, paused }: LifecycleState, nowMs: number) {
    this.#options = options;
    this.#champion = champion;
    this.#previous = previous;
    this.#paused = paused;
    if (candidate !== null) this.#candidate = new Candidate(candidate.version, candidate.stage, options, nowMs);
    if (watch !== null) this.#beginWatch(nowMs, watch);
  }

  /** The model that serves on the top rung; `null` = none. */
  get champion(): number | null {
    return this.#champion;
  }

  /** The champion before it. */
  get previous(): number | null {
    return this.#previous;
  }

  /** The candidate that wants decisions with views (`observeDecision`), or `null`. */
  get shadowVersion(): number | null {
    return this.#candidate?.stage === "shadow" ? this.#candidate.version : null;
  }

  /** The candidate and how far it has come. */
  get candidate(): { version: number; stage: CandidateStage } | null {
    return this.#candidate === undefined ? null : { version: this.#candidate.version, stage: this.#candidate.stage };
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** A promoted model is being watched. */
  get watching(): boolean {
    return this.#watch !== undefined;
  }

  /** Which model the canary arm should have now, for a canary or as hold-back, and its share. */
  get canaryArm(): { version: number; share: number } | null {
    const { canary, watch } = this.#options;
    if (this.#watch !== undefined) {
      const { holdBack } = this.#watch;
      return holdBack === null ? null : { version: holdBack, share: watch.holdBackShare };
    }
    if (this.#candidate?.isTried !== true || this.#paused || this.#held) return null;
    return { version: this.#candidate.version, share: canary.share };
  }

  /** Share that the control arm should have instead of its usual one, or `null`. */
  get controlShare(): number | null {
    if (this.#watch === undefined) return null;
    const { controlShare, holdBackShare } = this.#options.watch;
    return this.#watch.holdBack === null ? controlShare + holdBackShare : controlShare;
  }

  /** What to keep for the next start. What was seen of a candidate is gathered anew. */
  state(nowMs: number): LifecycleState {
    const { champion, previous, candidate, paused } = this;
    if (this.#watch === undefined) return { champion, previous, candidate, watch: null, paused };
    const { endsMs, holdBack, record } = this.#watch;
    return { champion, previous, candidate, watch: { leftMs: Math.max(0, endsMs - nowMs), holdBack, record }, paused };
  }

  /** Verdicts since the last call, oldest first. */
  takeVerdicts(): Verdict[] {
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    return verdicts;
  }

  /** A decision with what the candidate in shadow would have made of it. */
  observeDecision(record: AttemptRecord, views: DecisionViews): void {
    this.#candidate?.observeDecision(record, views);
  }

  /** Cost of an attempt of the policy that serves. */
  observeChampion(cost: number): void {
    this.#watch?.trial.observeSubject(cost);
    this.#candidate?.observeChampion(cost);
  }

  /** Cost of an attempt of the control arm. */
  observeControl(cost: number): void {
    this.#watch?.trial.observeControl(cost);
    this.#candidate?.observeControl(cost);
  }

  /** Cost of an attempt of the canary arm, routed by `canaryArm.version`. */
  observeCanary(cost: number): void {
    if (this.#watch !== undefined) this.#watch.trial.observeReference(cost);
    else this.#candidate?.observeCanary(cost);
  }

  /** A new candidate. @throws CommandError when there is one already or the version serves. */
  propose(version: number, nowMs: number, reason: string): void {
    if (this.#candidate !== undefined) {
      throw new CommandError(
        `model ${this.#candidate.version} is the candidate; reject it before ${version} can be one`,
      );
    }
    if (version === this.#champion) throw new CommandError(`model ${version} is the champion already`);
    this.#candidate = new Candidate(version, "shadow", this.#options, nowMs);
    this.#note(nowMs, "candidate", version, reason);
  }

  /**
   * Moves time on; call it about once a second.
   * @param canaryFaults scores of the model in the canary arm since the last tick that were no finite numbers.
   * @param replaces the champion was found worse than the estimator, which serves in its place.
   * @returns the finding when the champion has turned out bad and there is nothing to roll back to.
   */
  tick(nowMs: number, rung: Rung, canaryFaults: number, replaces: boolean): Finding | undefined {
    if (this.#watch !== undefined) return this.#tickWatch(this.#watch, nowMs, rung);
    if (!this.#paused && !this.#held && this.#candidate !== undefined) {
      this.#tickCandidate(this.#candidate, nowMs, rung, canaryFaults, replaces);
    }
    return undefined;
  }

  /** The ladder has moved: what a candidate was compared with serves no longer; a watch is over. */
  onRungChange(nowMs: number): void {
    this.#watch = undefined;
    this.#candidate?.onRungChange(nowMs);
  }

  /** Makes a model the champion at once. @throws CommandError when it is already. */
  promote(version: number, nowMs: number, rung: Rung, reason = "by command"): void {
    if (version === this.#champion) throw new CommandError(`model ${version} is the champion already`);
    this.#promote(nowMs, version, rung, NO_RECORD);
    this.#note(nowMs, "promoted", version, reason);
  }

  /** Back to a model that served before the present one, which turned out bad elsewhere: it gets no share for comparison. */
  returnTo(version: number, nowMs: number, reason: string): void {
    if (version === this.#champion) throw new CommandError(`model ${version} is the champion already`);
    if (this.#candidate?.version === version) this.#candidate = undefined;
    this.#previous = version;
    this.#rollBack(nowMs, reason);
  }

  /** While it is held no candidate moves on, as while it is paused; the canary begins its comparison anew after that. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#held) return;
    this.#held = isHeld;
    if (!isHeld) this.#candidate?.onResume();
  }

  /** Back to the champion before. @throws CommandError when there is none. */
  rollback(nowMs: number): void {
    if (this.#previous === null) throw new CommandError("there is no champion before this one to roll back to");
    this.#rollBack(nowMs, "by command");
  }

  /** Ends a candidacy. @throws CommandError when that version is not the candidate. */
  reject(version: number, nowMs: number): void {
    if (this.#candidate?.version !== version) {
      const present = this.#candidate === undefined ? "there is no candidate" : `model ${this.#candidate.version} is`;
      throw new CommandError(`model ${version} is not the candidate; ${present}`);
    }
    this.#candidate = undefined;
    this.#note(nowMs, "rejected", version, "by command");
  }

  /** No model moves on by itself until `resume`. What protects (watch, guardrail) goes on. */
  pause(nowMs: number): void {
    if (this.#paused) throw new CommandError("paused already");
    this.#paused = true;
    this.#note(nowMs, "paused", null, "by command");
  }

  /** Undoes `pause`; a canary begins its comparison anew. */
  resume(nowMs: number): void {
    if (!this.#paused) throw new CommandError("not paused");
    this.#paused = false;
    this.#candidate?.onResume();
    this.#note(nowMs, "resumed", null, "by command");
  }

  /** The guardrail found the champion worse than control. True = rolled back instead, because it was on watch. */
  settle(nowMs: number, reason: string): boolean {
    if (this.#watch === undefined || this.#watch.holdBack === null) return false;
    this.#rollBack(nowMs, reason);
    return true;
  }

  #tickWatch({ trial, holdBack }: Watch, nowMs: number, rung: Rung): Finding | undefined {
    const finding = trial.tick(nowMs);
    if (finding === undefined) return undefined;
    if (finding.passed) this.#note(nowMs, "watch_passed", this.#champion, finding.reason, finding.numbers);
    else if (holdBack !== null) this.#rollBack(nowMs, finding.reason, finding.numbers);
    this.#watch = undefined;
    return !finding.passed && holdBack === null && rung === Rung.MODEL ? finding : undefined;
  }

  #tickCandidate(candidate: Candidate, nowMs: number, rung: Rung, faults: number, replaces: boolean): void {
    const step = candidate.tick(nowMs, rung, faults, replaces);
    if (step === undefined) return;
    const { kind, reason, numbers } = step;
    const { version } = candidate;
    if (kind === "shadow_failed" || kind === "rejected") this.#candidate = undefined;
    else if (kind === "promoted") this.#promote(nowMs, version, rung, candidate.record(nowMs, rung) ?? NO_RECORD);
    this.#note(nowMs, kind, version, reason, numbers);
  }

  #promote(nowMs: number, version: number, rung: Rung, record: number): void {
    this.#previous = this.#champion;
    this.#champion = version;
    if (this.#candidate?.version === version) this.#candidate = undefined;
    this.#candidate?.onNewChampion(nowMs);
    this.#watch = undefined;
    // On the floor no model serves, so there is nothing to watch.
    if (rung === Rung.FLOOR) return;
    // A model that the guardrail had taken out of service is no yardstick, and deserves no share of the traffic.
    const holdBack = rung === Rung.MODEL ? this.#previous : null;
    this.#beginWatch(nowMs, { leftMs: this.#options.watch.ms, holdBack, record });
  }

  #beginWatch(nowMs: number, { leftMs, holdBack, record }: WatchState): void {
    const { watch, comparison } = this.#options;
    const endsMs = nowMs + leftMs;
    const trial = new Trial(watchRule(watch, comparison, record), comparison, nowMs, endsMs - watch.ms);
    this.#watch = { trial, endsMs, holdBack, record };
  }

  #rollBack(nowMs: number, reason: string, numbers: Readonly<Record<string, number>> = {}): void {
    const bad = this.#champion;
    this.#champion = this.#previous;
    this.#previous = null;
    this.#watch = undefined;
    this.#candidate?.onNewChampion(nowMs);
    this.#note(nowMs, "rolled_back", bad, `${reason}; model ${this.#champion} serves again`, numbers);
  }

  #note(
    atMs: number,
    kind: VerdictKind,
    modelVersion: number | null,
    reason: string,
    numbers: Readonly<Record<string, number>> = {},
  ): void {
    this.#verdicts.push(verdict(atMs, kind, modelVersion, reason, numbers));
  }
}
