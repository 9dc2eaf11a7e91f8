/** What can be wrong with a store, in words that say what to do about it. */

/** Kinds of trouble. */
export type StoreProblemKind =
  | "disk_full"
  | "read_only"
  /** Another process writes, for longer than is waited. */
  | "locked"
  | "corrupt"
  /** Written by a newer version of the product. */
  | "newer_schema"
  /** Written by an older version, and not opened by this one for writing yet. */
  | "older_schema"
  /** Not a store of this product. */
  | "foreign_file"
  /** Another instance has the data directory. */
  | "in_use"
  /** It works, and does not take these rows: somebody altered a table, or a row is wrong. */
  | "refused"
  /** There is no store yet. */
  | "missing"
  | "unavailable";

/** Trouble that lasts. */
export interface StoreProblem {
  readonly kind: StoreProblemKind;
  /** A sentence. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** A store that cannot do what was asked. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly kind: StoreProblemKind;

  constructor(kind: StoreProblemKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
