/**
 * The tables of the learning store, and the way from each version of them to the next. `user_version` in the file says
 * which it has, `application_id` that it is one of ours.
 */
import type { Database } from "bun:sqlite";
import { StoreError } from "../../store-error.ts";

/** "NbLs". */
const APPLICATION_ID = 0x4e624c73;

/**
 * Step i brings a file from version i to i + 1. A step that was released is never changed.
 *
 * - Samples are the bulk: what repeats in them (names of pools and servers, lists of features) stands elsewhere, once, and goes
 *   when `last_sample` does. Their ids ascend: one process appends, and the newest is never deleted. How many a pool has is
 *   counted in `pools`, because to count rows is to read them.
 * - What was there before there were pools is the pool `default`'s, which has the id 1.
 * - AUTOINCREMENT keeps versions of models from being given twice, also after the newest was deleted.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE servers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    last_sample INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE feature_lists (
    id INTEGER PRIMARY KEY,
    names TEXT NOT NULL UNIQUE,
    last_sample INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE samples (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    server INTEGER NOT NULL,
    feature_list INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    model INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    propensity REAL NOT NULL,
    latency_ms REAL NOT NULL,
    mean_ms REAL NOT NULL,
    features BLOB NOT NULL
  ) STRICT;
  CREATE TABLE models (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at_ms INTEGER NOT NULL,
    origin TEXT NOT NULL,
    parent INTEGER,
    status TEXT NOT NULL,
    status_at_ms INTEGER NOT NULL,
    promoted_at_ms INTEGER,
    promotion INTEGER,
    report TEXT NOT NULL,
    scaler TEXT NOT NULL,
    features TEXT NOT NULL,
    onnx BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX one_champion ON models (status) WHERE status = 'champion';
  CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    model INTEGER,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    numbers TEXT NOT NULL
  ) STRICT;
  CREATE INDEX verdicts_by_model ON verdicts (model, id);
  `,
  `
  CREATE TABLE notes (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE pools (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    samples INTEGER NOT NULL
  ) STRICT;
  INSERT INTO pools (id, name, samples) SELECT 1, 'default', count(*) FROM samples;
  ALTER TABLE samples ADD COLUMN pool INTEGER NOT NULL DEFAULT 1;
  CREATE INDEX samples_by_pool ON samples (pool);

  CREATE TABLE servers_of_pools (
    id INTEGER PRIMARY KEY,
    pool INTEGER NOT NULL,
    name TEXT NOT NULL,
    last_sample INTEGER NOT NULL,
    UNIQUE (pool, name)
  ) STRICT;
  INSERT INTO servers_of_pools (id, pool, name, last_sample) SELECT id, 1, name, last_sample FROM servers;
  DROP TABLE servers;
  ALTER TABLE servers_of_pools RENAME TO servers;

  ALTER TABLE models ADD COLUMN pool TEXT NOT NULL DEFAULT 'default';
  DROP INDEX one_champion;
  CREATE UNIQUE INDEX one_champion ON models (pool) WHERE status = 'champion';

  ALTER TABLE verdicts ADD COLUMN pool TEXT NOT NULL DEFAULT 'default';
  CREATE INDEX verdicts_by_pool ON verdicts (pool, id);

  CREATE TABLE notes_of_pools (
    pool TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (pool, name)
  ) STRICT;
  INSERT INTO notes_of_pools (pool, name, value) SELECT 'default', name, value FROM notes;
  DROP TABLE notes;
  ALTER TABLE notes_of_pools RENAME TO notes;
  `,
];

/** Throws a `StoreError` unless the file is empty or a store of a version that `migrations` knows. */
export function checkIdentity(db: Database, path: string, migrations = MIGRATIONS): void {
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") !== APPLICATION_ID) {
    if (version === 0 && isEmpty(db)) return;
    throw new StoreError("foreign_file", `${path}: is a database of another program: choose another DATA_DIR`);
  }
  if (version > migrations.length) {
    throw new StoreError(
      "newer_schema",
      `${path}: was written by a newer version of NeuraBalancer (schema ${version}, this one knows ${migrations.length}): run that version, or choose another DATA_DIR`,
    );
  }
}

/** Throws a `StoreError` when the file is not exactly of the newest version: for those who may not change it. */
export function requireCurrent(db: Database, path: string, migrations = MIGRATIONS): void {
  checkIdentity(db, path, migrations);
  const version = pragma(db, "user_version");
  if (version === migrations.length) return;
  if (version === 0) throw new StoreError("missing", `${path}: is empty: nothing was learned yet`);
  throw new StoreError(
    "older_schema",
    `${path}: was written by an older version of NeuraBalancer (schema ${version}, this one has ${migrations.length}): an instance of this version brings it up to date when it starts`,
  );
}

/** Brings the file to the newest version, each step in a transaction. Only for the holder of the instance's lock. */
export function migrate(db: Database, migrations = MIGRATIONS): void {
  for (let version = pragma(db, "user_version"); version < migrations.length; version++) {
    db.transaction(() => {
      db.run(migrations[version]);
      db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.run(`PRAGMA user_version = ${version + 1}`);
    }).immediate();
  }
}

/** The value of a pragma that is a number. */
export function pragma(db: Database, name: string): number {
  return db.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function isEmpty(db: Database): boolean {
  return db.query("SELECT 1 FROM sqlite_schema LIMIT 1").get() === null;
}
