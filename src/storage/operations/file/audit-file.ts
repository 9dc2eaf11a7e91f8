/**
 * The audit as lines of JSON, each with its number: the file, and the one before it. A line that was not written to its end
 * goes when the file is opened.
 */
import { rename, truncate } from "node:fs/promises";
import type { AuditEntry, AuditQuery } from "../../../shared/operations/audit.ts";
import { readEntry } from "../format.ts";
import { readWhole } from "../read-whole.ts";
import { withFile } from "./replace.ts";

/** Beyond this it becomes the file before, and that goes. */
const MAX_BYTES = 8 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** An entry with its number. */
export interface NumberedEntry {
  readonly number: number;
  readonly entry: AuditEntry;
}

export class AuditFile {
  readonly #path: string;
  readonly #before: string;
  #bytes = 0;
  /** Of the last entry. */
  #number = 0;

  /** @param path `…/audit.jsonl`. */
  constructor(path: string) {
    this.#path = path;
    this.#before = path.replace(/\.jsonl$/, ".1.jsonl");
  }

  /** Number of the last entry that is there. */
  get number(): number {
    return this.#number;
  }

  /** Finds its end; what was written by halves goes. */
  async open(): Promise<void> {
    const bytes = (await readWhole(this.#path)) ?? NOTHING;
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end < bytes.length) await truncate(this.#path, end);
    this.#bytes = end;
    const last =
      readLines(bytes.subarray(0, end)).next().value ??
      readLines((await readWhole(this.#before)) ?? NOTHING).next().value;
    this.#number = last?.number ?? 0;
  }

  /** Lasting when it resolves. Rejects with the file system's error; what was written by halves goes then. */
  async append(entries: readonly NumberedEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (this.#bytes > MAX_BYTES) {
      await rename(this.#path, this.#before);
      this.#bytes = 0;
    }
    const text = entries.map(({ number, entry }) => `${JSON.stringify({ number, ...entry })}\n`).join("");
    try {
      await withFile(this.#path, "a", async (file) => {
        await file.writeFile(text);
        await file.datasync();
      });
    } catch (error) {
      await truncate(this.#path, this.#bytes).catch(() => {});
      throw error;
    }
    this.#bytes += Buffer.byteLength(text);
    this.#number = entries[entries.length - 1].number;
  }

  /** Newest first. */
  async read({ limit, sinceMs }: AuditQuery): Promise<AuditEntry[]> {
    const found: AuditEntry[] = [];
    for (const path of [this.#path, this.#before]) {
      for (const { entry } of readLines((await readWhole(path)) ?? NOTHING)) {
        if (sinceMs !== null && entry.atMs < sinceMs) continue;
        if (found.length >= limit) return found;
        found.push(entry);
      }
    }
    return found;
  }
}

/** From the last to the first; what is no entry is passed over. */
function* readLines(bytes: Buffer): Generator<NumberedEntry, undefined> {
  let end = bytes.lastIndexOf(0x0a);
  while (end > 0) {
    const start = bytes.lastIndexOf(0x0a, end - 1) + 1;
    const line = numbered(bytes.toString("utf8", start, end));
    if (line !== null) yield line;
    end = start - 1;
  }
  return undefined;
}

function numbered(line: string): NumberedEntry | null {
  try {
    const value = JSON.parse(line) as { readonly number?: unknown };
    const entry = readEntry(value);
    return entry !== null && typeof value.number === "number" ? { number: value.number, entry } : null;
  } catch {
    return null;
  }
}
