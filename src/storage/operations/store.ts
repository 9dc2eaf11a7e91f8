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
  /** Why they are not what the store has now, or may not be changed now; `null` = all is well. */
  readonly trouble: string | null;
  /** Something that the operator should hear of once: a damaged file that was put aside. */
  readonly notice?: string | null;
  /** Those that were in force in this instance when it ran last, by `seenKey`; left out = all may have been. */
  readonly seen?: ReadonlySet<string>;
  /** Those that were in force in this instance until its configuration changed, by `seenKey`. */
  readonly lost?: ReadonlySet<string>;
  /** What others have changed since it was read last; the audit has it. */
  readonly news?: readonly AuditEntry[];
}

/** Names an override as it was made: a later one of the same id is another. */
export function seenKey({ id, atMs }: Pick<Override, "id" | "atMs">): string {
  return `${id}@${atMs}`;
}

/** Others have changed it meanwhile: read it again. */
export class StaleRevisionError extends Error {
  override readonly name = "StaleRevisionError";
}

/** One place. */
export interface OperationsStore {
  /** Other instances may change it: it is worth looking at from time to time, and what is of no use here may be of use there. */
  readonly shared: boolean;
  /**
   * An override that has lost to the configuration of one instance is not in force there, and stays for the others until no
   * instance has it in force any more. Else it ends for all.
   */
  readonly endsWithAll?: boolean;
  /** For people: `the file /var/lib/…/overrides.json`. */
  readonly where: string;
  read(): Promise<KeptOverrides>;
  /**
   * These are the overrides from now on, and this was done: durable when it resolves. Rejects with `StaleRevisionError` when
   * `revision` is not the one that is kept.
   * @param scope of what was there and is not among them; left out = of all instances.
   * @returns the new revision.
   */
  commit(
    revision: number,
    overrides: readonly Override[],
    audit: readonly AuditEntry[],
    scope?: "instance",
  ): Promise<number>;
  /** This was done, and changed no override that is kept. */
  note(audit: readonly AuditEntry[]): Promise<void>;
  /** Newest first. */
  audit(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** These are in force in this instance, and these were until its configuration changed, for when it runs again. Never rejects. */
  remember?(seen: ReadonlySet<string>, lost: ReadonlySet<string>): void;
  /** Never rejects. */
  close(): Promise<void>;
}
