/** Samples in PostgreSQL, of all instances together: pools learn from whatever instance has seen them. */
import type { SamplePage } from "../../backend.ts";
import type { SampleQuery, StoreLimits } from "../../learning-store.ts";
import { type PoolCount, surplusByPool } from "../../pool-parts.ts";
import { type SampleRow, toSample } from "../../rows/sample-row.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";
import { timeOf } from "../wire/time-of.ts";

/** More than a batch, so that deleting catches up with writing. */
const DELETED_ROWS = 2_000;
/** What a sample takes with its part of the indexes, beside four bytes for each feature: a table's size would not shrink. */
const SAMPLE_BYTES = 190;

const COLUMNS = `s.id::float8 AS id, s.at, n.name AS "serverId", s.arm, s.model::float8 AS "modelVersion", s.propensity,
  s.latency_ms AS "latencyMs", s.mean_ms AS "meanMs", s.failed, s.features`;

interface StoredSample extends Omit<SampleRow, "pool" | "atMs"> {
  readonly id: number;
  readonly at: Date;
}

/** Inserts rows, at least one. Within a transaction that has the lock of samples. */
export async function insertSamples(
  session: Session,
  rows: readonly SampleRow[],
  instance: string,
  features: readonly string[],
): Promise<void> {
  const first = (await newestId(session)) + 1;
  const last = first + rows.length - 1;
  const counts = new Map<string, number>();
  for (const { pool } of rows) counts.set(pool, (counts.get(pool) ?? 0) + 1);
  const pools = await session.query<{ id: number; name: string }>(
    `INSERT INTO pools (name, samples) SELECT * FROM unnest($1::text[], $2::bigint[])
     ON CONFLICT (name) DO UPDATE SET samples = pools.samples + excluded.samples RETURNING id, name`,
    [[...counts.keys()], [...counts.values()]],
  );
  const poolIds = new Map(pools.map(({ id, name }) => [name, id]));
  const named = new Map(rows.map(({ pool, serverId }) => [`${pool}\n${serverId}`, { pool, serverId }]));
  const servers = await session.query<{ id: number; pool: number; name: string }>(
    `INSERT INTO sample_servers (instance, pool, name, last_sample)
       SELECT $1, pool, name, $2 FROM unnest($3::integer[], $4::text[]) AS given(pool, name)
     ON CONFLICT (instance, pool, name) DO UPDATE SET last_sample = excluded.last_sample RETURNING id, pool, name`,
    [
      instance,
      last,
      [...named.values()].map(({ pool }) => poolIds.get(pool)!),
      [...named.values()].map(({ serverId }) => serverId),
    ],
  );
  const serverIds = new Map(servers.map(({ id, pool, name }) => [`${pool}\n${name}`, id]));
  const [list] = await session.query<{ id: number }>(
    `INSERT INTO feature_lists (names, last_sample) VALUES ($1, $2)
     ON CONFLICT (names) DO UPDATE SET last_sample = excluded.last_sample RETURNING id`,
    [JSON.stringify(features), last],
  );
  const data = new CopyData();
  let id = first;
  for (const row of rows) {
    const pool = poolIds.get(row.pool)!;
    data
      .row(12)
      .int8(id++)
      .time(row.atMs)
      .int4(pool)
      .int4(serverIds.get(`${pool}\n${row.serverId}`)!)
      .int4(list.id);
    data.int4(row.arm).int8(row.modelVersion).boolean(row.failed).float8(row.propensity);
    data.float8(row.latencyMs).float8(row.meanMs).bytes(row.features);
  }
  await session.copy(
    `COPY samples (id, at, pool, server, feature_list, arm, model, failed, propensity, latency_ms, mean_ms, features)
     FROM STDIN (FORMAT binary)`,
    data.end(),
  );
}

/** Deletes what is too much, a bounded piece. Within a transaction that has the lock of samples. */
export async function trimSamples(
  session: Session,
  { maxSamples, maxBytes }: StoreLimits,
  features: readonly string[],
): Promise<void> {
  const counts = await session.query<PoolCount<number>>("SELECT id AS pool, samples::float8 AS count FROM pools");
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const fitting = Math.floor(maxBytes / (SAMPLE_BYTES + 4 * features.length));
  const excess = Math.min(total - Math.min(maxSamples, fitting), DELETED_ROWS);
  if (excess <= 0) return;
  for (const { pool, count } of surplusByPool(counts, total - excess)) await deleteOldest(session, pool, count);
  await session.query("DELETE FROM feature_lists WHERE last_sample < (SELECT coalesce(min(id), 0) FROM samples)");
}

/** The newest of a pool stays. */
async function deleteOldest(session: Session, pool: number, rows: number): Promise<void> {
  const [{ end }] = await session.query<{ end: string | null }>(
    `SELECT coalesce((SELECT id FROM samples WHERE pool = $1 ORDER BY id LIMIT 1 OFFSET $2),
                     (SELECT max(id) FROM samples WHERE pool = $1)) AS "end"`,
    [pool, rows],
  );
  if (end === null) return;
  const deleted = await session.change("DELETE FROM samples WHERE pool = $1 AND id < $2", [pool, end]);
  await session.query("UPDATE pools SET samples = samples - $2 WHERE id = $1", [pool, deleted]);
  await session.query("DELETE FROM sample_servers WHERE pool = $1 AND last_sample < $2", [pool, end]);
}

/** A pool's rows with these features. */
export async function countSamples(session: Session, pool: string, features: readonly string[]): Promise<number> {
  const [row] = await session.query<{ n: number }>("SELECT samples::float8 AS n FROM pools WHERE name = $1", [pool]);
  return (row?.n ?? 0) - (await countOtherSamples(session, pool, 0, features));
}

/** A pool's rows with other features, no older than `sinceMs`. */
export async function countOtherSamples(
  session: Session,
  pool: string,
  sinceMs: number,
  features: readonly string[],
): Promise<number> {
  // Usually there are none, and then no row need be looked at: only after an update that changed the features.
  const names = JSON.stringify(features);
  const others = await session.query("SELECT 1 FROM feature_lists WHERE names <> $1 LIMIT 1", [names]);
  if (others.length === 0) return 0;
  const [{ n }] = await session.query<{ n: number }>(
    `SELECT count(*)::float8 AS n FROM samples WHERE pool = (SELECT id FROM pools WHERE name = $1)
       AND feature_list IN (SELECT id FROM feature_lists WHERE names <> $2) AND at >= $3`,
    [pool, names, timeOf(sinceMs)],
  );
  return n;
}

/** See `LearningReads.samplePage`: a page begins with the id `from`. */
export async function samplePage(
  session: Session,
  query: SampleQuery,
  from: number | null,
  rows: number,
  features: readonly string[],
): Promise<SamplePage> {
  const { pool, newestFirst = false } = query;
  const names = JSON.stringify(features);
  const sinceMs = earliest(query);
  const start = from ?? (await startOf(session, query, names));
  const [reaches, order] = newestFirst ? ["<=", "DESC"] : [">=", "ASC"];
  const found = await session.query<StoredSample>(
    `SELECT ${COLUMNS} FROM samples AS s JOIN sample_servers AS n ON n.id = s.server
     WHERE s.pool = (SELECT id FROM pools WHERE name = $1)
       AND s.feature_list = (SELECT id FROM feature_lists WHERE names = $2) AND s.at >= $3
       AND s.id ${reaches} $4 ORDER BY s.id ${order} LIMIT $5`,
    [pool, names, sinceMs, start, rows],
  );
  const last = found.at(-1)?.id ?? start;
  const samples = found.map(({ id: _, at, ...rest }) => toSample({ ...rest, pool, atMs: at.getTime() }));
  return { samples, next: newestFirst ? last - 1 : last + 1 };
}

/** The id of a scan's first row. */
async function startOf(session: Session, query: SampleQuery, names: string): Promise<number> {
  if (query.newestFirst) return newestId(session);
  const [{ id }] = await session.query<{ id: number | null }>(
    `SELECT min(id)::float8 AS id FROM (
       SELECT id FROM samples WHERE pool = (SELECT id FROM pools WHERE name = $1)
         AND feature_list = (SELECT id FROM feature_lists WHERE names = $2) AND at >= $3
       ORDER BY id DESC LIMIT $4) AS newest`,
    [query.pool, names, earliest(query), query.limit],
  );
  return id ?? 0;
}

/** 0 when there is none. */
async function newestId(session: Session): Promise<number> {
  const [{ id }] = await session.query<{ id: number | null }>("SELECT max(id)::float8 AS id FROM samples");
  return id ?? 0;
}

function earliest({ sinceMs = 0 }: SampleQuery): Date {
  return timeOf(sinceMs);
}
