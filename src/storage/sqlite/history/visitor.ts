/** The file of what happened as those see it who do not record it. */
import type { HistoryVisitor } from "../../backend.ts";
import type { Connection } from "../connection.ts";
import { SqliteVisit } from "../visitor.ts";
import { HISTORY_PART, type HistoryTables } from "./part.ts";
import { SqliteHistoryReads } from "./reads.ts";

/** See the top of this file. */
export class SqliteHistoryVisitor extends SqliteHistoryReads implements HistoryVisitor {
  readonly #visit: SqliteVisit<HistoryTables>;

  constructor(path: string) {
    super();
    this.#visit = new SqliteVisit(path, "read", HISTORY_PART);
  }

  close(): Promise<void> {
    return this.#visit.close();
  }

  protected override use<T>(work: (connection: Connection<HistoryTables>) => T): Promise<T> {
    // One moment of the file: rows and what their series stand for must not be of two.
    return this.#visit.use((connection) => connection.db.transaction(() => work(connection))());
  }
}
