/**
 * One connection to a store: the file opened in the way of its user (the one instance that writes it, a trainer beside it,
 * a reader), checked, with its tables.
 */
import { Database } from "bun:sqlite";
import { closeSync, openSync, statSync } from "node:fs";
import { StoreError } from "../store-error.ts";
import { storeErrorOf } from "./errors.ts";
import { ModelTable } from "./tables/model-table.ts";
import { NoteTable } from "./tables/note-table.ts";
import { type RowTables, rowTables } from "./tables/row-tables.ts";
import { checkIdentity, MIGRATIONS, migrate, pragma, requireCurrent } from "./tables/schema.ts";

/** How long another process's lock is waited for, by who waits. Only a trainer has nothing else to do meanwhile. */
const BUSY_MS = { own: 100, read: 250, write: 5_000 };
/** A checkpoint copies so many pages of 4 KB at most, unless a reader held up the one before. */
const CHECKPOINT_PAGES = 256;
const WAL_KEPT_BYTES = 4 * 1024 * 1024;

/** How a store is used by the connection. */
export interface ConnectionOptions {
  /** What samples' values mean, in order. */
  readonly features: readonly string[];
  readonly migrations?: readonly string[];
}

/** An open store. */
export class Connection {
  readonly db: Database;
  readonly rows: RowTables;
  readonly models: ModelTable;
  readonly notes: NoteTable;
  readonly #path: string | null;
  readonly #inode: number | null;

  private constructor(db: Database, path: string | null, { features }: ConnectionOptions) {
    this.db = db;
    this.#path = path;
    this.#inode = path === null ? null : inodeOf(path);
    this.rows = rowTables(db, features);
    this.models = new ModelTable(db);
    this.notes = new NoteTable(db);
  }

  /** For the holder of the instance's lock: makes the file, checks all of it, brings it up to date. Throws a `StoreError`. */
  static own(path: string, options: ConnectionOptions): Connection {
    return opening(path, () => {
      makeFile(path);
      return Connection.#open(path, { readwrite: true, create: false }, options, (db) => {
        db.run(`PRAGMA busy_timeout = ${BUSY_MS.own}`);
        checkIdentity(db, path, options.migrations);
        // Space that was freed can be given back only if this was said before the first table.
        if (pragma(db, "user_version") === 0) db.run("PRAGMA auto_vacuum = INCREMENTAL");
        const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()!.journal_mode;
        if (mode !== "wal") {
          throw new StoreError("unavailable", `${path}: its file system has no shared memory (SQLite's WAL needs it)`);
        }
        db.run("PRAGMA synchronous = NORMAL"); // a power failure costs the last transactions, never the file
        db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
        db.run(`PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
        // Every page is read: 0.1 s for 500,000 samples.
        const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()!.quick_check;
        if (found !== "ok") throw new StoreError("corrupt", `${path}: it is damaged (${found})`);
        migrate(db, options.migrations ?? MIGRATIONS);
      });
    });
  }

  /** For others, beside the instance that owns the store or without one. Throws a `StoreError`, also when there is none. */
  static visit(path: string, access: "read" | "write", options: ConnectionOptions): Connection {
    if (inodeOf(path) === null) throw new StoreError("missing", `${path}: there is no store yet`);
    return opening(path, () => {
      const flags = access === "read" ? { readonly: true } : { readwrite: true, create: false };
      return Connection.#open(path, flags, options, (db) => {
        db.run(`PRAGMA busy_timeout = ${BUSY_MS[access]}`);
        if (access === "write") db.run("PRAGMA synchronous = NORMAL");
        requireCurrent(db, path, options.migrations);
      });
    });
  }

  /** A store that forgets with the process. */
  static inMemory(options: ConnectionOptions): Connection {
    return Connection.#open(":memory:", undefined, options, (db) => migrate(db, options.migrations ?? MIGRATIONS));
  }

  static #open(
    path: string,
    flags: ConstructorParameters<typeof Database>[1],
    options: ConnectionOptions,
    prepare: (db: Database) => void,
  ): Connection {
    const db = new Database(path, flags);
    try {
      prepare(db);
      return new Connection(db, path === ":memory:" ? null : path, options);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** False when the path leads to another file by now, or to none: what is written here would be lost. */
  get isInPlace(): boolean {
    return this.#path === null || inodeOf(this.#path) === this.#inode;
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

  /** Never throws: what cannot be finished now is finished by whoever opens the file next. */
  close(): void {
    this.db.close();
  }
}

function opening(path: string, open: () => Connection): Connection {
  try {
    return open();
  } catch (error) {
    throw storeErrorOf(error, path);
  }
}

/** SQLite would make it readable for all. Done only where there is none: closing a file drops SQLite's locks on it. */
function makeFile(path: string): void {
  if (inodeOf(path) === null) closeSync(openSync(path, "a", 0o600));
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
