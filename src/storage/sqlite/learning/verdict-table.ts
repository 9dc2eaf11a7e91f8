/** Verdicts in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { StoreLimits, Verdict, VerdictQuery } from "../../learning-store.ts";
import { type PoolCount, surplusByPool } from "../../pool-parts.ts";
import { toVerdict, type VerdictRow } from "../../rows/verdict-row.ts";
import type { RowTable } from "./row-table.ts";

const SELECT = "SELECT pool, at AS atMs, model AS modelVersion, kind, reason, numbers FROM verdicts";

/** The verdicts of one connection. */
export class VerdictTable implements RowTable<VerdictRow> {
  readonly #db: Database;
  readonly #insert: Statement<unknown, (number | string | null)[]>;
  /** There may be more than at the last look; also what another process's limits left. */
  #hasGrown = true;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.query("INSERT INTO verdicts (pool, at, model, kind, reason, numbers) VALUES (?, ?, ?, ?, ?, ?)");
  }

  insert(rows: readonly VerdictRow[]): void {
    for (const { pool, atMs, modelVersion, kind, reason, numbers } of rows) {
      this.#insert.run(pool, atMs, modelVersion, kind, reason, numbers);
    }
    this.#hasGrown = true;
  }

  /** The newest first. */
  list({ limit, pool, modelVersion }: VerdictQuery): Verdict[] {
    const asked: [column: string, value: string | number][] = [];
    if (pool !== undefined) asked.push(["pool", pool]);
    if (modelVersion !== undefined) asked.push(["model", modelVersion]);
    const where = asked.length === 0 ? "" : `WHERE ${asked.map(([column]) => `${column} = ?`).join(" AND ")}`;
    return this.#db
      .query<VerdictRow, (string | number)[]>(`${SELECT} ${where} ORDER BY id DESC LIMIT ?`)
      .all(...asked.map(([, value]) => value), limit)
      .map(toVerdict);
  }

  trim({ maxVerdicts }: StoreLimits): void {
    if (!this.#hasGrown) return;
    this.#hasGrown = false;
    const counts = this.#db
      .query<PoolCount<string>, []>("SELECT pool, count(*) AS count FROM verdicts GROUP BY pool")
      .all();
    const remove = this.#db.query<unknown, [string, number]>(
      "DELETE FROM verdicts WHERE id IN (SELECT id FROM verdicts WHERE pool = ? ORDER BY id LIMIT ?)",
    );
    for (const { pool, count } of surplusByPool(counts, maxVerdicts)) remove.run(pool, count);
  }
}
