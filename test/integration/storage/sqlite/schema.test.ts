/** Versions of the files: from every older one up, back down, killed in between, and what newer and older releases do. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { openStoreReader } from "../../../../src/storage/open-store.ts";
import { SCHEMA_VERSION } from "../../../../src/storage/schema-keeper.ts";
import { MIN_COMPATIBLE, SCHEMA_STEPS } from "../../../../src/storage/schema-steps.ts";
import { HISTORY_PART } from "../../../../src/storage/sqlite/history/part.ts";
import { learningPart } from "../../../../src/storage/sqlite/learning/part.ts";
import { SqliteSchemaKeeper } from "../../../../src/storage/sqlite/schema/keeper.ts";
import { migrate } from "../../../../src/storage/sqlite/schema/schema.ts";
import { spawn } from "../../../support/processes.ts";
import { until } from "../../../support/until.ts";
import { at, FEATURES, openStore, POOL, plain, read, sample, samples, scratch, verdict } from "../store-fixture.ts";

const SCHEMA = learningPart(FEATURES).schema;
let directory: ReturnType<typeof scratch>;
let file: string;
let keeper: SqliteSchemaKeeper;

beforeEach(() => {
  directory = scratch();
  mkdirSync(directory.path, { mode: 0o700 });
  file = `${directory.path}/learning.db`;
  keeper = new SqliteSchemaKeeper(directory.path, () => 0);
});

afterEach(() => directory.remove());

/** A file as a release with that version of the tables left it, with seven samples, a champion and a verdict. */
function leave(version: number, rows = 7): void {
  const db = new Database(file, { create: true });
  db.run("PRAGMA auto_vacuum = INCREMENTAL");
  db.run("PRAGMA journal_mode = WAL");
  db.run("BEGIN");
  for (const statement of SCHEMA.steps.slice(0, version).flatMap(({ up }) => up)) db.run(statement);
  db.run(`PRAGMA application_id = ${SCHEMA.applicationId}`);
  db.run(`PRAGMA user_version = ${version}`);
  const hasPools = version >= 3;
  db.run("INSERT INTO feature_lists (id, names, last_sample) VALUES (1, ?, ?)", [JSON.stringify(FEATURES), rows]);
  if (hasPools) db.run("UPDATE pools SET samples = ?", [rows]);
  const [pool, one] = hasPools ? [", pool", ", 1"] : ["", ""];
  const insert = db.query(
    `INSERT INTO samples (at_ms, server, feature_list, arm, model, failed, propensity, latency_ms, mean_ms, features)
     VALUES (?, (SELECT id FROM servers WHERE name = ?), 1, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (let n = 0; n < rows; n++) {
    const { serverId, atMs, arm, modelVersion, failed, propensity, latencyMs, meanMs, features } = sample(n);
    if (n < 3) db.run(`INSERT INTO servers (name, last_sample${pool}) VALUES (?, ?${one})`, [serverId, rows]);
    const bytes = new Uint8Array(features.buffer);
    insert.run(atMs, serverId, arm, modelVersion, failed ? 1 : 0, propensity, latencyMs, meanMs, bytes);
  }
  db.run(
    `INSERT INTO models (created_at_ms, origin, parent, status, status_at_ms, promoted_at_ms, promotion, report, scaler,
       features, onnx) VALUES (5000, 'trained', NULL, 'champion', 6000, 6000, 1, 'null', '{}', '[]', x'00')`,
  );
  const { atMs, modelVersion, kind, reason, numbers } = verdict(1);
  const values = [atMs, modelVersion, kind, reason, JSON.stringify(numbers)];
  db.run("INSERT INTO verdicts (at_ms, model, kind, reason, numbers) VALUES (?, ?, ?, ?, ?)", values);
  if (version >= 2) db.run(`INSERT INTO notes (name, value${pool}) VALUES ('a', '1'${hasPools ? ", 'default'" : ""})`);
  db.run("COMMIT");
  db.close();
}

function versionOf(path = file): number {
  const db = new Database(path, { readonly: true });
  const { user_version: version } = db.query<{ user_version: number }, []>("PRAGMA user_version").get()!;
  db.close();
  return version;
}

/** What the tables are, without what only their making says. */
function tablesOf(path = file): unknown {
  const db = new Database(path, { readonly: true });
  const names = db
    .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all();
  const columns = names.map(({ name }) => [
    name,
    db
      .query<{ name: string; type: string; pk: number }, []>(`PRAGMA table_info(${name})`)
      .all()
      .map((column) => `${column.name} ${column.type} ${column.pk}`)
      .sort(),
  ]);
  const indices = db.query("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name").all();
  db.close();
  return { columns, indices };
}

describe.each([1, 2, 3])("a file of version %i", (version) => {
  test("loses nothing on the way to this release, and back", async () => {
    leave(version);
    const before = tablesOf();
    const check = async () => {
      const store = await openStore(directory.path);
      expect((await read(store)).rows).toEqual(plain(samples(0, 7)));
      expect(await store.countSamples(POOL)).toBe(7);
      expect(await store.champion(POOL)).toMatchObject({ version: 1, createdAtMs: 5_000, promotedAtMs: 6_000 });
      expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
      expect(await store.note(POOL, "a")).toBe(version >= 2 ? 1 : null);
      await store.close();
    };
    await check();
    expect(versionOf()).toBe(SCHEMA_VERSION);
    await keeper.migrate(version, () => {});
    expect(versionOf()).toBe(version);
    expect(tablesOf()).toEqual(before);
    await check();
  });
});

test("the way down takes what the older version has no room for, and nothing else", async () => {
  const store = await openStore(directory.path);
  store.appendSamples([...samples(0, 5), ...samples(0, 3, { pool: "shop" })]);
  store.appendVerdict(verdict(1));
  store.appendVerdict(verdict(2, { pool: "shop" }));
  await store.setNote("shop", "a", 1);
  await store.setNote(POOL, "b", 2);
  await store.close();
  const steps: string[] = [];
  await keeper.migrate(2, (name, from, to) => steps.push(`${name === file} ${from} ${to}`));
  expect(steps).toEqual(["true 5 4", "true 4 3", "true 3 2"]);
  const again = await openStore(directory.path);
  expect((await read(again)).rows).toEqual(plain(samples(0, 5)));
  expect((await read(again, { pool: "shop" })).rows).toEqual([]);
  expect(await again.verdicts({ limit: 10 })).toEqual([verdict(1)]);
  expect([await again.note("shop", "a"), await again.note(POOL, "b")]).toEqual([null, 2]);
  again.appendSamples(samples(5, 8));
  await again.flush();
  expect(await again.countSamples(POOL)).toBe(8);
  await again.close();
});

test("every step has its way back in both files, a title, and a version that can work with it", () => {
  for (const { steps } of [SCHEMA, HISTORY_PART.schema]) expect(steps.length).toBe(SCHEMA_VERSION);
  expect(SCHEMA_STEPS.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
  expect(SCHEMA_STEPS.length).toBe(SCHEMA_VERSION);
  expect(MIN_COMPATIBLE.length).toBe(SCHEMA_VERSION);
  MIN_COMPATIBLE.forEach((oldest, i) => void expect(oldest).toBeLessThanOrEqual(i + 1));
});

describe("a step", () => {
  test("that is killed in the middle leaves the version before", async () => {
    leave(3, 2_000);
    const script = `
      import { Database } from "bun:sqlite";
      import { migrate } from ${JSON.stringify(require.resolve("../../../../src/storage/sqlite/schema/schema.ts"))};
      import { learningPart } from ${JSON.stringify(require.resolve("../../../../src/storage/sqlite/learning/part.ts"))};
      const { schema } = learningPart([]);
      const db = new Database(${JSON.stringify(file)});
      const slow = { up: [...schema.steps[3].up, "UPDATE samples SET arm = 99", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"], down: [] };
      console.log("begun");
      await migrate(db, { ...schema, steps: [...schema.steps.slice(0, 3), slow] });`;
    const child = spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
    let isChanging = false;
    try {
      // It writes its log when it has changed more than it keeps in memory, or holds the lock: then it is in the middle.
      await until(() => {
        const db = new Database(file);
        try {
          db.run("PRAGMA busy_timeout = 0");
          db.run("BEGIN IMMEDIATE");
          db.run("ROLLBACK");
        } catch {
          isChanging = true;
        } finally {
          db.close();
        }
        return isChanging;
      });
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(versionOf()).toBe(3);
    const store = await openStore(directory.path);
    expect((await read(store, { limit: 7 })).rows).toEqual(plain(samples(1_993, 2_000)));
    await store.close();
    expect(versionOf()).toBe(SCHEMA_VERSION);
  });

  test("gives others on its thread their turn between two statements", async () => {
    leave(1);
    const db = new Database(file);
    let turns = 0;
    let isOver = false;
    const other = (): void => {
      turns++;
      if (!isOver) setImmediate(other);
    };
    other();
    await migrate(db, SCHEMA);
    isOver = true;
    db.close();
    expect(turns).toBeGreaterThan(SCHEMA.steps[2].up.length);
  });
});

describe("a newer release", () => {
  const step = { up: ["CREATE TABLE added (id INTEGER PRIMARY KEY)"], down: ["DROP TABLE added"] };
  /** Brings the file to a version of tomorrow that can be worked with from `oldest` on. */
  const bringUp = async (oldest: number) => {
    await (await openStore(directory.path)).close();
    const db = new Database(file);
    for (const statement of step.up) db.run(statement);
    db.run(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    db.run("UPDATE schema_info SET value = ? WHERE name = 'min_compatible'", [oldest]);
    db.close();
  };

  test("that says that this one can work with its tables is believed, and its tables stay", async () => {
    await bringUp(SCHEMA_VERSION);
    const store = await openStore(directory.path);
    store.appendSamples(samples(0, 5));
    await store.flush();
    await store.close();
    expect(versionOf()).toBe(SCHEMA_VERSION + 1);
    expect((await read(openStoreReader(at(directory.path), { features: FEATURES }))).rows.length).toBe(5);
    expect(await keeper.state()).toMatchObject([{ version: 6, minCompatible: 5, problem: null }, { version: 0 }]);
  });

  test("that says nothing of the kind is not touched", async () => {
    await bringUp(SCHEMA_VERSION + 1);
    await expect(openStore(directory.path)).rejects.toThrow("was written by a newer version");
    await expect(keeper.migrate(SCHEMA_VERSION, () => {})).rejects.toMatchObject({ kind: "newer_schema" });
    expect(await keeper.state()).toMatchObject([{ problem: expect.stringContaining("newer version") }, {}]);
  });

  test("knows the way back, and this one does not", async () => {
    await bringUp(SCHEMA_VERSION);
    await expect(keeper.migrate(3, () => {})).rejects.toThrow(
      "has schema 6, and this release knows the way up to 5: the release that wrote it can go back",
    );
    expect(versionOf()).toBe(SCHEMA_VERSION + 1);
  });
});

describe("the keeper", () => {
  test("says of nothing that there is nothing, and makes nothing", async () => {
    await keeper.migrate(SCHEMA_VERSION, () => {});
    const states = await keeper.state();
    expect(states.map(({ parts, version, problem }) => [parts, version, problem])).toEqual([
      [["learning"], 0, null],
      [["history"], 0, null],
    ]);
  });

  test("keeps off what an instance owns, and leaves all of it as it is", async () => {
    const store = await openStore(directory.path);
    await expect(keeper.migrate(2, () => {})).rejects.toThrow(
      /is in use by another instance \(process \d+.*: stop it first/,
    );
    await store.close();
    expect(versionOf()).toBe(SCHEMA_VERSION);
    await keeper.migrate(2, () => {});
    expect(versionOf()).toBe(2);
  });
});
