/** A promoted model on its first minutes of all the traffic. */
import { ArmComparison, type ArmComparisonOptions, type ArmSummary } from "./arm-comparison.ts";
import { describe, figures } from "./describe.ts";
import type { WatchOptions } from "./options.ts";
import { SequentialEvidence } from "./sequential-evidence.ts";
import { finiteNumbers } from "./verdict.ts";

/** How a watch ended. `reason` is one sentence with figures. */
export interface WatchFinding {
  readonly good: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * A model can be good at a fifth of the traffic and bad at all of it (its own choices change the servers' load), or turn bad
 * later. So the model before it keeps a share of the requests for some minutes (hold-back), and the new champion is
 * compared with that, with far more outcomes than the control arm would give. Beside that it is held to its own record: as
 * canary it cost r times what control cost; if it now costs clearly more than that, it has turned bad even where control
 * is no better. Both look for a change at any time, so a roll-back comes within seconds of it.
 *
 * How soon, and how rarely without a reason: lifecycle-simulation.test.ts.
 */
export class Watch {
  readonly #options: WatchOptions;
  #endsMs: number;
  readonly #againstBefore: ArmComparison;
  readonly #worseThanBefore: SequentialEvidence;
  readonly #againstControl: ArmComparison;
  readonly #worseThanRecord: SequentialEvidence;
  readonly #record: number;

  /**
   * @param recordOfControl what it cost as canary, as a multiple of control; NaN = no record, it is taken for no better.
   * @param leftMs how long to watch.
   */
  constructor(
    options: WatchOptions,
    comparison: ArmComparisonOptions,
    nowMs: number,
    recordOfControl: number,
    leftMs: number = options.ms,
  ) {
    this.#options = options;
    this.#endsMs = nowMs + leftMs;
    // A record of "worse than control" is no licence: the guardrail allows none of it either.
    this.#record = Number.isNaN(recordOfControl) ? 1 : Math.min(1, recordOfControl);
    const common = {
      claim: "worse" as const,
      bets: options.bets,
      startWeight: 0.5,
      bucketWeight: (0.5 * comparison.bucketMs) / options.ms,
      ownVariance: true,
    };
    this.#worseThanBefore = new SequentialEvidence(common);
    this.#worseThanRecord = new SequentialEvidence({
      ...common,
      subjectScale: 1 / (this.#record * (1 + options.recordMargin)),
    });
    this.#againstBefore = new ArmComparison(comparison, [this.#worseThanBefore]);
    this.#againstControl = new ArmComparison(comparison, [this.#worseThanRecord]);
  }

  /** What it cost as canary, as a multiple of control, at most 1. */
  get record(): number {
    return this.#record;
  }

  /** How long it still lasts, milliseconds. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#endsMs - nowMs);
  }

  /** An outcome of the new champion. */
  observeChampion(cost: number): void {
    this.#againstBefore.observeSubject(cost);
    this.#againstControl.observeSubject(cost);
  }

  /** An outcome of the model before it, on its hold-back share. */
  observeBefore(cost: number): void {
    this.#againstBefore.observeReference(cost);
  }

  /** An outcome of the control arm. */
  observeControl(cost: number): void {
    this.#againstControl.observeReference(cost);
  }

  /** Moves time on; call it about once a second. `undefined` = the watch goes on. */
  tick(nowMs: number): WatchFinding | undefined {
    this.#againstBefore.advance(nowMs);
    this.#againstControl.advance(nowMs);
    const { windowMs } = this.#options;
    const before = this.#againstBefore.summary(nowMs, windowMs);
    const control = this.#againstControl.summary(nowMs, windowMs);
    const limit = 1 / this.#options.error;
    if (this.#worseThanBefore.value >= limit && before.difference > 0) {
      return this.#found(false, `worse than the model before it: ${describe(before)}`, before);
    }
    if (this.#worseThanRecord.value >= limit) {
      const record = `as canary it cost ${this.#record.toFixed(2)} of control`;
      return this.#found(
        false,
        `worse than its own record (${record}): against control now ${describe(control)}`,
        control,
      );
    }
    if (nowMs < this.#endsMs) return undefined;
    const seen = before.referenceCount > 0 ? before : control;
    return this.#found(true, `proven in ${Math.round(this.#options.ms / 60_000)} min: ${describe(seen)}`, seen);
  }

  #found(good: boolean, reason: string, seen: ArmSummary): WatchFinding {
    const numbers = {
      ...figures(seen),
      record: this.#record,
      evidenceWorseThanBefore: this.#worseThanBefore.value,
      evidenceWorseThanRecord: this.#worseThanRecord.value,
    };
    return { good, reason, numbers: finiteNumbers(numbers) };
  }
}
