/** A part of a store in SQLite as the process has it that owns it: one connection, made anew when it may be dead. */
import type { StoreError } from "../store-error.ts";
import type { Connection } from "./connection.ts";
import { storeErrorOf } from "./errors.ts";
import type { SqlitePart } from "./part.ts";
import type { StoreSource } from "./store-file.ts";

/** What is done within a transaction. */
export interface SqliteWork<Tables, Result> {
  readonly probe: boolean;
  /** The rows and the change. */
  write(tables: Tables): Result;
  /** Keeps the part within its limits: a bounded piece of what is too much goes. */
  bound(connection: Connection<Tables>): void;
}

/** See the top of this file. */
export class SqliteOwner<Tables> {
  readonly #source: StoreSource<Tables>;
  readonly #counter: SqlitePart<Tables>["counter"];
  /** What messages call the part. */
  readonly #name: string;
  #connection: Connection<Tables> | null = null;
  #lastCounter = 0;
  #bytes = 0;

  constructor(source: StoreSource<Tables>, part: SqlitePart<Tables>, name: string) {
    this.#source = source;
    this.#counter = part.counter;
    this.#name = name;
  }

  get durable(): boolean {
    return this.#source.durable;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async open(): Promise<void> {
    this.#connection = await this.#source.open();
    this.#bytes = this.#connection.bytes().file;
  }

  write<Result>({ probe, write, bound }: SqliteWork<Tables, Result>): Promise<Result> {
    return this.use((connection) => {
      const result = connection.transaction(() => {
        if (probe) connection.touch();
        const written = write(connection.tables);
        bound(connection);
        this.#lastCounter = this.#counter?.known(connection.tables) ?? 0;
        return written;
      });
      this.#bytes = connection.bytes().file;
      return result;
    });
  }

  /** Runs `work` on an open connection. Rejects with a `StoreError` when there is none or the work fails for it. */
  async use<T>(work: (connection: Connection<Tables>) => T): Promise<T> {
    try {
      if (this.#connection !== null && !this.#connection.isInPlace) {
        this.#connection.saveLog();
        this.#disconnect();
      }
      this.#connection ??= await this.#source.open();
      return work(this.#connection);
    } catch (error) {
      throw storeErrorOf(error, this.#name);
    }
  }

  async mend(failure: StoreError): Promise<void> {
    // A new connection: the old one's descriptor may be dead for good, as after a remount. One in memory is all there is.
    if (this.durable && failure.kind !== "locked") this.#disconnect();
    if (failure.kind !== "corrupt") return;
    try {
      // What this connection found damaged is not opened again: the check at opening may not look there.
      this.#source.replace(failure.message, this.#lastCounter);
    } catch {
      // It cannot be moved, for a reason that the next attempt to open it meets as well and tells.
    }
  }

  async close(): Promise<void> {
    this.#disconnect();
    this.#source.release();
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}
