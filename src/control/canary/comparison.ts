/** Both arms of a canary side by side while its share stays the same: what their requests cost, and the evidence of it. Pure. */
import { ArmComparison } from "../../evidence/arm-comparison.ts";
import { type ArmSummary, BucketSums } from "../../evidence/bucket-sums.ts";
import { costOf } from "../../evidence/cost.ts";
import { type EvidenceOptions, SequentialEvidence } from "../../evidence/sequential-evidence.ts";
import { NATIVE_BUCKETS } from "../../shared/memory/layout/durations.ts";
import { type ArmCounts, BUCKET_END_MS, BUCKET_MS, countOf } from "./arm-counts.ts";

/** What the comparison rests on. */
export interface ComparisonTerms {
  /** How much more a request may cost, as a share. */
  readonly tolerance: number;
  /** Probability of `worse` of a canary that is not, over all its steps. */
  readonly harmError: number;
  /** Probability of `noWorse` of one that is, in this step. */
  readonly noWorseError: number;
  /** A step is meant to last so long at most, milliseconds. */
  readonly maxDurationMs: number;
  /** Requests of one client hang together: so many count as one. */
  readonly clusterSize: number;
}

/** How far the evidence is: from 1 on the claim is shown. */
export interface Evidence {
  readonly worse: number;
  readonly noWorse: number;
}

/** One arm in figures. Means are NaN without requests. */
export interface ArmFigures {
  readonly requests: number;
  readonly failed: number;
  readonly meanMs: number;
}

/** As the judge's: buckets of a second, longer where there is little traffic. */
const TIME = { bucketMs: 1_000, bucketOutcomes: 2, longestBucketMs: 30_000 };
/** Differences in cost that are bet on; half of the least, beyond the tolerance, is never shown to be worse. */
const WORSE_BETS = [0.06, 0.12, 0.25, 0.5, 1];
const NO_WORSE_BETS = [0.03, 0.06, 0.12, 0.25, 0.5];
/** The mean that costs are measured in follows the traffic with this half-life. */
const MEAN_HALF_LIFE_MS = 30_000;

/**
 * A request costs as an attempt does under the judges of models (`costOf`): its duration in mean durations of the stable arm,
 * and a failure at least a second of waiting. The duration is that of the middle of its bucket: the same function of the
 * outcome in both arms, so the evidence holds as it does for exact durations. The mean is that of the time before, so nothing
 * of an outcome is in the unit that it is measured in.
 *
 * Only requests that began in this step count, in both arms: one arm has just got more (or its first) requests, of which only
 * the short ones have ended, and would look the faster for it. What takes longer than two minutes (the last bucket) is left
 * out for the same reason: streams and tunnels.
 */
export class CanaryComparison {
  readonly #terms: ComparisonTerms;
  readonly #worse: SequentialEvidence;
  readonly #noWorse: SequentialEvidence;
  readonly #sums = new BucketSums();
  readonly #arms: ArmComparison;
  readonly #beganMs: number;
  readonly #canary = new ArmTotal();
  readonly #stable = new ArmTotal();
  #meanSumMs = 0;
  #meanCount = 0;
  #lastMs: number;

  constructor(terms: ComparisonTerms, nowMs: number) {
    const { tolerance, maxDurationMs, clusterSize } = terms;
    this.#terms = terms;
    this.#beganMs = nowMs;
    this.#lastMs = nowMs;
    const common = {
      subjectScale: 1 / (1 + tolerance),
      ownVariance: true,
      clusterSize,
    } satisfies Partial<EvidenceOptions>;
    // Bets that begin anew all the time find what turns bad as soon as what was bad from the start.
    const bucketWeight = (0.5 * TIME.bucketMs) / maxDurationMs;
    this.#worse = new SequentialEvidence({
      ...common,
      claim: "worse",
      bets: WORSE_BETS,
      startWeight: 0.5,
      bucketWeight,
    });
    this.#noWorse = new SequentialEvidence({
      ...common,
      claim: "better",
      bets: NO_WORSE_BETS,
      startWeight: 1,
      bucketWeight: 0,
    });
    this.#arms = new ArmComparison(TIME, [this.#worse, this.#noWorse, this.#sums]);
  }

  /** What ended since the last look, in both arms. Call it about once a second. @param nowMs monotonic. */
  add(canary: ArmCounts, stable: ArmCounts, nowMs: number): void {
    const stepMs = nowMs - this.#lastMs;
    // It may have ended at any time since the last look.
    const youngMs = this.#lastMs - this.#beganMs;
    this.#lastMs = nowMs;
    const meanMs = this.#meanCount > 0 ? this.#meanSumMs / this.#meanCount : 0;
    if (meanMs > 0) {
      this.#observe(canary, youngMs, meanMs, (cost, count) => this.#arms.observeSubject(cost, count));
      this.#observe(stable, youngMs, meanMs, (cost, count) => this.#arms.observeReference(cost, count));
      this.#canary.add(canary, youngMs);
      this.#stable.add(stable, youngMs);
    }
    this.#learnMean(stable, stepMs);
    this.#arms.advance(nowMs);
  }

  /** How long it has lasted, milliseconds. */
  get ageMs(): number {
    return this.#lastMs - this.#beganMs;
  }

  /** In parts of what is needed. */
  get evidence(): Evidence {
    const { harmError, noWorseError } = this.#terms;
    return { worse: this.#worse.value * harmError, noWorse: this.#noWorse.value * noWorseError };
  }

  /** Costs, of all complete seconds. */
  get summary(): ArmSummary {
    return this.#sums.summary;
  }

  /** The pool under trial. */
  get canary(): ArmFigures {
    return this.#canary.figures;
  }

  /** The others, over the same time. */
  get stable(): ArmFigures {
    return this.#stable.figures;
  }

  #observe(
    { all, failed }: ArmCounts,
    youngMs: number,
    meanMs: number,
    observe: (cost: number, count: number) => void,
  ): void {
    for (let i = 0; i < NATIVE_BUCKETS && BUCKET_END_MS[i] <= youngMs; i++) {
      if (all[i] === 0) continue;
      const wrong = Math.min(failed[i], all[i]); // counted a moment later than the others
      if (wrong > 0) observe(costOf(BUCKET_MS[i], true, meanMs), wrong);
      if (all[i] > wrong) observe(costOf(BUCKET_MS[i], false, meanMs), all[i] - wrong);
    }
  }

  #learnMean({ all }: ArmCounts, stepMs: number): void {
    const keep = 0.5 ** (stepMs / MEAN_HALF_LIFE_MS);
    this.#meanSumMs *= keep;
    this.#meanCount *= keep;
    for (let i = 0; i < NATIVE_BUCKETS - 1; i++) {
      this.#meanSumMs += all[i] * BUCKET_MS[i];
      this.#meanCount += all[i];
    }
  }
}

/** One arm since the step began. */
class ArmTotal {
  #requests = 0;
  #failed = 0;
  #sumMs = 0;

  add({ all, failed }: ArmCounts, youngMs: number): void {
    const end = BUCKET_END_MS.findIndex((bound) => bound > youngMs);
    this.#requests += countOf(all.subarray(0, end));
    this.#failed += countOf(failed.subarray(0, end));
    for (let i = 0; i < end; i++) this.#sumMs += all[i] * BUCKET_MS[i];
  }

  get figures(): ArmFigures {
    return { requests: this.#requests, failed: this.#failed, meanMs: this.#sumMs / this.#requests };
  }
}
