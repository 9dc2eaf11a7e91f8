/** Small things of one value each in PostgreSQL, by instance, pool and name. */
import type { Session } from "../wire/session.ts";

/** Keeps a note; `value` is anything that JSON can say. */
export async function setNote(
  session: Session,
  instance: string,
  { pool, name, value }: { readonly pool: string; readonly name: string; readonly value: unknown },
): Promise<void> {
  await session.query(
    `INSERT INTO notes (instance, pool, name, value) VALUES ($1, $2, $3, $4)
     ON CONFLICT (instance, pool, name) DO UPDATE SET value = excluded.value`,
    [instance, pool, name, JSON.stringify(value ?? null)],
  );
}

/** `null` when there is none. */
export async function getNote(session: Session, instance: string, pool: string, name: string): Promise<unknown> {
  const [row] = await session.query<{ value: string }>(
    "SELECT value FROM notes WHERE instance = $1 AND pool = $2 AND name = $3",
    [instance, pool, name],
  );
  return row === undefined ? null : (JSON.parse(row.value) as unknown);
}
