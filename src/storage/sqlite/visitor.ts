/**
 * The file as those see it who do not own it. It is opened at the first use, and again when another has taken its place:
 * whoever owns it may begin a new one.
 */
import type { VisitingBackend } from "../backend.ts";
import type { NewModel, StoreLimits } from "../learning-store.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { storeErrorOf } from "./errors.ts";
import { SqliteReads } from "./reads.ts";

export class SqliteVisitor extends SqliteReads implements VisitingBackend {
  readonly #path: string;
  readonly #access: "read" | "write";
  readonly #options: ConnectionOptions;
  readonly #limits: StoreLimits;
  #connection: Connection | null = null;

  constructor(path: string, access: "read" | "write", options: ConnectionOptions, limits: StoreLimits) {
    super();
    this.#path = path;
    this.#access = access;
    this.#options = options;
    this.#limits = limits;
  }

  protected override use<T>(work: (connection: Connection) => T): T {
    if (this.#connection !== null && !this.#connection.isInPlace) this.#disconnect();
    this.#connection ??= Connection.visit(this.#path, this.#access, this.#options);
    try {
      return work(this.#connection);
    } catch (error) {
      const failure = storeErrorOf(error, this.#path);
      if (failure !== error) this.#disconnect();
      throw failure;
    }
  }

  async insertModel(model: NewModel): Promise<number> {
    return this.use((connection) => connection.transaction(() => connection.models.insert(model, this.#limits)));
  }

  async close(): Promise<void> {
    this.#disconnect();
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}
