/**
 * Advisory locks, by name within a schema: the server drops them with the session (or the transaction) that has them, however
 * that ends.
 */
import type { Session } from "../wire/session.ts";

/** What a lock is about. */
export type LockName =
  /** Steps of the schema. For a transaction. */
  | "schema"
  /** Held by everybody who writes, in company; alone by who changes the schema on demand. For a session. */
  | "in use"
  /** What is written to the tables of samples. For a transaction. */
  | "samples"
  /** What is configured of servers. For a transaction. */
  | "servers"
  /** Partitions. For a transaction. */
  | "partitions"
  /** Retention. For a transaction. */
  | "retention"
  /** A part under an instance's name. For a session. */
  | `owner ${string}`;

const KEY = "hashtextextended('neurabalancer ' || current_schema() || ' ' || $1, 0)";

/** Waits for the lock, until the transaction ends. */
export async function lockInTransaction(session: Session, name: LockName): Promise<void> {
  await session.query(`SELECT pg_advisory_xact_lock(${KEY})`, [name]);
}

/** Takes the lock if nobody has it, until the transaction ends. */
export async function tryLockInTransaction(session: Session, name: LockName): Promise<boolean> {
  return isTaken(await session.query(`SELECT pg_try_advisory_xact_lock(${KEY}) AS taken`, [name]));
}

/** Takes the lock if nobody else has it, until the session ends. */
export async function tryLock(
  session: Session,
  name: LockName,
  company: "alone" | "shared" = "alone",
): Promise<boolean> {
  const lock = company === "alone" ? "pg_try_advisory_lock" : "pg_try_advisory_lock_shared";
  return isTaken(await session.query(`SELECT ${lock}(${KEY}) AS taken`, [name]));
}

/** Other instances that own servers, and of which no process writes the part any more. Within a transaction. */
export async function ownersThatAreGone(session: Session, part: string, instance: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `SELECT name FROM (SELECT DISTINCT unnest(instances) AS name FROM servers) AS others
     WHERE name <> $2 AND pg_try_advisory_xact_lock(${KEY.replace("$1", "$1 || name")})`,
    [`owner ${part} `, instance],
  );
  return rows.map(({ name }) => name);
}

function isTaken(rows: readonly unknown[]): boolean {
  return (rows[0] as { readonly taken: boolean }).taken;
}
