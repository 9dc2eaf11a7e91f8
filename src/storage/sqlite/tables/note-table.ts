/** Small things of one value each in SQLite, by name. */
import type { Database } from "bun:sqlite";

/** The notes of one connection. */
export class NoteTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Within the caller's transaction. `value` is anything that JSON can say. */
  set(name: string, value: unknown): void {
    this.#db
      .query<unknown, [string, string]>(
        "INSERT INTO notes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      )
      .run(name, JSON.stringify(value ?? null));
  }

  /** `null` when there is none. */
  get(name: string): unknown {
    const row = this.#db.query<{ value: string }, [string]>("SELECT value FROM notes WHERE name = ?").get(name);
    return row === null ? null : (JSON.parse(row.value) as unknown);
  }
}
