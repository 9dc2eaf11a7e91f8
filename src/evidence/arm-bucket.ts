/** What two arms cost within one stretch of time: what evidence and summaries are made of. */

/** Costs of two randomised arms within one stretch of time. `subject` is on trial, `reference` is what it is held against. */
export interface ArmBucket {
  subjectCount: number;
  subjectSum: number;
  /** Sum of squares. */
  subjectSquares: number;
  subjectLeast: number;
  subjectMost: number;
  referenceCount: number;
  referenceSum: number;
  referenceSquares: number;
  referenceLeast: number;
  referenceMost: number;
}

/** Hears of complete buckets, and keeps none of them. */
export interface BucketListener {
  update(bucket: Readonly<ArmBucket>): void;
  /** Forgets everything. */
  restart(): void;
}

/** A bucket of nothing. */
export function emptyBucket(): ArmBucket {
  return clearBucket({} as ArmBucket);
}

/** Makes it one of nothing. */
export function clearBucket(bucket: ArmBucket): ArmBucket {
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
