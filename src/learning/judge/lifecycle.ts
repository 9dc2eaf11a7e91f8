/** The life of a model: candidate → shadow → canary → promoted (and watched) or rejected. One candidate at a time. */
import { Canary } from "./canary.ts";
import type { JudgeOptions } from "./options.ts";
import type { AttemptRecord, DecisionViews } from "./record.ts";
import { Shadow } from "./shadow.ts";
import { finiteNumbers, RUNG, type Rung, type Verdict, type VerdictKind } from "./verdict.ts";
import { Watch } from "./watch.ts";

/** A command that cannot be carried out; the message says why and what would be right. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** How far a candidate has come. */
export type CandidateStage = "shadow" | "canary";

/** What survives a restart. */
export interface LifecycleState {
  readonly champion: number | null;
  /** The champion before it, for a roll-back. */
  readonly previous: number | null;
  readonly candidate: { readonly version: number; readonly stage: CandidateStage } | null;
  readonly watch: { readonly leftMs: number; readonly holdBack: number | null; readonly record: number } | null;
  readonly paused: boolean;
}

interface Candidate {
  readonly version: number;
  readonly shadow: Shadow | undefined;
  /** Its shadow has passed; it waits for the watch over the last promoted one to end. */
  passed: boolean;
  canary: Canary | undefined;
}

interface Watched {
  readonly watch: Watch;
  /** The model before it, which keeps a share; `null` = there is none worth a share. */
  readonly holdBack: number | null;
}

/** What ended a watch badly without a model to go back to: the guardrail's turn. */
export interface NothingToReturnTo {
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Keeps the verdicts in order; `takeVerdicts` empties the list. */
export class Lifecycle {
  readonly #options: JudgeOptions;
  #champion: number | null;
  #previous: number | null;
  #candidate: Candidate | undefined;
  #watched: Watched | undefined;
  #paused: boolean;
  #verdicts: Verdict[] = [];

  constructor(options: JudgeOptions, state: LifecycleState, nowMs: number) {
    this.#options = options;
    this.#champion = state.champion;
    this.#previous = state.previous;
    this.#paused = state.paused;
    if (state.candidate !== null) {
      const { version, stage } = state.candidate;
      const passed = stage === "canary";
      this.#candidate = {
        version,
        shadow: passed ? undefined : new Shadow(options.shadow, nowMs),
        passed,
        canary: undefined,
      };
    }
    if (state.watch !== null) {
      const { leftMs, holdBack, record } = state.watch;
      this.#watched = { watch: new Watch(options.watch, options.comparison, nowMs, record, leftMs), holdBack };
    }
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
    return this.#candidate?.passed === false ? this.#candidate.version : null;
  }

  /** The candidate and how far it has come. */
  get candidate(): { version: number; stage: CandidateStage } | null {
    if (this.#candidate === undefined) return null;
    return { version: this.#candidate.version, stage: this.#candidate.passed ? "canary" : "shadow" };
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** A promoted model is being watched. */
  get watching(): boolean {
    return this.#watched !== undefined;
  }

  /** Which model the canary arm should have now, for a canary or as hold-back, and its share. */
  get canaryArm(): { version: number; share: number } | null {
    const { canary, watch } = this.#options;
    if (this.#watched !== undefined) {
      const { holdBack } = this.#watched;
      return holdBack === null ? null : { version: holdBack, share: watch.holdBackShare };
    }
    const candidate = this.#candidate;
    if (candidate?.canary === undefined || this.#paused) return null;
    return { version: candidate.version, share: canary.share };
  }

  /** Share that the control arm should have instead of its usual one, or `null`. */
  get controlShare(): number | null {
    if (this.#watched === undefined) return null;
    const { controlShare, holdBackShare } = this.#options.watch;
    return this.#watched.holdBack === null ? controlShare + holdBackShare : controlShare;
  }

  /** What to keep for the next start. What was seen of a candidate is gathered anew. */
  state(nowMs: number): LifecycleState {
    const watched = this.#watched;
    return {
      champion: this.#champion,
      previous: this.#previous,
      candidate: this.candidate,
      watch:
        watched === undefined
          ? null
          : { leftMs: watched.watch.leftMs(nowMs), holdBack: watched.holdBack, record: watched.watch.record },
      paused: this.#paused,
    };
  }

  /** Verdicts since the last call, oldest first. */
  takeVerdicts(): Verdict[] {
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    return verdicts;
  }

  /** A decision with what the candidate in shadow would have made of it. */
  observeDecision(record: AttemptRecord, views: DecisionViews): void {
    this.#candidate?.shadow?.observe(record, views);
  }

  /** Cost of an attempt of the policy that serves. */
  observeChampion(cost: number): void {
    this.#watched?.watch.observeChampion(cost);
    this.#candidate?.canary?.observeChampion(cost);
  }

  /** Cost of an attempt of the control arm. */
  observeControl(cost: number): void {
    this.#watched?.watch.observeControl(cost);
    this.#candidate?.canary?.observeControl(cost);
  }

  /** Cost of an attempt of the canary arm, routed by `canaryArm.version`. */
  observeCanary(cost: number): void {
    if (this.#watched !== undefined) this.#watched.watch.observeBefore(cost);
    else this.#candidate?.canary?.observeCanary(cost);
  }

  /** A new candidate. @throws CommandError when there is one already or the version serves. */
  propose(version: number, nowMs: number, reason: string): void {
    if (this.#candidate !== undefined) {
      throw new CommandError(
        `model ${this.#candidate.version} is the candidate; reject it before ${version} can be one`,
      );
    }
    if (version === this.#champion) throw new CommandError(`model ${version} is the champion already`);
    this.#candidate = { version, shadow: new Shadow(this.#options.shadow, nowMs), passed: false, canary: undefined };
    this.#note(nowMs, "candidate", version, reason, {});
  }

  /**
   * Moves time on; call it about once a second.
   * @param canaryFaults scores of the model in the canary arm since the last tick that were no finite numbers.
   * @param replaces the champion was found worse than the estimator, which serves in its place.
   * @returns the finding when the champion has turned out bad and there is nothing to roll back to.
   */
  tick(nowMs: number, rung: Rung, canaryFaults: number, replaces = false): NothingToReturnTo | undefined {
    if (this.#watched !== undefined) return this.#tickWatch(nowMs, rung);
    if (!this.#paused) this.#tickCandidate(nowMs, rung, canaryFaults, replaces);
    return undefined;
  }

  /** The ladder has moved: what a candidate was compared with serves no longer; a watch is over. */
  onRungChange(nowMs: number): void {
    this.#watched = undefined;
    const canary = this.#candidate?.canary;
    // A canary keeps its time limit: a ladder that moves up and down must not keep a candidate for ever.
    if (canary !== undefined) canary.restart(nowMs);
    else this.#restartCandidate(nowMs);
  }

  /** Makes a model the champion at once. @throws CommandError when it is already. */
  promote(version: number, nowMs: number, rung: Rung): void {
    if (version === this.#champion) throw new CommandError(`model ${version} is the champion already`);
    this.#promote(nowMs, version, rung, "by command", {}, Number.NaN);
  }

  /** Back to the champion before. @throws CommandError when there is none. */
  rollback(nowMs: number): void {
    if (this.#previous === null) throw new CommandError("there is no champion before this one to roll back to");
    this.#rollBack(nowMs, "by command", {});
  }

  /** Ends a candidacy. @throws CommandError when that version is not the candidate. */
  reject(version: number, nowMs: number): void {
    if (this.#candidate?.version !== version) {
      const present = this.#candidate === undefined ? "there is no candidate" : `model ${this.#candidate.version} is`;
      throw new CommandError(`model ${version} is not the candidate; ${present}`);
    }
    this.#candidate = undefined;
    this.#note(nowMs, "rejected", version, "by command", {});
  }

  /** No model moves on by itself until `resume`. What protects (watch, guardrail) goes on. */
  pause(nowMs: number): void {
    if (this.#paused) throw new CommandError("paused already");
    this.#paused = true;
    this.#note(nowMs, "paused", null, "by command", {});
  }

  /** Undoes `pause`; a canary begins its comparison anew. */
  resume(nowMs: number): void {
    if (!this.#paused) throw new CommandError("not paused");
    this.#paused = false;
    const candidate = this.#candidate;
    if (candidate !== undefined) candidate.canary = undefined;
    this.#note(nowMs, "resumed", null, "by command", {});
  }

  /** The guardrail found the champion worse than control. True = rolled back instead, because it was on watch. */
  settle(nowMs: number, reason: string): boolean {
    if (this.#watched === undefined || this.#watched.holdBack === null) return false;
    this.#rollBack(nowMs, reason, {});
    return true;
  }

  #tickWatch(nowMs: number, rung: Rung): NothingToReturnTo | undefined {
    const { watch, holdBack } = this.#watched as Watched;
    const finding = watch.tick(nowMs);
    if (finding === undefined) return undefined;
    if (finding.good) {
      this.#watched = undefined;
      this.#note(nowMs, "watch_passed", this.#champion, finding.reason, finding.numbers);
      return undefined;
    }
    if (holdBack !== null) {
      this.#rollBack(nowMs, finding.reason, finding.numbers);
      return undefined;
    }
    this.#watched = undefined;
    return rung === RUNG.MODEL ? finding : undefined;
  }

  #tickCandidate(nowMs: number, rung: Rung, canaryFaults: number, replaces: boolean): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    if (!candidate.passed) {
      const finding = candidate.shadow?.finding(nowMs);
      if (finding === undefined) return;
      this.#note(
        nowMs,
        finding.passed ? "shadow_passed" : "shadow_failed",
        candidate.version,
        finding.reason,
        finding.numbers,
      );
      if (!finding.passed) this.#candidate = undefined;
      else candidate.passed = true;
      return;
    }
    // On the floor nothing is tried: something is wrong, and there is no control to learn from.
    if (rung === RUNG.FLOOR) {
      candidate.canary?.restart(nowMs);
      return;
    }
    const { canary, comparison } = this.#options;
    if (candidate.canary === undefined) {
      candidate.canary = new Canary(canary, comparison, nowMs, replaces);
      const share = canary.share;
      this.#note(nowMs, "canary_started", candidate.version, `it gets ${share * 100} % of requests`, { share });
      return;
    }
    if (canaryFaults > 0) {
      this.#candidate = undefined;
      const reason = `it gave ${canaryFaults} scores that are no numbers`;
      this.#note(nowMs, "rejected", candidate.version, reason, { canaryFaults });
      return;
    }
    candidate.canary.setReplaces(nowMs, replaces);
    const finding = candidate.canary.tick(nowMs);
    if (finding === undefined) return;
    if (finding.promote) {
      // Control on the top rung is the estimator: below it, that is what serves now.
      const held = rung === RUNG.MODEL ? candidate.canary.record(nowMs) : candidate.canary.summary(nowMs);
      const { subjectMean, referenceMean, difference, standardError } = held;
      // The upper end of what it may have cost: a lucky canary must not be held to its luck.
      const record = (subjectMean + 2 * standardError) / (subjectMean - difference);
      this.#promote(
        nowMs,
        candidate.version,
        rung,
        finding.reason,
        finding.numbers,
        referenceMean > 0 ? record : Number.NaN,
      );
    } else {
      this.#candidate = undefined;
      this.#note(nowMs, "rejected", candidate.version, finding.reason, finding.numbers);
    }
  }

  #promote(
    nowMs: number,
    version: number,
    rung: Rung,
    reason: string,
    numbers: Readonly<Record<string, number>>,
    record: number,
  ): void {
    this.#previous = this.#champion;
    this.#champion = version;
    if (this.#candidate?.version === version) this.#candidate = undefined;
    this.#restartCandidate(nowMs);
    // A model that the guardrail had taken out of service is no yardstick, and deserves no share of the traffic.
    const holdBack = rung === RUNG.MODEL ? this.#previous : null;
    const { watch, comparison } = this.#options;
    // On the floor no model serves, so there is nothing to watch.
    this.#watched = rung === RUNG.FLOOR ? undefined : { watch: new Watch(watch, comparison, nowMs, record), holdBack };
    this.#note(nowMs, "promoted", version, reason, numbers);
  }

  #rollBack(nowMs: number, reason: string, numbers: Readonly<Record<string, number>>): void {
    const bad = this.#champion;
    this.#champion = this.#previous;
    this.#previous = null;
    this.#watched = undefined;
    this.#restartCandidate(nowMs);
    this.#note(nowMs, "rolled_back", bad, `${reason}; model ${this.#champion} serves again`, numbers);
  }

  /** Another policy serves: a candidate is held against that from now on. */
  #restartCandidate(nowMs: number): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    const shadow = candidate.passed ? undefined : new Shadow(this.#options.shadow, nowMs);
    this.#candidate = { version: candidate.version, shadow, passed: candidate.passed, canary: undefined };
  }

  #note(
    atMs: number,
    kind: VerdictKind,
    modelVersion: number | null,
    reason: string,
    numbers: Readonly<Record<string, number>>,
  ): void {
    this.#verdicts.push(Object.freeze({ atMs, modelVersion, kind, reason, numbers: finiteNumbers(numbers) }));
  }
}
