/**
 * A file as those see it who do not own it. It is opened at the first use, and again when another has taken its place: whoever
 * owns it may begin a new one.
 */
import { Connection } from "./connection.ts";
import { storeErrorOf } from "./errors.ts";
import type { SqlitePart } from "./part.ts";

/** See the top of this file. */
export class SqliteVisit<Tables> {
  readonly #path: string;
  readonly #access: "read" | "write";
  readonly #part: SqlitePart<Tables>;
  #connection: Promise<Connection<Tables>> | null = null;

  constructor(path: string, access: "read" | "write", part: SqlitePart<Tables>) {
    this.#path = path;
    this.#access = access;
    this.#part = part;
  }

  /** Runs `work` on an open connection. Rejects with a `StoreError` when there is none or the work fails for it. */
  async use<T>(work: (connection: Connection<Tables>) => T): Promise<T> {
    if (this.#connection !== null && !(await this.#connection).isInPlace) await this.close();
    this.#connection ??= Connection.visit(this.#path, this.#access, this.#part);
    const opening = this.#connection;
    try {
      return work(await opening);
    } catch (error) {
      const failure = storeErrorOf(error, this.#path);
      if (failure !== error || error === (await opening.catch((reason) => reason))) await this.close();
      throw failure;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.then(
      (open) => open.close(),
      () => {},
    );
  }
}
