/** Verdicts in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { StoreLimits, Verdict, VerdictQuery } from "../../learning-store.ts";
import { toVerdict, type VerdictRow } from "../../rows/verdict-row.ts";
import type { RowTable } from "./row-table.ts";

const SELECT = "SELECT at_ms AS atMs, model AS modelVersion, kind, reason, numbers FROM verdicts";

/** The verdicts of one connection. */
export class VerdictTable implements RowTable<VerdictRow> {
  readonly #db: Database;
  readonly #insert: Statement<unknown, (number | string | null)[]>;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.query("INSERT INTO verdicts (at_ms, model, kind, reason, numbers) VALUES (?, ?, ?, ?, ?)");
  }

  insert(rows: readonly VerdictRow[]): void {
    for (const { atMs, modelVersion, kind, reason, numbers } of rows) {
      this.#insert.run(atMs, modelVersion, kind, reason, numbers);
    }
  }

  /** The newest first. */
  list({ limit, modelVersion }: VerdictQuery): Verdict[] {
    const where = modelVersion === undefined ? "" : "WHERE model = ?";
    const values = modelVersion === undefined ? [limit] : [modelVersion, limit];
    return this.#db
      .query<VerdictRow, number[]>(`${SELECT} ${where} ORDER BY id DESC LIMIT ?`)
      .all(...values)
      .map(toVerdict);
  }

  trim({ maxVerdicts }: StoreLimits): void {
    const query = "DELETE FROM verdicts WHERE id <= (SELECT max(id) FROM verdicts) - ?";
    this.#db.query<unknown, [number]>(query).run(maxVerdicts);
  }
}
