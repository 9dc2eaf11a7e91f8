/**
 * What operators have changed at run time, where it lasts: the overrides in force and the audit. Everything may wait on a disk
 * or a network and returns a promise; what rejects with another error than `StaleRevisionError` is a store that does not work
 * now, and has changed nothing as far as it can tell.
 */
import type { AuditEntry, AuditQuery } from "../../shared/operations/audit.ts";
import type { Override } from "../../shared/operations/override.ts";

/** All overrides that are kept, as of one revision. */
export interface KeptOverrides {
  /** Grows by one with each change; 0 = nothing was ever kept. */
  readonly revision: number;
  readonly overrides: readonly Override[];
}

/** Others have changed it meanwhile: read it again. */
export class StaleRevisionError extends Error {
  override readonly name = "StaleRevisionError";
}

/** One place. */
export interface OperationsStore {
  /** Other instances may change it. */
  readonly shared: boolean;
  /** For people: `the file /var/lib/…/overrides.json`. */
  readonly where: string;
  read(): Promise<KeptOverrides>;
  /**
   * These are the overrides from now on, and this was done: durable when it resolves. Rejects with `StaleRevisionError` when
   * `revision` is not the one that is kept.
   * @returns the new revision.
   */
  commit(revision: number, overrides: readonly Override[], audit: readonly AuditEntry[]): Promise<number>;
  /** This was done, and changed no override that is kept. */
  note(audit: readonly AuditEntry[]): Promise<void>;
  /** Newest first. */
  audit(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** Never rejects. */
  close(): Promise<void>;
}
