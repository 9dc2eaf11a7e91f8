/** What steps between versions of tables are in SQLite. */

/** The way from the version before to one version, and back, for one file. Each way is a transaction. */
export interface PartStep {
  /** Statements, each of which takes a few seconds at most with the largest file that the limits allow. */
  readonly up: readonly string[];
  readonly down: readonly string[];
}

/** All that is known of the versions of one file. */
export interface PartSchema {
  /** Says that a file is one of ours, and of this part. */
  readonly applicationId: number;
  /** Step i leads to version i + 1. A step that was released is never changed. */
  readonly steps: readonly PartStep[];
}
