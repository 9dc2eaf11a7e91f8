/** By how much the policy that serves is better than the one a rung below, of late, and how sure that is: for people. */

import { ArmComparison } from "../../../evidence/arm-comparison.ts";
import { costOf } from "../../../evidence/cost.ts";
import { LearnerFigure, Rung } from "../../../shared/memory/layout/learning.ts";
import type { AttemptRecord } from "../../judge/record.ts";

/** Of buckets the comparison keeps 64: five minutes. */
const BUCKETS = { bucketMs: 5_000, bucketOutcomes: 2, longestBucketMs: 30_000 } as const;
const WINDOW_MS = 300_000;
/** Fewer outcomes of an arm say nothing. */
const LEAST_OUTCOMES = 20;

/** What serves. */
export interface Serving {
  readonly rung: Rung;
  /** Version of the champion; `null` = there is none. */
  readonly model: number | null;
}

export class Advantage {
  readonly #comparison = new ArmComparison(BUCKETS, []);
  #serving: Serving | null = null;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** An attempt ended. What was placed before the present policy served is not counted. */
  add({ arm, modelVersion, latencyMs, failed, meanMs, dispatchedMs }: AttemptRecord): void {
    if (this.#serving === null || dispatchedMs < this.#sinceMs) return;
    const { rung, model } = this.#serving;
    if (arm === "control") this.#comparison.observeReference(costOf(latencyMs, failed, meanMs));
    if (arm !== "champion" || (rung === Rung.MODEL && modelVersion !== model)) return;
    this.#comparison.observeSubject(costOf(latencyMs, failed, meanMs));
  }

  /** Moves time on and writes what there is to say; call it about once a second. @param serving `null` = there is no rung below. */
  show(figures: Float64Array, nowMs: number, serving: Serving | null): void {
    if (serving?.rung !== this.#serving?.rung || serving?.model !== this.#serving?.model) {
      this.#serving = serving;
      this.#sinceMs = nowMs;
      this.#comparison.restart();
    }
    this.#comparison.advance(nowMs);
    const seen = this.#comparison.summary(nowMs, WINDOW_MS);
    const error = seen.standardError / seen.referenceMean;
    const enough = Math.min(seen.subjectCount, seen.referenceCount) >= LEAST_OUTCOMES;
    const known = enough && Number.isFinite(seen.relative) && Number.isFinite(error);
    figures[LearnerFigure.ADVANTAGE] = known ? -seen.relative : 0;
    figures[LearnerFigure.ADVANTAGE_ERROR] = known ? error : 0;
  }
}
