import { type ArmBucket, type BucketListener, clearBucket, emptyBucket } from "./arm-bucket.ts";
import { type ArmSummary, BucketSums } from "./bucket-sums.ts";

/** How time is cut up. */
export interface ArmComparisonOptions {
  /** A bucket lasts at least this long, milliseconds: what drifts slower than that is common to both arms in it. */
  readonly bucketMs: number;
  /** It goes on until both arms have so many outcomes … */
  readonly bucketOutcomes: number;
  /** … but not longer than this, milliseconds. */
  readonly longestBucketMs: number;
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
  readonly #listeners: readonly BucketListener[];
  readonly #ring: ArmBucket[] = Array.from({ length: KEPT }, emptyBucket);
  readonly #endedMs = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY);
  #written = 0;
  #open = emptyBucket();
  #openedMs = Number.NaN;

  /** @param listeners hear of each complete bucket: the evidence, and sums. */
  constructor(options: ArmComparisonOptions, listeners: readonly BucketListener[]) {
    this.#options = options;
    this.#listeners = listeners;
  }

  /** Forgets everything, and so do its listeners. */
  restart(): void {
    this.#endedMs.fill(Number.NEGATIVE_INFINITY);
    this.#written = 0;
    clearBucket(this.#open);
    this.#openedMs = Number.NaN;
    for (const listener of this.#listeners) listener.restart();
  }

  /** An outcome of the arm on trial, or several that cost the same. */
  observeSubject(cost: number, count = 1): void {
    const open = this.#open;
    open.subjectCount += count;
    open.subjectSum += count * cost;
    open.subjectSquares += count * cost * cost;
    if (cost < open.subjectLeast) open.subjectLeast = cost;
    if (cost > open.subjectMost) open.subjectMost = cost;
  }

  /** An outcome of the arm that it is held against, or several that cost the same. */
  observeReference(cost: number, count = 1): void {
    const open = this.#open;
    open.referenceCount += count;
    open.referenceSum += count * cost;
    open.referenceSquares += count * cost * cost;
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
    for (const listener of this.#listeners) listener.update(this.#open);
    const at = this.#written++ % KEPT;
    this.#endedMs[at] = nowMs;
    const reused = this.#ring[at];
    this.#ring[at] = this.#open;
    this.#open = clearBucket(reused);
    return true;
  }

  /** Complete buckets of the last `windowMs` milliseconds, at most the last 64. */
  summary(nowMs: number, windowMs: number): ArmSummary {
    const sums = new BucketSums();
    for (let i = 0; i < KEPT; i++) if (this.#endedMs[i] > nowMs - windowMs) sums.update(this.#ring[i]);
    return sums.summary;
  }
}
