/** Verdicts in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { Verdict, VerdictQuery } from "./learning-store.ts";

/** A verdict as it is bound to the statement. */
export type VerdictRow = readonly [number, number | null, string, string, string];

/** Of `reason` and `numbers` each: verdicts are many, and nobody reads a longer one. */
const MAX_CHARACTERS = 16_384;

/** The row of a verdict; `null` when it cannot be kept: too long, or nothing that JSON could say. */
export function toVerdictRow({ atMs, modelVersion, kind, reason, numbers }: Verdict): VerdictRow | null {
  if (!Number.isSafeInteger(atMs)) return null;
  let json: string;
  try {
    json = JSON.stringify(numbers) ?? "null";
  } catch {
    return null;
  }
  if (json.length > MAX_CHARACTERS || reason.length > MAX_CHARACTERS) return null;
  return [atMs, modelVersion, kind, reason, json];
}

interface StoredVerdict extends Omit<Verdict, "numbers"> {
  readonly numbers: string;
}

const SELECT = "SELECT at_ms AS atMs, model AS modelVersion, kind, reason, numbers FROM verdicts";

/** The verdicts of one connection. */
export class VerdictTable {
  readonly #db: Database;
  readonly #insert: Statement<unknown, (number | string | null)[]>;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.query("INSERT INTO verdicts (at_ms, model, kind, reason, numbers) VALUES (?, ?, ?, ?, ?)");
  }

  /** Within the caller's transaction. */
  insert(rows: readonly VerdictRow[]): void {
    for (const row of rows) this.#insert.run(...row);
  }

  /** The newest first. */
  list({ limit, modelVersion }: VerdictQuery): Verdict[] {
    const where = modelVersion === undefined ? "" : "WHERE model = ?";
    const values = modelVersion === undefined ? [limit] : [modelVersion, limit];
    return this.#db
      .query<StoredVerdict, number[]>(`${SELECT} ${where} ORDER BY id DESC LIMIT ?`)
      .all(...values)
      .map((row) => ({ ...row, numbers: JSON.parse(row.numbers) as unknown }));
  }

  /** Keeps the newest `max`. */
  prune(max: number): void {
    this.#db.query<unknown, [number]>("DELETE FROM verdicts WHERE id <= (SELECT max(id) FROM verdicts) - ?").run(max);
  }
}
