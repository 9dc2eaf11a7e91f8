/** Small things of one value each in SQLite, by pool and name. */
import type { Database } from "bun:sqlite";

/** The notes of one connection. */
export class NoteTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Within the caller's transaction. `value` is anything that JSON can say. */
  set(pool: string, name: string, value: unknown): void {
    this.#db
      .query<unknown, [string, string, string]>(
        `INSERT INTO notes (pool, name, value) VALUES (?, ?, ?)
         ON CONFLICT (pool, name) DO UPDATE SET value = excluded.value`,
      )
      .run(pool, name, JSON.stringify(value ?? null));
  }

  /** `null` when there is none. */
  get(pool: string, name: string): unknown {
    const row = this.#db
      .query<{ value: string }, [string, string]>("SELECT value FROM notes WHERE pool = ? AND name = ?")
      .get(pool, name);
    return row === null ? null : (JSON.parse(row.value) as unknown);
  }
}
