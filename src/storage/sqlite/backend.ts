/**
 * A store in SQLite for the process that owns it. Each transaction deletes as many of the oldest samples as are too many, so
 * that no step is long (1,000 samples: median 2 to 5 ms, 99th percentile 5 to 20 on two shared cores, the upper figures
 * beside other load; bench/micro/learning-store.ts).
 */
import type { StoreBackend, StoreChange, StoreWrite } from "../backend.ts";
import type { StoreLimits } from "../learning-store.ts";
import type { StoreError } from "../store-error.ts";
import type { Connection } from "./connection.ts";
import { storeErrorOf } from "./errors.ts";
import { SqliteReads } from "./reads.ts";
import type { StoreSource } from "./store-file.ts";
import { insertRows, trimRows } from "./tables/row-tables.ts";
import { DELETED_ROWS } from "./tables/sample-table.ts";

/** Pages of 4 KB that are given back at a time. */
const VACUUMED_PAGES = 256;
/** Share of the file's limit from which on the oldest samples go: room for what a transaction adds. */
const USED_SHARE = 0.9;
/** Share of the limit that may lie free in the file, to be used again. */
const FREE_SHARE = 0.05;

/** See the top of this file. */
export class SqliteBackend extends SqliteReads implements StoreBackend {
  readonly #source: StoreSource;
  readonly #limits: StoreLimits;
  #connection: Connection | null = null;
  #lastVersion = 0;

  constructor(source: StoreSource, limits: StoreLimits) {
    super();
    this.#source = source;
    this.#limits = limits;
  }

  get durable(): boolean {
    return this.#source.durable;
  }

  async open(): Promise<void> {
    this.#connection = this.#source.open();
  }

  async write({ rows, change, probe }: StoreWrite): Promise<number | null> {
    return this.use((connection) =>
      connection.transaction(() => {
        if (probe) connection.touch();
        insertRows(connection.rows, rows);
        const version = change === null ? null : this.#change(connection, change);
        this.#bound(connection);
        this.#lastVersion = connection.models.lastVersion();
        return version;
      }),
    );
  }

  async mend(failure: StoreError): Promise<void> {
    // A new connection: the old one's descriptor may be dead for good, as after a remount. One in memory is all there is.
    if (this.durable && failure.kind !== "locked") this.#disconnect();
    if (failure.kind !== "corrupt") return;
    try {
      // What this connection found damaged is not opened again: the check at opening may not look there.
      this.#source.replace(failure.message, this.#lastVersion);
    } catch {
      // It cannot be moved, for a reason that the next attempt to open it meets as well and tells.
    }
  }

  async close(): Promise<void> {
    this.#disconnect();
    this.#source.release();
  }

  protected override use<T>(work: (connection: Connection) => T): T {
    try {
      if (this.#connection !== null && !this.#connection.isInPlace) this.#disconnect();
      this.#connection ??= this.#source.open();
      return work(this.#connection);
    } catch (error) {
      throw storeErrorOf(error, "the learning store");
    }
  }

  #change({ models, notes }: Connection, change: StoreChange): number | null {
    if (change.kind === "insert_model") return models.insert(change.model, this.#limits);
    if (change.kind === "set_status") models.setStatus(change.version, change.status, change.atMs, change.options);
    else notes.set(change.pool, change.name, change.value);
    return null;
  }

  #bound(connection: Connection): void {
    const { maxBytes } = this.#limits;
    trimRows(connection.rows, this.#limits);
    const { file, used } = connection.bytes();
    if (used > maxBytes * USED_SHARE) connection.rows.samples.deleteOldest(DELETED_ROWS);
    if (file - used > maxBytes * FREE_SHARE) connection.vacuum(VACUUMED_PAGES);
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}
