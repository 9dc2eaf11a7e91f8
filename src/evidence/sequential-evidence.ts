import type { ArmBucket, BucketListener } from "./arm-bucket.ts";

/** What evidence is gathered for. */
export interface EvidenceOptions {
  /** Evidence that the subject costs more than the reference (`worse`) or less (`better`). */
  readonly claim: "worse" | "better";
  /**
   * Differences in mean cost that are bet on, in rising order. A bet on λ grows only while the true difference is above
   * about λ/2: half of the least bet is the difference that is tolerated for ever.
   */
  readonly bets: readonly number[];
  /** Weight of "it was so from the start". */
  readonly startWeight: number;
  /** Weight of "it begins with this bucket", for every bucket. */
  readonly bucketWeight: number;
  /** The subject's costs count times this: 1 / 1.01 asks whether it is less than 1 % worse. */
  readonly subjectScale?: number;
  /**
   * Take the smaller arm's own variance where it is above the common one. Needed where arms may have equal means and
   * different variances; not where a larger variance would itself be held against the subject.
   */
  readonly ownVariance?: boolean;
  /**
   * So many outcomes hang together and count as one: what is won is raised to the power of 1 / this, which by Jensen's
   * inequality can be won no more easily. Needed where not each outcome is assigned by chance but its client (the design
   * effect; Kish 1965). 1 unless said.
   */
  readonly clusterSize?: number;
}

/** Evidence beyond this says nothing more. */
const MOST_EVIDENCE = 1e15;
/** Variance history fades by this much with each bucket, and begins as so many outcomes of the common variance. */
const HISTORY_KEEP = 0.98;
const HISTORY_PRIOR = 20;

/**
 * Evidence that may be looked at after every bucket without inflating false alarms: a mixture of sequential tests
 * (Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021).
 *
 * Within a bucket the arms were assigned by chance. If the policies do not differ, the smaller arm's n costs are a random
 * draw from all N, so the excess `S = Σ (mean of all - cost)` has mean 0, and by Hoeffding (1963, theorem 4) and Bennett
 * (1962)
 *
 *     E exp(θS - n σ² (e^θc - 1 - θc) / c²) ≤ 1
 *
 * with σ² the variance of all N costs and c the farthest that one can lie from their mean. No variance is estimated from
 * the past and nothing is assumed of the distribution: an outage or a drift that hits both arms cancels bucket by bucket.
 * The product over buckets is a bet that can only be won if the policies differ; the evidence is what bets on several
 * differences have won together.
 *
 * - With a `startWeight` of 1: if there is no difference, the evidence ever reaches 1/α with probability ≤ α (Ville).
 * - With weights that begin anew with each bucket (Shiryaev & Roberts; "e-detectors", Shin, Ramdas & Rinaldo 2023) a
 *   change is noticed soon after it comes, whatever went before. With `bucketWeight` 1 false alarms at a threshold T come
 *   at most every T buckets on average.
 */
export class SequentialEvidence implements BucketListener {
  readonly #options: EvidenceOptions;
  readonly #won: Float64Array;
  #value = 0;
  #outcomes = 0;
  #squares = 0;
  #ownOutcomes = 0;
  #ownSquares = 0;

  constructor(options: EvidenceOptions) {
    this.#options = options;
    this.#won = new Float64Array(options.bets.length);
    this.restart();
  }

  /** What the bets have won: 1/α is significant at level α. */
  get value(): number {
    return this.#value;
  }

  /** Forgets everything. */
  restart(): void {
    this.#won.fill(this.#options.startWeight / this.#won.length);
    this.#value = this.#options.startWeight;
    this.#outcomes = 0;
    this.#squares = 0;
    this.#ownOutcomes = 0;
    this.#ownSquares = 0;
  }

  /** Takes in one complete bucket. One without outcomes of both arms, or without any variation, says nothing. */
  update(bucket: ArmBucket): void {
    const { claim, subjectScale: scale = 1, bets, bucketWeight, ownVariance = false, clusterSize = 1 } = this.#options;
    const { subjectCount, referenceCount } = bucket;
    if (subjectCount === 0 || referenceCount === 0) return;
    const all = subjectCount + referenceCount;
    const subjectSum = bucket.subjectSum * scale;
    const subjectSquares = bucket.subjectSquares * scale * scale;
    const mean = (subjectSum + bucket.referenceSum) / all;
    const squares = subjectSquares + bucket.referenceSquares - all * mean * mean;
    const variance = squares / all;
    if (!(variance > 1e-9 * mean * mean)) return;

    // The smaller arm's costs are the draw. `high` says which way they would differ if the claim is true.
    const ofReference = referenceCount <= subjectCount;
    const high = (claim === "worse") !== ofReference;
    const count = ofReference ? referenceCount : subjectCount;
    const sum = ofReference ? bucket.referenceSum : subjectSum;
    const excess = high ? sum - count * mean : count * mean - sum;
    const reach = high
      ? Math.max(bucket.subjectMost * scale, bucket.referenceMost) - mean
      : mean - Math.min(bucket.subjectLeast * scale, bucket.referenceLeast);
    const inflation = ownVariance ? this.#ownInflation() : 1;
    const ownSquares = (ofReference ? bucket.referenceSquares : subjectSquares) - 2 * mean * sum + count * mean * mean;
    this.#remember(all, squares, count, ownSquares);

    this.#value = 0;
    for (let i = 0; i < bets.length; i++) {
      // The best θ for this bet by the bound above.
      const raise = (reach * bets[i]) / variance;
      const theta = Math.log1p(raise) / reach;
      const gain = theta * excess - (count * inflation * variance * (raise - theta * reach)) / (reach * reach);
      const won = (this.#won[i] + bucketWeight / bets.length) * Math.exp(gain / clusterSize);
      this.#won[i] = Math.min(won, MOST_EVIDENCE);
      this.#value += this.#won[i];
    }
  }

  /** How much larger the smaller arm's variance was up to now than the common one, at least 1. */
  #ownInflation(): number {
    if (this.#outcomes === 0) return 1;
    const common = this.#squares / this.#outcomes;
    return Math.max(1, (this.#ownSquares / common + HISTORY_PRIOR) / (this.#ownOutcomes + HISTORY_PRIOR));
  }

  #remember(outcomes: number, squares: number, ownOutcomes: number, ownSquares: number): void {
    this.#outcomes = this.#outcomes * HISTORY_KEEP + outcomes;
    this.#squares = this.#squares * HISTORY_KEEP + squares;
    this.#ownOutcomes = this.#ownOutcomes * HISTORY_KEEP + ownOutcomes;
    this.#ownSquares = this.#ownSquares * HISTORY_KEEP + ownSquares;
  }
}
