/** Means of two arms, and their difference, over any number of buckets. */
import type { ArmBucket, BucketListener } from "./arm-bucket.ts";

/** Mean costs of two arms over a window. Means are NaN where an arm has no outcomes. */
export interface ArmSummary {
  readonly subjectCount: number;
  readonly referenceCount: number;
  readonly subjectMean: number;
  readonly referenceMean: number;
  /** Subject less reference, compared within buckets; NaN when no bucket has both. */
  readonly difference: number;
  /** Of the difference; a single look at it (for many looks there is the evidence). NaN when unknown. */
  readonly standardError: number;
  /** `difference` as a share of the reference's mean: 0.1 = 10 % worse. */
  readonly relative: number;
}

/** Sums in constant memory, whatever they go over. Arms are compared within buckets (stratification by time). */
export class BucketSums implements BucketListener {
  #subjectCount = 0;
  #referenceCount = 0;
  #subjectSum = 0;
  #referenceSum = 0;
  #weights = 0;
  #weighted = 0;
  // Of the weighted sum, by arm: how much each arm's variance counts, and what its variance is within buckets.
  #subjectShare = 0;
  #referenceShare = 0;
  #subjectSquares = 0;
  #referenceSquares = 0;
  #subjectFreedom = 0;
  #referenceFreedom = 0;
  #both = 0;

  restart(): void {
    this.#subjectCount = this.#referenceCount = this.#subjectSum = this.#referenceSum = 0;
    this.#weights = this.#weighted = this.#subjectShare = this.#referenceShare = 0;
    this.#subjectSquares = this.#referenceSquares = this.#subjectFreedom = this.#referenceFreedom = this.#both = 0;
  }

  update(bucket: Readonly<ArmBucket>): void {
    const { subjectCount: a, referenceCount: b, subjectSum, referenceSum } = bucket;
    this.#subjectCount += a;
    this.#referenceCount += b;
    this.#subjectSum += subjectSum;
    this.#referenceSum += referenceSum;
    if (a === 0 || b === 0) return;
    this.#both++;
    this.#subjectFreedom += a - 1;
    this.#referenceFreedom += b - 1;
    this.#subjectSquares += bucket.subjectSquares - (subjectSum * subjectSum) / a;
    this.#referenceSquares += bucket.referenceSquares - (referenceSum * referenceSum) / b;
    const weight = (a * b) / (a + b);
    this.#weights += weight;
    this.#weighted += weight * (subjectSum / a - referenceSum / b);
    this.#subjectShare += (weight * weight) / a;
    this.#referenceShare += (weight * weight) / b;
  }

  /** Over all that was added. */
  get summary(): ArmSummary {
    const subjectMean = this.#subjectCount === 0 ? Number.NaN : this.#subjectSum / this.#subjectCount;
    const referenceMean = this.#referenceCount === 0 ? Number.NaN : this.#referenceSum / this.#referenceCount;
    const difference = this.#both === 0 ? Number.NaN : this.#weighted / this.#weights;
    // Welch: each arm with its own variance.
    const known = this.#subjectFreedom > 0 && this.#referenceFreedom > 0;
    const standardError = known
      ? Math.sqrt(
          (this.#subjectShare * this.#subjectSquares) / this.#subjectFreedom +
            (this.#referenceShare * this.#referenceSquares) / this.#referenceFreedom,
        ) / this.#weights
      : Number.NaN;
    return {
      subjectCount: this.#subjectCount,
      referenceCount: this.#referenceCount,
      subjectMean,
      referenceMean,
      difference,
      standardError,
      relative: difference / referenceMean,
    };
  }
}
