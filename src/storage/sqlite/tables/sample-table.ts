/** Samples in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { SamplePage } from "../../backend.ts";
import type { SampleQuery, StoreLimits } from "../../learning-store.ts";
import { type SampleRow, toSample } from "../../rows/sample-row.ts";
import type { RowTable } from "./row-table.ts";

/** More than a batch, so that deleting catches up with writing; few enough to take milliseconds. */
export const DELETED_ROWS = 2_000;

interface StoredSample extends Omit<SampleRow, "failed"> {
  readonly id: number;
  readonly failed: number;
}

const COLUMNS = `samples.id AS id, at_ms AS atMs, servers.name AS serverId, arm, model AS modelVersion, propensity,
  latency_ms AS latencyMs, mean_ms AS meanMs, failed, features`;

/** The samples of one connection. */
export class SampleTable implements RowTable<SampleRow> {
  readonly #db: Database;
  readonly #names: string;
  readonly #insert: Statement<unknown, (number | Uint8Array)[]>;
  readonly #touchServer: Statement<{ id: number }, [string, number]>;
  readonly #touchList: Statement<{ id: number }, [string, number]>;

  /** @param features what each sample's values mean, in order. */
  constructor(db: Database, features: readonly string[]) {
    this.#db = db;
    this.#names = JSON.stringify(features);
    const touch = (table: string, column: string) =>
      db.query<{ id: number }, [string, number]>(
        `INSERT INTO ${table} (${column}, last_sample) VALUES (?, ?)
         ON CONFLICT (${column}) DO UPDATE SET last_sample = excluded.last_sample RETURNING id`,
      );
    this.#touchServer = touch("servers", "name");
    this.#touchList = touch("feature_lists", "names");
    this.#insert = db.query(
      `INSERT INTO samples
         (at_ms, arm, model, failed, propensity, latency_ms, mean_ms, features, server, feature_list)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  insert(rows: readonly SampleRow[]): void {
    const last = this.#range().last + rows.length;
    const list = this.#touchList.get(this.#names, last)!.id;
    const servers = new Map<string, number>();
    for (const { atMs, serverId, arm, modelVersion, failed, propensity, latencyMs, meanMs, features } of rows) {
      let server = servers.get(serverId);
      if (server === undefined) {
        server = this.#touchServer.get(serverId, last)!.id;
        servers.set(serverId, server);
      }
      const flag = failed ? 1 : 0;
      this.#insert.run(atMs, arm, modelVersion, flag, propensity, latencyMs, meanMs, features, server, list);
    }
  }

  /** Rows with this store's features. */
  count(): number {
    return this.#total() - this.countOthers(0);
  }

  /** Rows with other features than this store's, no older than `sinceMs`. */
  countOthers(sinceMs: number): number {
    // Usually there are none, and then no row need be looked at: only after an update that changed the features.
    const lists = this.#db.query<{ names: string }, []>("SELECT names FROM feature_lists").all();
    if (lists.every(({ names }) => names === this.#names)) return 0;
    const query = this.#db.query<{ n: number }, number[]>(
      "SELECT count(*) AS n FROM samples WHERE feature_list <> ? AND at_ms >= ?",
    );
    return query.get(this.#list(), sinceMs)!.n;
  }

  /** See `BackendReads.samplePage`: a page begins with the id `from`. */
  page(query: SampleQuery, from: number | null, rows: number): SamplePage {
    const { sinceMs = 0, newestFirst = false } = query;
    const start = from ?? this.#start(query);
    const [reaches, order] = newestFirst ? ["<=", "DESC"] : [">=", "ASC"];
    const found = this.#db
      .query<StoredSample, number[]>(
        `SELECT ${COLUMNS} FROM samples JOIN servers ON servers.id = samples.server
         WHERE samples.id ${reaches} ? AND feature_list = ? AND at_ms >= ? ORDER BY samples.id ${order} LIMIT ?`,
      )
      .all(start, this.#list(), sinceMs, rows);
    const last = found.at(-1)?.id ?? start;
    const samples = found.map(({ id: _, failed, ...rest }) => toSample({ ...rest, failed: failed === 1 }));
    return { samples, next: newestFirst ? last - 1 : last + 1 };
  }

  trim({ maxSamples }: StoreLimits): void {
    const excess = this.#total() - maxSamples;
    if (excess > 0) this.deleteOldest(Math.min(excess, DELETED_ROWS));
  }

  /** Deletes at most `rows` of the oldest, and the names that nothing refers to any more. */
  deleteOldest(rows: number): void {
    const { first, last } = this.#range();
    const end = Math.min(last, first + rows); // the newest stays: it keeps ids ascending
    if (end <= first) return;
    this.#db.query<unknown, [number]>("DELETE FROM samples WHERE id < ?").run(end);
    for (const table of ["servers", "feature_lists"]) {
      this.#db.query<unknown, [number]>(`DELETE FROM ${table} WHERE last_sample < ?`).run(end);
    }
  }

  /** Where a scan begins: the id of its first row. */
  #start({ sinceMs = 0, limit, newestFirst = false }: SampleQuery): number {
    if (newestFirst) return this.#range().last;
    const query = this.#db.query<{ id: number | null }, number[]>(
      `SELECT min(id) AS id FROM
         (SELECT id FROM samples WHERE feature_list = ? AND at_ms >= ? ORDER BY id DESC LIMIT ?)`,
    );
    return query.get(this.#list(), sinceMs, limit)!.id ?? 1;
  }

  /** All rows, those with other features included. */
  #total(): number {
    const { first, last } = this.#range();
    return last - first + 1; // ids have no gaps
  }

  /** Ids of the oldest and the newest row; 1 and 0 when there is none. */
  #range(): { first: number; last: number } {
    // Two lookups: asked for both at once, SQLite would read the whole table.
    const first = this.#db.query<{ id: number | null }, []>("SELECT min(id) AS id FROM samples").get()!.id ?? 1;
    const last = this.#db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM samples").get()!.id ?? 0;
    return { first, last };
  }

  /** The id of this store's list of features; 0, which none has, while there is no such sample. */
  #list(): number {
    const query = this.#db.query<{ id: number }, [string]>("SELECT id FROM feature_lists WHERE names = ?");
    return query.get(this.#names)?.id ?? 0;
  }
}
