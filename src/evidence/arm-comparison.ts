import type { ArmBucket, SequentialEvidence } from "./sequential-evidence.ts";

/** How time is cut up. */
export interface ArmComparisonOptions {
  /** A bucket lasts at least this long, milliseconds: what drifts slower than that is common to both arms in it. */
  readonly bucketMs: number;
  /** It goes on until both arms have so many outcomes … */
  readonly bucketOutcomes: number;
  /** … but not longer than this, milliseconds. */
  readonly longestBucketMs: number;
}

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

/** Complete buckets that are kept: about a minute of steady traffic. */
const KEPT = 64;

/**
 * Streaming comparison of two arms that chance assigned request by request. Outcomes gather in buckets of about a second;
 * a complete bucket goes into a ring (bounded memory) for summaries of the last seconds, and to the evidence
 * (`SequentialEvidence`) that decisions rest on. Arms are compared within buckets only, so drifts and outages that hit both
 * cancel (stratification by time).
 */
export class ArmComparison {
  readonly #options: ArmComparisonOptions;
  readonly #evidence: readonly SequentialEvidence[];
  readonly #ring: ArmBucket[] = Array.from({ length: KEPT }, emptyBucket);
  readonly #endedMs = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY);
  #written = 0;
  #open = emptyBucket();
  #openedMs = Number.NaN;

  constructor(options: ArmComparisonOptions, evidence: readonly SequentialEvidence[]) {
    this.#options = options;
    this.#evidence = evidence;
  }

  /** Forgets everything, the evidence too. */
  restart(): void {
    this.#endedMs.fill(Number.NEGATIVE_INFINITY);
    this.#written = 0;
    clear(this.#open);
    this.#openedMs = Number.NaN;
    for (const evidence of this.#evidence) evidence.restart();
  }

  /** An outcome of the arm on trial. */
  observeSubject(cost: number): void {
    const open = this.#open;
    open.subjectCount++;
    open.subjectSum += cost;
    open.subjectSquares += cost * cost;
    if (cost < open.subjectLeast) open.subjectLeast = cost;
    if (cost > open.subjectMost) open.subjectMost = cost;
  }

  /** An outcome of the arm that it is held against. */
  observeReference(cost: number): void {
    const open = this.#open;
    open.referenceCount++;
    open.referenceSum += cost;
    open.referenceSquares += cost * cost;
    if (cost < open.referenceLeast) open.referenceLeast = cost;
    if (cost > open.referenceMost) open.referenceMost = cost;
  }

  /** Moves time on: call it about once a second. Returns whether a bucket was completed. */
  advance(nowMs: number): boolean {
    if (Number.isNaN(this.#openedMs)) this.#openedMs = nowMs;
    const { bucketMs, bucketOutcomes, longestBucketMs } = this.#options;
    const ageMs = nowMs - this.#openedMs;
    const enough = Math.min(this.#open.subjectCount, this.#open.referenceCount) >= bucketOutcomes;
    if (ageMs < (enough ? bucketMs : longestBucketMs)) return false;
    this.#openedMs = nowMs;
    if (this.#open.subjectCount + this.#open.referenceCount === 0) return false;
    for (const evidence of this.#evidence) evidence.update(this.#open);
    const at = this.#written++ % KEPT;
    this.#endedMs[at] = nowMs;
    const reused = this.#ring[at];
    this.#ring[at] = this.#open;
    this.#open = clear(reused);
    return true;
  }

  /** Complete buckets of the last `windowMs` milliseconds, at most the last 64. */
  summary(nowMs: number, windowMs: number): ArmSummary {
    const total = emptyBucket();
    let weights = 0;
    let weighted = 0;
    // Of the weighted sum, by arm: how much each arm's variance counts, and what its variance is within buckets.
    let subjectShare = 0;
    let referenceShare = 0;
    let subjectSquares = 0;
    let referenceSquares = 0;
    let subjectFreedom = 0;
    let referenceFreedom = 0;
    let both = 0;
    for (let i = 0; i < KEPT; i++) {
      if (this.#endedMs[i] <= nowMs - windowMs) continue;
      const bucket = this.#ring[i];
      const { subjectCount: a, referenceCount: b, subjectSum, referenceSum } = bucket;
      total.subjectCount += a;
      total.referenceCount += b;
      total.subjectSum += subjectSum;
      total.referenceSum += referenceSum;
      if (a === 0 || b === 0) continue;
      both++;
      subjectFreedom += a - 1;
      referenceFreedom += b - 1;
      subjectSquares += bucket.subjectSquares - (subjectSum * subjectSum) / a;
      referenceSquares += bucket.referenceSquares - (referenceSum * referenceSum) / b;
      const weight = (a * b) / (a + b);
      weights += weight;
      weighted += weight * (subjectSum / a - referenceSum / b);
      subjectShare += (weight * weight) / a;
      referenceShare += (weight * weight) / b;
    }
    const subjectMean = total.subjectCount === 0 ? Number.NaN : total.subjectSum / total.subjectCount;
    const referenceMean = total.referenceCount === 0 ? Number.NaN : total.referenceSum / total.referenceCount;
    const difference = both === 0 ? Number.NaN : weighted / weights;
    // Welch: each arm with its own variance.
    const known = subjectFreedom > 0 && referenceFreedom > 0;
    const standardError = known
      ? Math.sqrt(
          (subjectShare * subjectSquares) / subjectFreedom + (referenceShare * referenceSquares) / referenceFreedom,
        ) / weights
      : Number.NaN;
    return {
      subjectCount: total.subjectCount,
      referenceCount: total.referenceCount,
      subjectMean,
      referenceMean,
      difference,
      standardError,
      relative: difference / referenceMean,
    };
  }
}

function emptyBucket(): ArmBucket {
  return clear({} as ArmBucket);
}

function clear(bucket: ArmBucket): ArmBucket {
  bucket.subjectCount = 0;
  bucket.subjectSum = 0;
  bucket.subjectSquares = 0;
  bucket.subjectLeast = Number.POSITIVE_INFINITY;
  bucket.subjectMost = Number.NEGATIVE_INFINITY;
  bucket.referenceCount = 0;
  bucket.referenceSum = 0;
  bucket.referenceSquares = 0;
  bucket.referenceLeast = Number.POSITIVE_INFINITY;
  bucket.referenceMost = Number.NEGATIVE_INFINITY;
  return bucket;
}
