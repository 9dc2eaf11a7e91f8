/**
 * The tables of what is learned.
 *
 * - Samples are the bulk: what repeats in them (names of pools and servers, lists of features) stands elsewhere, once, and goes
 *   when `last_sample` does. Their ids ascend: one process appends, and the newest is never deleted. How many a pool has is
 *   counted in `pools`, because to count rows is to read them.
 * - What was there before there were pools is the pool `default`'s, which has the id 1.
 * - AUTOINCREMENT keeps versions of models from being given twice, also after the newest was deleted.
 */
import type { PartStep } from "./steps.ts";

/** Samples, models, verdicts. */
const VERSION_1: PartStep = {
  up: [
    `CREATE TABLE servers (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      last_sample INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE feature_lists (
      id INTEGER PRIMARY KEY,
      names TEXT NOT NULL UNIQUE,
      last_sample INTEGER NOT NULL
    ) STRICT`,
    `CREATE TABLE samples (
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
    ) STRICT`,
    `CREATE TABLE models (
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
    ) STRICT`,
    "CREATE UNIQUE INDEX one_champion ON models (status) WHERE status = 'champion'",
    `CREATE TABLE verdicts (
      id INTEGER PRIMARY KEY,
      at_ms INTEGER NOT NULL,
      model INTEGER,
      kind TEXT NOT NULL,
      reason TEXT NOT NULL,
      numbers TEXT NOT NULL
    ) STRICT`,
    "CREATE INDEX verdicts_by_model ON verdicts (model, id)",
  ],
  down: [
    "DROP TABLE verdicts",
    "DROP TABLE models",
    "DROP TABLE samples",
    "DROP TABLE feature_lists",
    "DROP TABLE servers",
  ],
};

/** Notes. */
const VERSION_2: PartStep = {
  up: [
    `CREATE TABLE notes (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT`,
  ],
  down: ["DROP TABLE notes"],
};

/** Pools. */
const VERSION_3: PartStep = {
  up: [
    `CREATE TABLE pools (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      samples INTEGER NOT NULL
    ) STRICT`,
    "INSERT INTO pools (id, name, samples) SELECT 1, 'default', count(*) FROM samples",
    "ALTER TABLE samples ADD COLUMN pool INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX samples_by_pool ON samples (pool)",
    `CREATE TABLE servers_of_pools (
      id INTEGER PRIMARY KEY,
      pool INTEGER NOT NULL,
      name TEXT NOT NULL,
      last_sample INTEGER NOT NULL,
      UNIQUE (pool, name)
    ) STRICT`,
    "INSERT INTO servers_of_pools (id, pool, name, last_sample) SELECT id, 1, name, last_sample FROM servers",
    "DROP TABLE servers",
    "ALTER TABLE servers_of_pools RENAME TO servers",
    "ALTER TABLE models ADD COLUMN pool TEXT NOT NULL DEFAULT 'default'",
    "DROP INDEX one_champion",
    "CREATE UNIQUE INDEX one_champion ON models (pool) WHERE status = 'champion'",
    "ALTER TABLE verdicts ADD COLUMN pool TEXT NOT NULL DEFAULT 'default'",
    "CREATE INDEX verdicts_by_pool ON verdicts (pool, id)",
    `CREATE TABLE notes_of_pools (
      pool TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (pool, name)
    ) STRICT`,
    "INSERT INTO notes_of_pools (pool, name, value) SELECT 'default', name, value FROM notes",
    "DROP TABLE notes",
    "ALTER TABLE notes_of_pools RENAME TO notes",
  ],
  down: [
    "DELETE FROM samples WHERE pool <> 1",
    "DROP INDEX samples_by_pool",
    "ALTER TABLE samples DROP COLUMN pool",
    `CREATE TABLE servers_of_one (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      last_sample INTEGER NOT NULL
    ) STRICT`,
    "INSERT INTO servers_of_one (id, name, last_sample) SELECT id, name, last_sample FROM servers WHERE pool = 1",
    "DROP TABLE servers",
    "ALTER TABLE servers_of_one RENAME TO servers",
    "DROP TABLE pools",
    "DELETE FROM models WHERE pool <> 'default'",
    "DROP INDEX one_champion",
    "ALTER TABLE models DROP COLUMN pool",
    "CREATE UNIQUE INDEX one_champion ON models (status) WHERE status = 'champion'",
    "DELETE FROM verdicts WHERE pool <> 'default'",
    "DROP INDEX verdicts_by_pool",
    "ALTER TABLE verdicts DROP COLUMN pool",
    `CREATE TABLE notes_of_one (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT`,
    "INSERT INTO notes_of_one (name, value) SELECT name, value FROM notes WHERE pool = 'default'",
    "DROP TABLE notes",
    "ALTER TABLE notes_of_one RENAME TO notes",
  ],
};

/** Names that no table of what happened has, and that say the same in every kind of backend. */
const RENAMED: readonly (readonly [table: string, from: string, to: string])[] = [
  ["samples", "at_ms", "at"],
  ["models", "created_at_ms", "created_at"],
  ["models", "status_at_ms", "status_at"],
  ["models", "promoted_at_ms", "promoted_at"],
  ["verdicts", "at_ms", "at"],
];

/** One set of names for all backends. */
const VERSION_4: PartStep = {
  up: [
    "ALTER TABLE servers RENAME TO sample_servers",
    ...RENAMED.map(([table, from, to]) => `ALTER TABLE ${table} RENAME COLUMN ${from} TO ${to}`),
  ],
  down: [
    "ALTER TABLE sample_servers RENAME TO servers",
    ...RENAMED.map(([table, from, to]) => `ALTER TABLE ${table} RENAME COLUMN ${to} TO ${from}`),
  ],
};

/** About what operators set, which is in files of its own (storage/operations/). */
const VERSION_5: PartStep = { up: [], down: [] };

/** Step i leads to version i + 1. A step that was released is never changed. */
export const LEARNING_STEPS: readonly PartStep[] = Object.freeze([
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
]);
