/** Whose rows these are, in SQLite: names stand here once, and rows refer to them by number. */
import type { Database, Statement } from "bun:sqlite";
import { StoreError } from "../../store-error.ts";

/** Names that a row has in common with many others. */
export interface Series {
  readonly instance: string;
  readonly pool: string;
  readonly route: string;
  readonly server: string;
  readonly address: string;
  /** 0 for what is not about requests. */
  readonly statusClass: number;
}

/** What a question asks for; unset = all. */
export type SeriesQuery = Partial<Pick<Series, "instance" | "pool" | "route" | "server">>;

const HOUR_MS = 3_600_000;
/** Series that are remembered, and those that go in one transaction. */
const REMEMBERED = 20_000;
const DELETED = 2_000;

/** The series of one connection. */
export class SeriesTable {
  readonly #db: Database;
  readonly #touch: Statement<{ id: number }, (string | number)[]>;
  readonly #byName = new Map<string, { readonly id: number; readonly hourMs: number }>();
  readonly #byId = new Map<number, Series>();

  constructor(db: Database) {
    this.#db = db;
    this.#touch = db.query(
      `INSERT INTO series (instance, pool, route, server, address, status_class, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (instance, pool, route, server, address, status_class)
         DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)
       RETURNING id`,
    );
  }

  /** The number of a series that has a row at `atMs`. Within the caller's transaction. */
  idOf({ instance, pool, route, server, address, statusClass }: Series, atMs: number): number {
    const name = [instance, pool, route, server, address, statusClass].join("\n");
    const hourMs = atMs - (atMs % HOUR_MS);
    const known = this.#byName.get(name);
    if (known !== undefined && known.hourMs >= hourMs) return known.id;
    const { id } = this.#touch.get(instance, pool, route, server, address, statusClass, hourMs)!;
    if (this.#byName.size >= REMEMBERED) this.#byName.clear();
    this.#byName.set(name, { id, hourMs });
    return id;
  }

  /** What a number stands for. */
  get(id: number): Series {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const series = this.#db
      .query<Series, [number]>(
        "SELECT instance, pool, route, server, address, status_class AS statusClass FROM series WHERE id = ?",
      )
      .get(id);
    if (series === null)
      throw new StoreError("corrupt", `the history is damaged: it has rows of series ${id} and not the series`);
    if (this.#byId.size >= REMEMBERED) this.#byId.clear();
    this.#byId.set(id, series);
    return series;
  }

  /** Those whose rows are all older than `beforeMs` go, some at a time. Within the caller's transaction. */
  deleteUnused(beforeMs: number): void {
    const { changes } = this.#db
      .query<unknown, [number, number]>(
        "DELETE FROM series WHERE id IN (SELECT id FROM series WHERE last_seen < ? LIMIT ?)",
      )
      .run(beforeMs - HOUR_MS, DELETED);
    if (changes > 0) this.forget();
  }

  /** A transaction was rolled back: what it gave numbers to may get others. */
  forget(): void {
    this.#byName.clear();
  }
}

/** The condition on `series` that a question means, with its values; empty = none. */
export function seriesCondition(query: SeriesQuery): { readonly sql: string; readonly values: readonly string[] } {
  const asked = (["instance", "pool", "route", "server"] as const).filter((name) => query[name] !== undefined);
  if (asked.length === 0) return { sql: "", values: [] };
  const conditions = asked.map((name) => `${name} = ?`).join(" AND ");
  return {
    sql: ` AND series IN (SELECT id FROM series WHERE ${conditions})`,
    values: asked.map((name) => query[name]!),
  };
}
