/** The store's file as the instance that owns it knows it: locked, opened, replaced when it is damaged or gone. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../store-error.ts";
import { Connection } from "./connection.ts";
import { lockFile, makeDataDirectory, storePath } from "./data-directory.ts";
import { storeErrorOf } from "./errors.ts";
import { InstanceLock } from "./instance-lock.ts";
import { moveAside } from "./move-aside.ts";
import type { SqlitePart } from "./part.ts";

/** Where the connections to a part of a store come from. */
export interface StoreSource<Tables> {
  /** False for memory. */
  readonly durable: boolean;
  /** A connection; the one before it is closed. Rejects with a `StoreError`. */
  open(): Promise<Connection<Tables>>;
  /**
   * Puts a damaged file out of the way; the connection to it is closed. Throws a `StoreError`.
   * @param counter what `SqlitePart.counter` is known to have been; the next file goes on from there.
   */
  replace(reason: string, counter: number): void;
  release(): void;
}

/** What a `StoreFile` needs. */
export interface StoreFileOptions {
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly movedAside: (path: string, reason: string) => void;
}

export class StoreFile<Tables> implements StoreSource<Tables> {
  readonly durable = true;
  readonly #part: SqlitePart<Tables>;
  readonly #options: StoreFileOptions;
  readonly #path: string;
  #lock: InstanceLock | null = null;
  #lockInode = 0;
  /** Of files before this one. */
  #counter = 0;

  constructor(part: SqlitePart<Tables>, options: StoreFileOptions) {
    this.#part = part;
    this.#options = options;
    this.#path = storePath(options.dataDir, part.part);
  }

  async open(): Promise<Connection<Tables>> {
    this.#takeLock();
    let connection: Connection<Tables>;
    try {
      connection = await Connection.own(this.#path, this.#part);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== "corrupt") throw error;
      this.replace(error.message, 0);
      connection = await Connection.own(this.#path, this.#part);
    }
    try {
      const { counter } = this.#part;
      if (this.#counter > 0) connection.transaction(() => counter?.skip(connection.tables, this.#counter));
      this.#counter = counter?.known(connection.tables) ?? 0;
      return connection;
    } catch (error) {
      connection.close();
      throw storeErrorOf(error, this.#path);
    }
  }

  replace(reason: string, counter: number): void {
    this.#counter = Math.max(this.#counter, counter, this.#part.counter?.told(this.#path) ?? 0);
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
    const { part } = this.#part;
    const path = join(dataDir, lockFile(part));
    const inode = () => statSync(path, { throwIfNoEntry: false })?.ino;
    if (this.#lock !== null && inode() === this.#lockInode) return;
    this.release();
    makeDataDirectory(dataDir);
    this.#lock = InstanceLock.take(dataDir, part, nowMs());
    this.#lockInode = inode() ?? 0;
  }
}

/** A part in memory, for when there is no disk. It has one connection, which is all of it. */
export class StoreMemory<Tables> implements StoreSource<Tables> {
  readonly durable = false;
  readonly #part: SqlitePart<Tables>;

  constructor(part: SqlitePart<Tables>) {
    this.#part = part;
  }

  open(): Promise<Connection<Tables>> {
    return Connection.inMemory(this.#part);
  }

  replace(reason: string): void {
    throw new Error(`a store in memory is damaged: ${reason}`);
  }

  release(): void {}
}
