/**
 * One connection to a store: the file opened in the way of its user (the one instance that writes it, a trainer beside it,
 * a reader), checked, with its tables.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync, statSync } from "node:fs";
import { StoreError } from "../store-error.ts";
import { isReadableFile } from "./data-directory.ts";
import { storeErrorOf } from "./errors.ts";
import type { SqlitePart } from "./part.ts";
import { checkIdentity, migrate, pragma, requireCurrent } from "./schema/schema.ts";

/** How long another process's lock is waited for, by who waits. Only a trainer has nothing else to do meanwhile. */
const BUSY_MS = { own: 100, read: 250, write: 5_000 };
/** A checkpoint copies so many pages of 4 KB at most, unless a reader held up the one before. */
const CHECKPOINT_PAGES = 256;
const WAL_KEPT_BYTES = 4 * 1024 * 1024;

/** An open part of a store. */
export class Connection<Tables> {
  readonly db: Database;
  readonly tables: Tables;
  readonly #path: string | null;
  readonly #inode: number | null;
  readonly #logInode: number | null;

  private constructor(db: Database, path: string | null, part: SqlitePart<Tables>) {
    this.db = db;
    this.#path = path;
    this.#inode = path === null ? null : inodeOf(path);
    this.#logInode = path === null ? null : inodeOf(logOf(path));
    this.tables = part.tables(db);
  }

  /** For the holder of the instance's lock: makes the file, checks it, brings it up to date. Rejects with a `StoreError`. */
  static own<Tables>(path: string, part: SqlitePart<Tables>): Promise<Connection<Tables>> {
    return opening(path, async () => {
      makeFile(path);
      const db = new Database(path, { readwrite: true, create: false });
      return Connection.#made(db, path, part, () => prepare(db, path, part));
    });
  }

  /** For others, beside the instance that owns the store or without one. Rejects with a `StoreError`, also when there is none. */
  static visit<Tables>(path: string, access: "read" | "write", part: SqlitePart<Tables>): Promise<Connection<Tables>> {
    return opening(path, async () => {
      if (!isReadableFile(path)) {
        throw new StoreError("missing", `${path}: there is no store yet: an instance makes it in its DATA_DIR`);
      }
      const db = new Database(path, access === "read" ? { readonly: true } : { readwrite: true, create: false });
      return Connection.#made(db, path, part, async () => {
        db.run(`PRAGMA busy_timeout = ${BUSY_MS[access]}`);
        if (access === "write") db.run("PRAGMA synchronous = NORMAL");
        requireCurrent(db, path, part.schema, part.nothingYet);
      });
    });
  }

  /** A store that forgets with the process. */
  static inMemory<Tables>(part: SqlitePart<Tables>): Promise<Connection<Tables>> {
    const db = new Database(":memory:");
    return opening("memory", () => Connection.#made(db, null, part, () => migrate(db, part.schema)));
  }

  static async #made<Tables>(
    db: Database,
    path: string | null,
    part: SqlitePart<Tables>,
    made: () => Promise<void>,
  ): Promise<Connection<Tables>> {
    try {
      await made();
      return new Connection(db, path, part);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /**
   * False when the file or its log is another one by now, or gone, or when somebody emptied the file: what is written here
   * would be lost, or be seen by nobody, while nothing fails.
   */
  get isInPlace(): boolean {
    if (this.#path === null) return true;
    const file = statSync(this.#path, { throwIfNoEntry: false });
    if (file?.ino !== this.#inode || file?.size === 0) return false;
    return this.#logInode === null || inodeOf(logOf(this.#path)) === this.#logInode;
  }

  /** Bytes of the file, and those of them that hold something. */
  bytes(): { readonly file: number; readonly used: number } {
    const pages = pragma(this.db, "page_count");
    const size = pragma(this.db, "page_size");
    return { file: pages * size, used: (pages - pragma(this.db, "freelist_count")) * size };
  }

  /** Gives at most `pages` that are free back to the file system. */
  vacuum(pages: number): void {
    this.db.query(`PRAGMA incremental_vacuum(${pages})`).all(); // to its end: each step frees one page
  }

  /** Writes a page that says the same as before. */
  touch(): void {
    this.db.run(`PRAGMA user_version = ${pragma(this.db, "user_version")}`);
  }

  /** Runs `work` in a transaction that takes the write lock at once, so that it cannot fail for a lock half way. */
  transaction<T>(work: () => T): T {
    this.db.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.db.run("COMMIT");
      return result;
    } catch (error) {
      // After some failures (a full disk) SQLite has rolled back itself.
      if (this.db.inTransaction) this.db.run("ROLLBACK");
      throw error;
    }
  }

  /** Copies to the file what is in the log alone, as far as that goes: nobody else can when the log has no name any more. */
  saveLog(): void {
    try {
      this.db.query("PRAGMA wal_checkpoint(PASSIVE)").all();
    } catch {
      // The file is not what it was, either: whoever opens it finds that out.
    }
  }

  /** Never throws: what cannot be finished now is finished by whoever opens the file next. */
  close(): void {
    this.db.close();
  }
}

async function opening<Made>(path: string, open: () => Promise<Made>): Promise<Made> {
  try {
    return await open();
  } catch (error) {
    throw storeErrorOf(error, path);
  }
}

async function prepare(db: Database, path: string, part: SqlitePart<unknown>): Promise<void> {
  db.run(`PRAGMA busy_timeout = ${BUSY_MS.own}`);
  checkIdentity(db, path, part.schema);
  // Space that was freed can be given back only if this was said before the first table.
  if (pragma(db, "user_version") === 0) db.run("PRAGMA auto_vacuum = INCREMENTAL");
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()!.journal_mode;
  if (mode !== "wal") {
    throw new StoreError("unavailable", `${path}: its file system has no shared memory (SQLite's WAL needs it)`);
  }
  db.run("PRAGMA synchronous = NORMAL"); // a power failure costs the last transactions, never the file
  db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.run(`PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
  if (statSync(path).size <= part.checkedBytes) checkPages(db, path);
  await migrate(db, part.schema);
}

/** Reads every page: 0.1 s for 500,000 samples where nothing else runs. */
function checkPages(db: Database, path: string): void {
  const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()!.quick_check;
  if (found !== "ok") throw new StoreError("corrupt", `${path}: it is damaged (${found})`);
}

/** SQLite would make it readable for all. Done only where there is none: closing a file drops SQLite's locks on it. */
function makeFile(path: string): void {
  if (inodeOf(path) === null) closeSync(openSync(path, "a", 0o600));
}

/** SQLite's write-ahead log; it stays as long as a connection is open. */
function logOf(path: string): string {
  return `${path}-wal`;
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
