/**
 * A store that may be out of reach when an instance starts, with a copy beside the instance of what it said last: a server
 * that was drained stays so, whatever the database is doing at that moment.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { AuditEntry, AuditQuery } from "../../shared/operations/audit.ts";
import type { Override } from "../../shared/operations/override.ts";
import { replaceFile } from "./file/replace.ts";
import { FORMAT, readOverrides } from "./format.ts";
import { readWhole } from "./read-whole.ts";
import type { KeptOverrides, OperationsStore } from "./store.ts";

const MAX_SEEN = 4000;

/** See the top of this file. */
export class CopiedOperationsStore implements OperationsStore {
  readonly shared = true;
  readonly where: string;
  readonly #store: OperationsStore;
  readonly #folder: string;
  readonly #path: string;
  /** How long the store may take before the copy is believed, milliseconds: until the first answer. */
  readonly #patienceMs: number;
  readonly #onCommitted: () => void;
  #kept: KeptOverrides | null = null;
  #seen: ReadonlySet<string> = new Set();
  #writing: Promise<unknown> = Promise.resolve();
  /** What has to be said of the copy; `null` = all is well with it. */
  #notice: string | null = null;

  /** @param onCommitted something was changed there. */
  constructor(store: OperationsStore, folder: string, patienceMs: number, onCommitted: () => void = () => {}) {
    this.#store = store;
    this.where = store.where;
    this.#folder = folder;
    this.#path = join(folder, "copy.json");
    this.#patienceMs = patienceMs;
    this.#onCommitted = onCommitted;
  }

  async read(): Promise<KeptOverrides> {
    if (this.#kept !== null) return { ...this.#took(await this.#store.read()), notice: this.#notice };
    const copy = await this.#readCopy();
    this.#seen = copy.seen ?? new Set();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("nothing came in time")), this.#patienceMs);
    const read = this.#store.read();
    read.catch(() => {});
    try {
      return { ...this.#took(await Promise.race([read, late.promise])), seen: this.#seen, notice: this.#notice };
    } catch (error) {
      const trouble = `${this.where}: ${(error as Error).message}; what it said last is in force`;
      this.#kept = { ...copy, revision: -1 };
      return { ...copy, revision: -1, trouble, notice: this.#notice };
    } finally {
      clearTimeout(timer);
    }
  }

  async commit(revision: number, overrides: readonly Override[], audit: readonly AuditEntry[]): Promise<number> {
    const next = await this.#store.commit(revision, overrides, audit);
    this.#took({ revision: next, overrides, trouble: null });
    this.#onCommitted();
    return next;
  }

  note(audit: readonly AuditEntry[]): Promise<void> {
    return this.#store.note(audit);
  }

  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#store.audit(query);
  }

  remember(seen: ReadonlySet<string>): void {
    this.#seen = seen;
    if (this.#kept !== null) this.#write(this.#kept.overrides);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#store.close();
  }

  #took(kept: KeptOverrides): KeptOverrides {
    const isNew = this.#kept?.revision !== kept.revision;
    this.#kept = kept;
    if (isNew) this.#write(kept.overrides);
    return kept;
  }

  /** A copy that cannot be written is missed when it is needed alone: it is said, and no change waits for it. */
  #write(overrides: readonly Override[]): void {
    const text = `${JSON.stringify({ format: FORMAT, overrides, seen: [...this.#seen].slice(0, MAX_SEEN) })}\n`;
    this.#writing = this.#writing
      .then(() => mkdir(this.#folder, { recursive: true, mode: 0o700 }))
      .then(() => replaceFile(this.#path, text))
      .catch((error: Error) => {
        this.#notice = `${this.#path} cannot be written: ${error.message}; a start without the database would not know of overrides that are new`;
      });
  }

  /** What is damaged is as if it were not there, but said: the next copy takes its place. */
  async #readCopy(): Promise<KeptOverrides> {
    const nothing = { revision: -1, overrides: [], trouble: null, seen: new Set<string>() };
    try {
      const bytes = await readWhole(this.#path);
      if (bytes === null) return nothing;
      const { overrides, seen } = (JSON.parse(bytes.toString()) ?? {}) as Record<string, unknown>;
      const keys = Array.isArray(seen) ? seen.filter((key): key is string => typeof key === "string") : [];
      return { ...nothing, overrides: readOverrides(overrides), seen: new Set(keys) };
    } catch (error) {
      this.#notice = `${this.#path} cannot be read: ${(error as Error).message}; what the database said last is not known`;
      return nothing;
    }
  }
}
