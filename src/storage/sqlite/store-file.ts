/** The store's file as the instance that owns it knows it: locked, opened, replaced when it is damaged or gone. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../store-error.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { LOCK_FILE, makeDataDirectory, storePath } from "./data-directory.ts";
import { storeErrorOf } from "./errors.ts";
import { InstanceLock } from "./instance-lock.ts";
import { lastVersionIn, moveAside } from "./move-aside.ts";

/** Where a store's connections come from. */
export interface StoreSource {
  /** False for memory. */
  readonly durable: boolean;
  /** A connection; the one before it is closed. Throws a `StoreError`. */
  open(): Connection;
  /**
   * Puts a damaged file out of the way; the connection to it is closed. Throws a `StoreError`.
   * @param lastVersion the highest version of a model that it is known to have had; the next file goes on from there.
   */
  replace(reason: string, lastVersion: number): void;
  release(): void;
}

/** What a `StoreFile` needs. */
export interface StoreFileOptions extends ConnectionOptions {
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly movedAside: (path: string, reason: string) => void;
}

export class StoreFile implements StoreSource {
  readonly durable = true;
  readonly #options: StoreFileOptions;
  readonly #path: string;
  #lock: InstanceLock | null = null;
  #lockInode = 0;
  /** Versions of models that files before this one had. */
  #lastVersion = 0;

  constructor(options: StoreFileOptions) {
    this.#options = options;
    this.#path = storePath(options.dataDir);
  }

  open(): Connection {
    this.#takeLock();
    let connection: Connection;
    try {
      connection = Connection.own(this.#path, this.#options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== "corrupt") throw error;
      this.replace(error.message, 0);
      connection = Connection.own(this.#path, this.#options);
    }
    try {
      if (this.#lastVersion > 0) connection.transaction(() => connection.models.skipTo(this.#lastVersion));
      this.#lastVersion = connection.models.lastVersion();
      return connection;
    } catch (error) {
      connection.close();
      throw storeErrorOf(error, this.#path);
    }
  }

  replace(reason: string, lastVersion: number): void {
    this.#lastVersion = Math.max(this.#lastVersion, lastVersion, lastVersionIn(this.#path));
    let aside: string;
    try {
      aside = moveAside(this.#path, this.#options.nowMs());
    } catch (error) {
      throw storeErrorOf(error, this.#path);
    }
    this.#options.movedAside(aside, reason);
  }

  release(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  /** Takes the lock once; again when somebody removed its file, because the next instance would not see it. */
  #takeLock(): void {
    const { dataDir, nowMs } = this.#options;
    const path = join(dataDir, LOCK_FILE);
    const inode = () => statSync(path, { throwIfNoEntry: false })?.ino;
    if (this.#lock !== null && inode() === this.#lockInode) return;
    this.release();
    makeDataDirectory(dataDir);
    this.#lock = InstanceLock.take(dataDir, nowMs());
    this.#lockInode = inode() ?? 0;
  }
}

/** A store in memory, for when there is no disk. It has one connection, which is all of it. */
export class StoreMemory implements StoreSource {
  readonly durable = false;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  open(): Connection {
    return Connection.inMemory(this.#options);
  }

  replace(reason: string): void {
    throw new Error(`a store in memory is damaged: ${reason}`);
  }

  release(): void {}
}
