/**
 * Samples in SQLite. A row takes about 130 bytes with twenty features, which are kept as little-endian float32, the order
 * of bytes of every machine that Bun runs on.
 */
import type { Database, Statement } from "bun:sqlite";
import type { Sample, SampleQuery } from "./learning-store.ts";

/** Rows of a page: about 1 MB of objects. */
const PAGE_ROWS = 2_000;

/** A sample as it is bound to the statement, but for its server and list of features. */
export interface SampleRow {
  readonly server: string;
  /** at_ms, arm, model, failed, propensity, latency_ms, mean_ms, features. */
  readonly values: readonly [number, number, number, number, number, number, number, Uint8Array];
}

/** The row of a sample, with a copy of its features; `null` when it has values that no sample can have. */
export function toRow(sample: Sample, featureCount: number): SampleRow | null {
  const { atMs, serverId, arm, modelVersion, propensity, features, latencyMs, meanMs, failed } = sample;
  const whole = [atMs, arm, modelVersion].every((value) => Number.isSafeInteger(value) && value >= 0);
  const times = [latencyMs, meanMs].every((value) => Number.isFinite(value) && value >= 0);
  if (!whole || !times || !(propensity > 0 && propensity <= 1) || features.length !== featureCount) return null;
  const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength).slice();
  return { server: serverId, values: [atMs, arm, modelVersion, failed ? 1 : 0, propensity, latencyMs, meanMs, bytes] };
}

interface StoredSample {
  readonly id: number;
  readonly atMs: number;
  readonly serverId: string;
  readonly arm: number;
  readonly modelVersion: number;
  readonly propensity: number;
  readonly latencyMs: number;
  readonly meanMs: number;
  readonly failed: number;
  readonly features: Uint8Array;
}

const COLUMNS = `samples.id AS id, at_ms AS atMs, servers.name AS serverId, arm, model AS modelVersion, propensity,
  latency_ms AS latencyMs, mean_ms AS meanMs, failed, features`;

/** The samples of one connection. */
export class SampleTable {
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

  /** Within the caller's transaction. */
  insert(rows: readonly SampleRow[]): void {
    const last = this.#range().last + rows.length;
    const list = this.#touchList.get(this.#names, last)!.id;
    const servers = new Map<string, number>();
    for (const { server, values } of rows) {
      let id = servers.get(server);
      if (id === undefined) {
        id = this.#touchServer.get(server, last)!.id;
        servers.set(server, id);
      }
      this.#insert.run(...values, id, list);
    }
  }

  /** All rows, those with other features included. */
  total(): number {
    const { first, last } = this.#range();
    return last - first + 1; // ids have no gaps
  }

  /** Rows with this store's features. */
  count(): number {
    return this.total() - this.countOthers();
  }

  /** Rows with other features than this store's, no older than `sinceMs`. */
  countOthers(sinceMs = 0): number {
    // Usually there are none, and then no row need be looked at: only after an update that changed the features.
    const lists = this.#db.query<{ names: string }, []>("SELECT names FROM feature_lists").all();
    if (lists.every(({ names }) => names === this.#names)) return 0;
    const query = this.#db.query<{ n: number }, number[]>(
      "SELECT count(*) AS n FROM samples WHERE feature_list <> ? AND at_ms >= ?",
    );
    return query.get(this.#list(), sinceMs)!.n;
  }

  /** Where a scan begins: the id of its first row. */
  start({ sinceMs = 0, limit, newestFirst = false }: SampleQuery): number {
    if (newestFirst) return this.#range().last;
    const query = this.#db.query<{ id: number | null }, number[]>(
      `SELECT min(id) AS id FROM
         (SELECT id FROM samples WHERE feature_list = ? AND at_ms >= ? ORDER BY id DESC LIMIT ?)`,
    );
    return query.get(this.#list(), sinceMs, limit)!.id ?? 1;
  }

  /** A page of a scan: at most `rows` samples from the id `from` on, and where the next page begins. */
  page({ sinceMs = 0, newestFirst = false }: SampleQuery, from: number, rows: number): SamplePage {
    const [reaches, order] = newestFirst ? ["<=", "DESC"] : [">=", "ASC"];
    const found = this.#db
      .query<StoredSample, number[]>(
        `SELECT ${COLUMNS} FROM samples JOIN servers ON servers.id = samples.server
         WHERE samples.id ${reaches} ? AND feature_list = ? AND at_ms >= ? ORDER BY samples.id ${order} LIMIT ?`,
      )
      .all(from, this.#list(), sinceMs, Math.min(rows, PAGE_ROWS));
    const last = found.at(-1)?.id ?? from;
    return { samples: found.map(toSample), next: newestFirst ? last - 1 : last + 1 };
  }

  /** Deletes at most `rows` of the oldest, and the names that nothing refers to any more. Returns how many went. */
  deleteOldest(rows: number): number {
    const { first, last } = this.#range();
    const end = Math.min(last, first + rows); // the newest stays: it keeps ids ascending
    if (end <= first) return 0;
    this.#db.query<unknown, [number]>("DELETE FROM samples WHERE id < ?").run(end);
    for (const table of ["servers", "feature_lists"]) {
      this.#db.query<unknown, [number]>(`DELETE FROM ${table} WHERE last_sample < ?`).run(end);
    }
    return end - first;
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

/** Some samples, and where those after them begin. */
export interface SamplePage {
  readonly samples: readonly Sample[];
  readonly next: number;
}

function toSample({ id: _, failed, features, ...rest }: StoredSample): Sample {
  return { ...rest, failed: failed === 1, features: toFloats(features) };
}

/** A view where the bytes lie as float32 must, a copy where they do not. */
function toFloats(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.byteLength >> 2);
}
