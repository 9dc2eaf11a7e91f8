/**
 * Operations in files of one instance: the overrides in one that is replaced as a whole, the audit in one that grows. What
 * was done stands beside the overrides that it made until the audit has it: there is no change without its entry.
 */
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { AuditEntry, AuditQuery } from "../../../shared/operations/audit.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { FORMAT, readEntry, readOverrides, requireKeepable } from "../format.ts";
import { readWhole } from "../read-whole.ts";
import { type KeptOverrides, type OperationsStore, StaleRevisionError } from "../store.ts";
import { AuditFile, type NumberedEntry } from "./audit-file.ts";
import { FileLock } from "./file-lock.ts";
import { replaceFile } from "./replace.ts";

/** So many entries wait for an audit that cannot be written; then nothing is changed. */
const MAX_PENDING = 200;

/** The file. */
interface Document {
  readonly revision: number;
  readonly overrides: readonly Override[];
  /** What was done, as far as the audit may not have it. */
  readonly pending: readonly NumberedEntry[];
  /** What a store over this one keeps beside them. JSON-safe. */
  readonly more?: unknown;
}

/** As the file has them. */
export interface FileOverrides extends KeptOverrides {
  /** As it was committed; `undefined` = nothing was. */
  readonly more?: unknown;
}

const NOTHING: Document = { revision: 0, overrides: [], pending: [] };

/** Overrides and the audit in files of one directory, which one instance writes. */
export class FileOperationsStore implements OperationsStore {
  readonly shared = false;
  readonly where: string;
  readonly #folder: string;
  readonly #path: string;
  readonly #lock: FileLock;
  readonly #auditFile: AuditFile;
  readonly #wallMs: () => number;
  /** What is kept, while the folder is ours; `null` = it is to be read. */
  #document: Document | null = null;
  /** What has to be said of a damaged file; `null` = there was none. */
  #putAside: string | null = null;
  /** Why entries wait beside the overrides; `null` = the audit has all. */
  #auditTrouble: string | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param wallMs milliseconds since the epoch, for the name of a file that is put aside. */
  constructor(folder: string, wallMs: () => number) {
    this.#folder = folder;
    this.#path = join(folder, "overrides.json");
    this.where = `the file ${this.#path}`;
    this.#lock = new FileLock(join(folder, "lock"));
    this.#auditFile = new AuditFile(join(folder, "audit.jsonl"));
    this.#wallMs = wallMs;
  }

  read(): Promise<FileOverrides> {
    return this.#inTurn(async () => {
      let trouble: string | null;
      try {
        trouble = await this.#own();
        if (trouble === null && this.#auditTrouble !== null) await this.#append(this.#missing());
        trouble ??= this.#auditTrouble;
      } catch (error) {
        trouble = `${this.where} cannot be used: ${(error as Error).message}`;
      }
      const { revision, overrides, more } = this.#document ?? (await this.#look());
      return { revision, overrides, trouble, notice: this.#putAside, more };
    });
  }

  commit(revision: number, overrides: readonly Override[], audit: readonly AuditEntry[]): Promise<number> {
    return this.commitWith(revision, overrides, audit);
  }

  /** As `commit`. @param more is kept beside them; left out = what was there is kept. */
  commitWith(
    revision: number,
    overrides: readonly Override[],
    audit: readonly AuditEntry[],
    more?: unknown,
  ): Promise<number> {
    return this.#inTurn(async () => {
      const before = await this.#ours();
      if (revision !== before.revision) throw new StaleRevisionError("others have changed the overrides meanwhile");
      requireKeepable(overrides);
      const missing = this.#missing();
      const pending = [...missing, ...this.#numbered(audit, missing)];
      if (pending.length > MAX_PENDING) throw new Error(`${this.#auditTrouble}, and there is no room for more of them`);
      const next: Document = { revision: revision + 1, overrides, pending, more: more ?? before.more };
      try {
        await replaceFile(this.#path, `${JSON.stringify({ format: FORMAT, ...next })}\n`);
      } catch (error) {
        throw new Error(`${this.where} cannot be written: ${(error as Error).message}`);
      }
      this.#document = next;
      await this.#append(pending);
      return next.revision;
    });
  }

  note(audit: readonly AuditEntry[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#ours();
      const missing = this.#missing();
      await this.#auditFile.append([...missing, ...this.#numbered(audit, missing)]);
    });
  }

  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#inTurn(async () => {
      const { limit, sinceMs } = query;
      const waiting = this.#missing().map(({ entry }) => entry);
      const wanted = waiting.toReversed().filter(({ atMs }) => sinceMs === null || atMs >= sinceMs);
      return [...wanted, ...(await this.#auditFile.read(query))].slice(0, limit);
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#inTurn(() => this.#lock.release()).catch(() => {});
  }

  /** What was done and is not in the audit yet. */
  #missing(): readonly NumberedEntry[] {
    return (this.#document ?? NOTHING).pending.filter(({ number }) => number > this.#auditFile.number);
  }

  /** What cannot be written stands beside the overrides, and is tried again with the next change and the next look. */
  async #append(entries: readonly NumberedEntry[]): Promise<void> {
    try {
      await this.#auditFile.append(entries);
      this.#auditTrouble = null;
    } catch (error) {
      this.#auditTrouble = `the audit cannot be written: ${(error as Error).message}; its entries wait in ${this.where}`;
    }
  }

  #numbered(audit: readonly AuditEntry[], missing: readonly NumberedEntry[]): NumberedEntry[] {
    const last = missing.at(-1)?.number ?? this.#auditFile.number;
    return audit.map((entry, index) => ({ number: last + 1 + index, entry }));
  }

  /** What is kept; throws why nothing can be kept now. */
  async #ours(): Promise<Document> {
    const why = await this.#own();
    if (why !== null) throw new Error(why);
    return this.#document!;
  }

  /** Makes the folder ours, if it is not. @returns why it cannot be. */
  async #own(): Promise<string | null> {
    if (this.#closed) return `${this.where} is closed`;
    if (this.#document !== null) return null;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (!(await this.#lock.take())) return `another instance keeps ${this.where}: give each a DATA_DIR of its own`;
    const document = await this.#readOrPutAside();
    if (typeof document === "string") return document;
    await this.#auditFile.open();
    this.#document = document;
    // Of a process that ended between the two files.
    await this.#append(this.#missing());
    return null;
  }

  /** As it is, whoever's it is. */
  async #look(): Promise<Document> {
    try {
      const bytes = await readWhole(this.#path);
      return bytes === null ? NOTHING : parse(bytes.toString());
    } catch {
      return NOTHING;
    }
  }

  /** @returns why it cannot be read, and must not be replaced either. */
  async #readOrPutAside(): Promise<Document | string> {
    let bytes: Buffer | null;
    try {
      bytes = await readWhole(this.#path);
    } catch (error) {
      return `${this.where} cannot be read: ${(error as Error).message}`;
    }
    if (bytes === null) return NOTHING;
    try {
      return parse(bytes.toString());
    } catch (error) {
      const why = (error as Error).message;
      if (error instanceof OtherFormatError) return `${this.where} ${why}`;
      const aside = `${this.#path}.damaged-${Math.round(this.#wallMs())}`;
      await rename(this.#path, aside);
      this.#putAside = `${this.where} ${why}: it was put aside as ${aside}, and there are no overrides now`;
      return NOTHING;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Written by another version. */
class OtherFormatError extends Error {
  override readonly name = "OtherFormatError";
}

/** Throws an `Error` that goes on from the name of the file. */
function parse(text: string): Document {
  let value: Readonly<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  } catch {
    throw new Error("is damaged: it is no JSON");
  }
  const { format, revision, overrides, pending, more } = value ?? {};
  if (typeof format === "number" && format > FORMAT) {
    throw new OtherFormatError(`is of a newer version (format ${format}): it is left as it is`);
  }
  if (format !== FORMAT || typeof revision !== "number" || !Array.isArray(pending)) throw new Error("is damaged");
  return { revision, overrides: readOverrides(overrides), pending: pending.filter(isNumbered), more };
}

function isNumbered(value: unknown): value is NumberedEntry {
  const { number, entry } = (value ?? {}) as { readonly number?: unknown; readonly entry?: unknown };
  return typeof number === "number" && readEntry(entry) !== null;
}
