/** Verdicts in PostgreSQL, each instance's own. */
import type { StoreLimits, Verdict, VerdictQuery } from "../../learning-store.ts";
import { type PoolCount, surplusByPool } from "../../pool-parts.ts";
import { toVerdict, type VerdictRow } from "../../rows/verdict-row.ts";
import { CopyData } from "../wire/copy.ts";
import type { Session } from "../wire/session.ts";

interface StoredVerdict extends Omit<VerdictRow, "atMs"> {
  readonly at: Date;
}

/** Inserts rows, at least one. */
export async function insertVerdicts(session: Session, rows: readonly VerdictRow[], instance: string): Promise<void> {
  const data = new CopyData();
  for (const { pool, atMs, modelVersion, kind, reason, numbers } of rows) {
    data.row(7).time(atMs).text(instance).text(pool);
    (modelVersion === null ? data.null() : data.int8(modelVersion)).text(kind).text(reason).jsonb(numbers);
  }
  await session.copy(
    "COPY verdicts (at, instance, pool, model, kind, reason, numbers) FROM STDIN (FORMAT binary)",
    data.end(),
  );
}

/** The newest first. */
export async function listVerdicts(session: Session, query: VerdictQuery, instance: string): Promise<Verdict[]> {
  const { limit, pool = null, modelVersion = null } = query;
  const rows = await session.query<StoredVerdict>(
    `SELECT pool, at, model::float8 AS "modelVersion", kind, reason, numbers::text AS numbers FROM verdicts
     WHERE instance = $1 AND ($2::text IS NULL OR pool = $2) AND ($3::bigint IS NULL OR model = $3)
     ORDER BY id DESC LIMIT $4`,
    [instance, pool, modelVersion, limit],
  );
  return rows.map(({ at, ...rest }) => toVerdict({ ...rest, atMs: at.getTime() }));
}

/** Deletes what is too much of an instance's. */
export async function trimVerdicts(session: Session, { maxVerdicts }: StoreLimits, instance: string): Promise<void> {
  const counts = await session.query<PoolCount<string>>(
    "SELECT pool, count(*)::float8 AS count FROM verdicts WHERE instance = $1 GROUP BY pool",
    [instance],
  );
  for (const { pool, count } of surplusByPool(counts, maxVerdicts)) {
    await session.query(
      `DELETE FROM verdicts WHERE id IN
         (SELECT id FROM verdicts WHERE instance = $1 AND pool = $2 ORDER BY id LIMIT $3)`,
      [instance, pool, count],
    );
  }
}
