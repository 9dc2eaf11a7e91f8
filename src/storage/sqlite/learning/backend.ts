/**
 * What is learned in SQLite for the process that owns it. Each transaction deletes as many of the oldest samples as are too
 * many, so that no step is long (1,000 samples: median 2 to 5 ms, 99th percentile 5 to 20 on two shared cores, the upper
 * figures beside other load; bench/micro/learning-store.ts).
 */
import type { LearningBackend, LearningChange, StoreWrite } from "../../backend.ts";
import type { StoreLimits } from "../../learning-store.ts";
import type { LearningRows } from "../../rows/row-kinds.ts";
import type { StoreError } from "../../store-error.ts";
import { FREE_SHARE, USED_SHARE, VACUUMED_PAGES } from "../bounds.ts";
import type { Connection } from "../connection.ts";
import { SqliteOwner } from "../owner.ts";
import type { SqlitePart } from "../part.ts";
import type { StoreSource } from "../store-file.ts";
import type { LearningTables } from "./part.ts";
import { SqliteLearningReads } from "./reads.ts";
import { insertRows, trimRows } from "./row-tables.ts";
import { DELETED_ROWS } from "./sample-table.ts";

/** See the top of this file. */
export class SqliteLearning extends SqliteLearningReads implements LearningBackend {
  readonly #owner: SqliteOwner<LearningTables>;
  readonly #limits: StoreLimits;

  constructor(source: StoreSource<LearningTables>, part: SqlitePart<LearningTables>, limits: StoreLimits) {
    super();
    this.#owner = new SqliteOwner(source, part, "the learning store");
    this.#limits = limits;
  }

  get durable(): boolean {
    return this.#owner.durable;
  }

  get bytes(): number {
    return this.#owner.bytes;
  }

  open(): Promise<void> {
    return this.#owner.open();
  }

  write({ rows, change, probe }: StoreWrite<LearningRows, LearningChange>): Promise<number | null> {
    return this.#owner.write({
      probe,
      write: (tables) => {
        insertRows(tables.rows, rows);
        return change === null ? null : this.#change(tables, change);
      },
      bound: (connection) => this.#bound(connection),
    });
  }

  mend(failure: StoreError): Promise<void> {
    return this.#owner.mend(failure);
  }

  close(): Promise<void> {
    return this.#owner.close();
  }

  protected override use<T>(work: (connection: Connection<LearningTables>) => T): Promise<T> {
    return this.#owner.use(work);
  }

  #change({ models, notes }: LearningTables, change: LearningChange): number | null {
    if (change.kind === "insert_model") return models.insert(change.model, this.#limits);
    if (change.kind === "set_status") models.setStatus(change.version, change.status, change.atMs, change.options);
    else notes.set(change.pool, change.name, change.value);
    return null;
  }

  #bound(connection: Connection<LearningTables>): void {
    const { maxBytes } = this.#limits;
    const { rows } = connection.tables;
    trimRows(rows, this.#limits);
    const { file, used } = connection.bytes();
    if (used > maxBytes * USED_SHARE) rows.samples.deleteOldest(DELETED_ROWS);
    if (file - used > maxBytes * FREE_SHARE) connection.vacuum(VACUUMED_PAGES);
  }
}
