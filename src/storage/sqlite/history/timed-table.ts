/** What tables of rows in the order of time have in common, in SQLite. */
import type { Database } from "bun:sqlite";
import type { HistorySpan } from "../../history-store.ts";

/** More than a batch, so that deleting catches up with writing; few enough to take milliseconds. */
export const DELETED_ROWS = 2_000;

/** A table with a column `at` that its rows lie by, or an index does. */
export class TimedTable {
  protected readonly db: Database;
  readonly #name: string;

  constructor(db: Database, name: string) {
    this.db = db;
    this.#name = name;
  }

  /** When the oldest row was, milliseconds since the epoch; `null` = there is none. */
  oldestMs(): number | null {
    return this.db.query<{ at: number | null }, []>(`SELECT min(at) AS at FROM ${this.#name}`).get()!.at;
  }

  span(): HistorySpan {
    const query = `SELECT (SELECT min(at) FROM ${this.#name}) AS oldestMs, (SELECT max(at) FROM ${this.#name}) AS newestMs`;
    return this.db.query<HistorySpan, []>(query).get()!;
  }

  /**
   * Deletes the oldest rows before `beforeMs`: `DELETED_ROWS`, and those of the same moment as the last of them. Within the
   * caller's transaction. Returns how many.
   */
  deleteOldest(beforeMs: number): number {
    const last = this.db
      .query<{ at: number }, [number, number]>(`SELECT at FROM ${this.#name} WHERE at < ? ORDER BY at LIMIT 1 OFFSET ?`)
      .get(beforeMs, DELETED_ROWS - 1);
    const end = last === null ? beforeMs : last.at + 1;
    return this.db.query<unknown, [number]>(`DELETE FROM ${this.#name} WHERE at < ?`).run(end).changes;
  }
}
