/** A store of operations that last as long as the test. */
import type { AuditEntry, AuditQuery } from "../../../../src/shared/operations/audit.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import {
  type KeptOverrides,
  type OperationsStore,
  StaleRevisionError,
} from "../../../../src/storage/operations/store.ts";

/** The most entries of the audit. */
const MAX_ENTRIES = 1000;

/** Forgets with the process. */
export class MemoryOperationsStore implements OperationsStore {
  readonly shared = false;
  readonly where = "memory";
  #kept: KeptOverrides = { revision: 0, overrides: [], trouble: null };
  #audit: readonly AuditEntry[] = [];

  read(): Promise<KeptOverrides> {
    return Promise.resolve(this.#kept);
  }

  async commit(revision: number, overrides: readonly Override[], audit: readonly AuditEntry[]): Promise<number> {
    if (revision !== this.#kept.revision) throw new StaleRevisionError("others have changed the overrides meanwhile");
    this.#kept = { revision: revision + 1, overrides, trouble: null };
    await this.note(audit);
    return revision + 1;
  }

  note(audit: readonly AuditEntry[]): Promise<void> {
    this.#audit = [...audit.toReversed(), ...this.#audit].slice(0, MAX_ENTRIES);
    return Promise.resolve();
  }

  audit({ limit, sinceMs }: AuditQuery): Promise<readonly AuditEntry[]> {
    return Promise.resolve(this.#audit.filter(({ atMs }) => sinceMs === null || atMs >= sinceMs).slice(0, limit));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
