/** Servers in SQLite, with what somebody set there for them. */
import type { Database } from "bun:sqlite";
import type { HistoryChange, KnownServers } from "../../backend.ts";
import type { KnownServer, ServerRow } from "../../history-store.ts";
import { undoneOverrides } from "../../override-rules.ts";

const SELECT = `SELECT pool, host, port, weight, capacity, configured_weight AS configuredWeight,
  configured_capacity AS configuredCapacity, first_seen AS firstSeenMs, last_seen AS lastSeenMs, removed_at AS removedAtMs
  FROM servers`;

/** The servers of one connection. */
export class ServerTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  list(): ServerRow[] {
    return this.#db.query<ServerRow, []>(`${SELECT} ORDER BY pool, host, port`).all();
  }

  /** See `HistoryStore.knowServers`. All of the file is this instance's. Within the caller's transaction. */
  know({ servers, atMs }: HistoryChange): KnownServers {
    const undone: ServerRow[] = [];
    const get = this.#db.query<ServerRow, (string | number)[]>(`${SELECT} WHERE pool = ? AND host = ? AND port = ?`);
    // All others are gone: those that are there are marked as such again.
    this.#db.query<unknown, [number]>("UPDATE servers SET removed_at = ? WHERE removed_at IS NULL").run(atMs);
    for (const server of servers) {
      const before = get.get(server.pool, server.host, server.port);
      const lost = before === null ? null : undoneOverrides(before, server);
      if (before !== null && lost !== null) {
        undone.push(before);
        this.#undo(server, lost);
      }
      this.#note(server, atMs);
    }
    return { rows: this.list(), undone };
  }

  /** Those that were removed before `beforeMs` go. Within the caller's transaction. */
  deleteRemoved(beforeMs: number): void {
    this.#db.query<unknown, [number]>("DELETE FROM servers WHERE removed_at < ?").run(beforeMs);
  }

  #note({ pool, host, port, weight, capacity }: KnownServer, atMs: number): void {
    this.#db
      .query<unknown, (string | number)[]>(
        `INSERT INTO servers (pool, host, port, configured_weight, configured_capacity, first_seen, last_seen)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (pool, host, port) DO UPDATE SET configured_weight = excluded.configured_weight,
           configured_capacity = excluded.configured_capacity, last_seen = excluded.last_seen, removed_at = NULL`,
      )
      .run(pool, host, port, weight, capacity, atMs, atMs);
  }

  #undo({ pool, host, port }: KnownServer, { weight, capacity }: { weight: boolean; capacity: boolean }): void {
    this.#db
      .query<unknown, (string | number)[]>(
        `UPDATE servers SET weight = iif(?, NULL, weight), capacity = iif(?, NULL, capacity)
         WHERE pool = ? AND host = ? AND port = ?`,
      )
      .run(weight ? 1 : 0, capacity ? 1 : 0, pool, host, port);
  }
}
