/**
 * Keeps two instances from writing one part of a store. The lock is SQLite's own, on a file beside the store: the kernel
 * drops it with the process, however that ends, and it holds between containers of one machine, where process ids mean
 * nothing. Nothing else may open the lock file: on closing it, POSIX drops every lock that the process has on it.
 */
import { Database } from "bun:sqlite";
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StorePart } from "../parts.ts";
import { StoreError } from "../store-error.ts";
import { lockFile, ownerFile } from "./data-directory.ts";
import { storeErrorOf } from "./errors.ts";

/** A lock that is held until it is released or the process ends. */
export class InstanceLock {
  readonly #db: Database;
  readonly #ownerPath: string;

  private constructor(db: Database, ownerPath: string) {
    this.#db = db;
    this.#ownerPath = ownerPath;
  }

  /**
   * Takes the lock of a directory that exists.
   * @param nowMs milliseconds since the epoch, told to whoever finds it taken.
   * @param advice what whoever finds it taken can do.
   * @throws `StoreError`, of kind `in_use` when another has it.
   */
  static take(dataDir: string, part: StorePart, nowMs: number, advice = "give each its own"): InstanceLock {
    const path = join(dataDir, lockFile(part));
    const ownerPath = join(dataDir, ownerFile(part));
    let db: Database | null = null;
    try {
      db = new Database(path, { create: true, readwrite: true });
      accessSync(path, constants.W_OK); // SQLite would open it to read, and lock nothing
      db.run("PRAGMA busy_timeout = 0");
      db.run("PRAGMA journal_mode = MEMORY"); // nothing is ever written: no file for what could be rolled back
      db.run("BEGIN EXCLUSIVE");
    } catch (error) {
      db?.close();
      const failure = storeErrorOf(error, path);
      if (!(failure instanceof StoreError) || failure.kind !== "locked") throw failure;
      throw new StoreError(
        "in_use",
        `DATA_DIR ${dataDir}: is in use by another instance${describeOwner(ownerPath)}: ${advice}`,
        error,
      );
    }
    try {
      writeFileSync(ownerPath, JSON.stringify({ pid: process.pid, sinceMs: nowMs }), { mode: 0o600 });
    } catch {
      // It only makes the other's message better; a full disk must not cost the store.
    }
    return new InstanceLock(db, ownerPath);
  }

  /** Never throws. */
  release(): void {
    try {
      rmSync(this.#ownerPath, { force: true });
    } catch {
      // It only makes a message better, as above.
    }
    this.#db.close();
  }
}

function describeOwner(path: string): string {
  try {
    const { pid, sinceMs } = JSON.parse(readFileSync(path, "utf8")) as { pid: number; sinceMs: number };
    return ` (process ${pid}, since ${new Date(sinceMs).toISOString()})`;
  } catch {
    return ""; // it is just starting or ending
  }
}
