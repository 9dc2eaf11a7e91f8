/**
 * The version of a file's tables, and the way to another. `user_version` in the file says which it has, `application_id` that
 * it is one of ours and of which part; `schema_info` says since version 4 from which on versions of the product can work
 * with it.
 */
import type { Database } from "bun:sqlite";
import { MIN_COMPATIBLE } from "../../schema-steps.ts";
import { StoreError } from "../../store-error.ts";
import type { PartSchema } from "./steps.ts";

/** The first version with `schema_info`. */
const FIRST_WITH_INFO = 4;

/** Throws a `StoreError` unless the file is empty or of a version that can be worked with. */
export function checkIdentity(db: Database, path: string, schema: PartSchema): void {
  const newest = schema.steps.length;
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") !== schema.applicationId) {
    if (version === 0 && isEmpty(db)) return;
    throw new StoreError("foreign_file", `${path}: is a database of another program: choose another DATA_DIR`);
  }
  if (version > newest && minCompatible(db) > newest) {
    throw new StoreError(
      "newer_schema",
      `${path}: was written by a newer version of NeuraBalancer (schema ${version}, this one knows ${newest}): run that version, let it go back ("neurabalancer migrate --to ${newest}"), or choose another DATA_DIR`,
    );
  }
}

/** Throws a `StoreError` when the file is not up to date: for those who may not change it. */
export function requireCurrent(db: Database, path: string, schema: PartSchema, nothingYet: string): void {
  checkIdentity(db, path, schema);
  const newest = schema.steps.length;
  const version = pragma(db, "user_version");
  if (version >= newest) return;
  if (version === 0) throw new StoreError("missing", `${path}: is empty: ${nothingYet}`);
  throw new StoreError(
    "older_schema",
    `${path}: was written by an older version of NeuraBalancer (schema ${version}, this one has ${newest}): an instance of this version brings it up to date when it starts`,
  );
}

/** The oldest version of the product's tables that can work with the file. */
export function minCompatible(db: Database): number {
  const version = pragma(db, "user_version");
  if (version < FIRST_WITH_INFO) return version;
  const query = "SELECT value FROM schema_info WHERE name = 'min_compatible'";
  return db.query<{ value: number }, []>(query).get()?.value ?? version;
}

/**
 * Brings the file to `target`, each step in a transaction: what ends in the middle of one leaves the version before. Others on
 * this thread have their turn between two statements. Only for the holder of the instance's lock.
 */
export async function migrate(
  db: Database,
  schema: PartSchema,
  target = schema.steps.length,
  told: (from: number, to: number) => void = () => {},
): Promise<void> {
  for (let version = pragma(db, "user_version"); version !== target; version = pragma(db, "user_version")) {
    if (version > schema.steps.length) return; // by a newer version that is compatible, and may stay
    const next = version < target ? version + 1 : version - 1;
    const step = schema.steps[Math.max(version, next) - 1];
    await turn();
    db.run("BEGIN IMMEDIATE");
    try {
      for (const statement of next > version ? step.up : step.down) {
        db.run(statement);
        await turn();
      }
      noteVersion(db, schema, next);
      db.run("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.run("ROLLBACK");
      throw error;
    }
    told(version, next);
  }
}

function noteVersion(db: Database, { applicationId }: PartSchema, version: number): void {
  db.run(`PRAGMA application_id = ${applicationId}`);
  db.run(`PRAGMA user_version = ${version}`);
  if (version < FIRST_WITH_INFO) {
    db.run("DROP TABLE IF EXISTS schema_info");
    return;
  }
  db.run("CREATE TABLE IF NOT EXISTS schema_info (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT");
  db.query<unknown, [number]>(
    `INSERT INTO schema_info (name, value) VALUES ('min_compatible', ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  ).run(MIN_COMPATIBLE[version - 1]);
}

/** The value of a pragma that is a number. */
export function pragma(db: Database, name: string): number {
  return db.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function isEmpty(db: Database): boolean {
  return db.query("SELECT 1 FROM sqlite_schema LIMIT 1").get() === null;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
