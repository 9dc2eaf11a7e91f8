/** Samples in SQLite. */
import type { Database, Statement } from "bun:sqlite";
import type { SamplePage } from "../../backend.ts";
import type { SampleQuery, StoreLimits } from "../../learning-store.ts";
import { type PoolCount, surplusByPool } from "../../pool-parts.ts";
import { type SampleRow, toSample } from "../../rows/sample-row.ts";
import type { RowTable } from "./row-table.ts";

/** More than a batch, so that deleting catches up with writing; few enough to take milliseconds. */
export const DELETED_ROWS = 2_000;

interface StoredSample extends Omit<SampleRow, "pool" | "failed"> {
  readonly id: number;
  readonly failed: number;
}

const COLUMNS = `samples.id AS id, at AS atMs, servers.name AS serverId, arm, model AS modelVersion, propensity,
  latency_ms AS latencyMs, mean_ms AS meanMs, failed, features`;

/** The samples of one connection. */
export class SampleTable implements RowTable<SampleRow> {
  readonly #db: Database;
  readonly #names: string;
  readonly #insert: Statement<unknown, (number | Uint8Array)[]>;
  readonly #touchServer: Statement<{ id: number }, [number, string, number]>;
  readonly #touchList: Statement<{ id: number }, [string, number]>;
  readonly #addToPool: Statement<{ id: number }, [string, number]>;

  /** @param features what each sample's values mean, in order. */
  constructor(db: Database, features: readonly string[]) {
    this.#db = db;
    this.#names = JSON.stringify(features);
    this.#touchServer = db.query(
      `INSERT INTO sample_servers (pool, name, last_sample) VALUES (?, ?, ?)
       ON CONFLICT (pool, name) DO UPDATE SET last_sample = excluded.last_sample RETURNING id`,
    );
    this.#touchList = db.query(
      `INSERT INTO feature_lists (names, last_sample) VALUES (?, ?)
       ON CONFLICT (names) DO UPDATE SET last_sample = excluded.last_sample RETURNING id`,
    );
    this.#addToPool = db.query(
      `INSERT INTO pools (name, samples) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET samples = samples + excluded.samples RETURNING id`,
    );
    this.#insert = db.query(
      `INSERT INTO samples
         (at, arm, model, failed, propensity, latency_ms, mean_ms, features, pool, server, feature_list)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  insert(rows: readonly SampleRow[]): void {
    const last = this.#lastId() + rows.length;
    const list = this.#touchList.get(this.#names, last)!.id;
    for (const [pool, own] of Map.groupBy(rows, (row) => row.pool)) this.#insertOf(pool, own, list, last);
  }

  #insertOf(name: string, rows: readonly SampleRow[], list: number, last: number): void {
    const pool = this.#addToPool.get(name, rows.length)!.id;
    const servers = new Map<string, number>();
    for (const { atMs, serverId, arm, modelVersion, failed, propensity, latencyMs, meanMs, features } of rows) {
      let server = servers.get(serverId);
      if (server === undefined) {
        server = this.#touchServer.get(pool, serverId, last)!.id;
        servers.set(serverId, server);
      }
      const flag = failed ? 1 : 0;
      this.#insert.run(atMs, arm, modelVersion, flag, propensity, latencyMs, meanMs, features, pool, server, list);
    }
  }

  /** A pool's rows with this store's features. */
  count(pool: string): number {
    return (this.#pool(pool)?.samples ?? 0) - this.countOthers(pool, 0);
  }

  /** A pool's rows with other features than this store's, no older than `sinceMs`. */
  countOthers(pool: string, sinceMs: number): number {
    // Usually there are none, and then no row need be looked at: only after an update that changed the features.
    const lists = this.#db.query<{ names: string }, []>("SELECT names FROM feature_lists").all();
    if (lists.every(({ names }) => names === this.#names)) return 0;
    const query = this.#db.query<{ n: number }, number[]>(
      "SELECT count(*) AS n FROM samples WHERE pool = ? AND feature_list <> ? AND at >= ?",
    );
    return query.get(this.#poolId(pool), this.#list(), sinceMs)!.n;
  }

  /** See `LearningReads.samplePage`: a page begins with the id `from`. */
  page(query: SampleQuery, from: number | null, rows: number): SamplePage {
    const { pool, sinceMs = 0, newestFirst = false } = query;
    const start = from ?? this.#start(query);
    const [reaches, order] = newestFirst ? ["<=", "DESC"] : [">=", "ASC"];
    const found = this.#db
      .query<StoredSample, number[]>(
        `SELECT ${COLUMNS} FROM samples JOIN sample_servers AS servers ON servers.id = samples.server
         WHERE samples.pool = ? AND samples.id ${reaches} ? AND feature_list = ? AND at >= ?
         ORDER BY samples.id ${order} LIMIT ?`,
      )
      .all(this.#poolId(pool), start, this.#list(), sinceMs, rows);
    const last = found.at(-1)?.id ?? start;
    const samples = found.map(({ id: _, failed, ...rest }) => toSample({ ...rest, pool, failed: failed === 1 }));
    return { samples, next: newestFirst ? last - 1 : last + 1 };
  }

  trim({ maxSamples }: StoreLimits): void {
    const excess = this.#total() - maxSamples;
    if (excess > 0) this.deleteOldest(Math.min(excess, DELETED_ROWS));
  }

  /**
   * Deletes at most `rows` of the oldest of the pools that have the most, and the names that nothing refers to any more. The
   * newest of each pool stays.
   */
  deleteOldest(rows: number): void {
    const counts = this.#db.query<PoolCount<number>, []>("SELECT id AS pool, samples AS count FROM pools").all();
    for (const { pool, count } of surplusByPool(counts, Math.max(0, this.#total() - rows))) {
      this.#deleteOldestOf(pool, count);
    }
    const first = this.#db.query<{ id: number | null }, []>("SELECT min(id) AS id FROM samples").get()!.id ?? 0;
    this.#db.query<unknown, [number]>("DELETE FROM feature_lists WHERE last_sample < ?").run(first);
  }

  #deleteOldestOf(pool: number, rows: number): void {
    // Where nothing lies so far behind the first, all but the newest go.
    const end = this.#db
      .query<{ id: number | null }, [number, number, number]>(
        `SELECT coalesce((SELECT id FROM samples WHERE pool = ? ORDER BY id LIMIT 1 OFFSET ?),
                         (SELECT max(id) FROM samples WHERE pool = ?)) AS id`,
      )
      .get(pool, rows, pool)?.id;
    if (end == null) return;
    const { changes } = this.#db
      .query<unknown, [number, number]>("DELETE FROM samples WHERE pool = ? AND id < ?")
      .run(pool, end);
    this.#db.query<unknown, [number, number]>("UPDATE pools SET samples = samples - ? WHERE id = ?").run(changes, pool);
    this.#db
      .query<unknown, [number, number]>("DELETE FROM sample_servers WHERE pool = ? AND last_sample < ?")
      .run(pool, end);
  }

  /** Where a scan begins: the id of its first row. */
  #start({ pool, sinceMs = 0, limit, newestFirst = false }: SampleQuery): number {
    if (newestFirst) return this.#lastId();
    const query = this.#db.query<{ id: number | null }, number[]>(
      `SELECT min(id) AS id FROM
         (SELECT id FROM samples WHERE pool = ? AND feature_list = ? AND at >= ? ORDER BY id DESC LIMIT ?)`,
    );
    return query.get(this.#poolId(pool), this.#list(), sinceMs, limit)!.id ?? 1;
  }

  /** All rows of all pools, those with other features included. */
  #total(): number {
    return this.#db.query<{ n: number }, []>("SELECT coalesce(sum(samples), 0) AS n FROM pools").get()!.n;
  }

  /** The id of the newest row; 0 when there is none. It is never deleted, so ids ascend. */
  #lastId(): number {
    return this.#db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM samples").get()!.id ?? 0;
  }

  /** The id of this store's list of features; 0, which none has, while there is no such sample. */
  #list(): number {
    const query = this.#db.query<{ id: number }, [string]>("SELECT id FROM feature_lists WHERE names = ?");
    return query.get(this.#names)?.id ?? 0;
  }

  /** The id of a pool; 0, which none has, while it has no sample. */
  #poolId(name: string): number {
    return this.#pool(name)?.id ?? 0;
  }

  #pool(name: string): { readonly id: number; readonly samples: number } | null {
    return this.#db
      .query<{ id: number; samples: number }, [string]>("SELECT id, samples FROM pools WHERE name = ?")
      .get(name);
  }
}
