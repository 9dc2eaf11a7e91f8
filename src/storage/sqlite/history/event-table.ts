/** Events in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { EventQuery, RecordedEvent } from "../../history-store.ts";
import { type StoredEvent, toEvent } from "../../rows/event-row.ts";
import { TimedTable } from "./timed-table.ts";

const COLUMNS = "kind, pool, server, address, actor, message, detail";

/** The events of one connection. */
export class EventTable extends TimedTable {
  readonly #insert: Statement<unknown, (string | number)[]>;

  constructor(db: Database) {
    super(db, "events");
    this.#insert = db.query(`INSERT INTO events (at, instance, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Within the caller's transaction. */
  insert(instance: string, rows: readonly StoredEvent[]): void {
    for (const { atMs, kind, pool, server, address, actor, message, detail } of rows) {
      this.#insert.run(atMs, instance, kind, pool, server, address, actor, message, detail);
    }
  }

  /** The newest first. */
  list(query: EventQuery): RecordedEvent[] {
    const { sinceMs, untilMs, kinds = [], limit } = query;
    const asked = (["instance", "pool", "server"] as const).filter((name) => query[name] !== undefined);
    const conditions = asked.map((name) => ` AND ${name} = ?`).join("");
    const kind = kinds.length === 0 ? "" : ` AND kind IN (${kinds.map(() => "?").join(", ")})`;
    return this.db
      .query<StoredEvent & { readonly instance: string }, (string | number)[]>(
        `SELECT at AS atMs, instance, ${COLUMNS} FROM events WHERE at >= ? AND at < ?${conditions}${kind}
         ORDER BY at DESC, id DESC LIMIT ?`,
      )
      .all(sinceMs, untilMs, ...asked.map((name) => query[name]!), ...kinds, limit)
      .map(toEvent);
  }
}
