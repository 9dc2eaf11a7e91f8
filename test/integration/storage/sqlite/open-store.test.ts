import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import { openLearningStore, openStoreReader, openTrainingStore } from "../../../../src/storage/open-store.ts";
import { dataDirectoryProblem } from "../../../../src/storage/sqlite/data-directory.ts";
import { learningPart } from "../../../../src/storage/sqlite/learning/part.ts";
import { SqliteSchemaKeeper } from "../../../../src/storage/sqlite/schema/keeper.ts";
import { LEARNING_STEPS } from "../../../../src/storage/sqlite/schema/learning-steps.ts";
import { migrate } from "../../../../src/storage/sqlite/schema/schema.ts";
import { spawnSync } from "../../../support/processes.ts";
import {
  at,
  FEATURES,
  model,
  openStore,
  POOL,
  plain,
  read,
  Said,
  samples,
  scratch,
  verdict,
} from "../store-fixture.ts";

const NOW_MS = Date.UTC(2026, 10, 25, 2, 3, 4, 567);
let directory: ReturnType<typeof scratch>;
let file: string;
const open: LearningStore[] = [];

beforeEach(() => {
  directory = scratch();
  file = join(directory.path, "learning.db");
});

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  directory.remove();
});

async function good(options: Parameters<typeof openStore>[1] = {}): Promise<LearningStore> {
  const store = await openStore(directory.path, { nowMs: () => NOW_MS, ...options });
  open.push(store);
  return store;
}

/** Opens a store that must have a problem, and returns it with the sentence. */
async function bad(options: Parameters<typeof openStore>[1] = {}): Promise<{ store: LearningStore; problem: string }> {
  const { store, problem } = await openLearningStore(at(directory.path), {
    nowMs: () => NOW_MS,
    features: FEATURES,
    lockWaitMs: 0,
    ...options,
  });
  open.push(store);
  if (problem === null) throw new Error("there is no problem");
  return { store, problem };
}

/** Files of the data directory that this process holds open. */
function descriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(dirname(directory.path)) ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** Writes zeros over the file's pages from the second on. */
function damage(): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 4096);
  writeFileSync(file, bytes);
}

async function leaveSome(): Promise<void> {
  const store = await good();
  store.appendSamples(samples(0, 2_000));
  for (let i = 0; i < 3; i++) await store.insertModel(model());
  await store.close();
}

describe("a data directory", () => {
  test("is made for this user alone, with the store in it", async () => {
    const deeper = join(directory.path, "deeper");
    open.push(await openStore(deeper));
    file = join(deeper, "learning.db");
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
    expect(statSync(deeper).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
  });

  test("that is there keeps its mode", async () => {
    mkdirSync(directory.path);
    chmodSync(directory.path, 0o755);
    await good();
    expect(statSync(directory.path).mode & 0o777).toBe(0o755);
  });

  test("is left closed and clean", async () => {
    await leaveSome();
    expect(readdirSync(directory.path).sort()).toEqual(["learning.db", "learning.lock"]);
    expect(descriptors()).toEqual([]);
  });

  test("with a file in its way: a sentence, and a store in memory that works and says so", async () => {
    writeFileSync(directory.path, "");
    const { store, problem } = await bad();
    expect(problem).toStartWith(`${directory.path}: a file is in the way (E`);
    expect(problem).toEndWith("; what is learned is kept in memory and ends with the process");
    expect(store.status()).toMatchObject({
      durable: false,
      problem: { kind: "unavailable", message: problem, sinceMs: NOW_MS },
    });
    store.appendSamples(samples(0, 5_000));
    store.appendVerdict(verdict(1));
    expect(await store.flush()).toBe(true);
    expect((await read(store)).rows).toEqual(plain(samples(0, 5_000)));
    expect(await store.insertModel(model({ status: "champion" }))).toBe(1);
    expect((await store.champion(POOL))?.version).toBe(1);
    expect(store.status()).toMatchObject({ problem: { message: problem }, rowsWritten: 5_001 });
  });
});

describe("dataDirectoryProblem", () => {
  test("finds nothing wrong with a directory that can be made, and makes none", () => {
    expect(dataDirectoryProblem(join(directory.path, "a/b"))).toBeNull();
    expect(existsSync(directory.path)).toBe(false);
  });

  test("finds a file where a directory should be", () => {
    writeFileSync(directory.path, "");
    expect(dataDirectoryProblem(directory.path)).toBe(`${directory.path} is no directory`);
    expect(dataDirectoryProblem(join(directory.path, "a"))).toContain("a file is in the way");
  });
});

describe("two instances", () => {
  test("do not write one directory: the second is told by whom it is used, and gets it when that has ended", async () => {
    const first = await good();
    const { store, problem } = await bad();
    expect(problem).toStartWith(
      `DATA_DIR ${directory.path}: is in use by another instance (process ${process.pid}, since 2026-11-25T02:03:04.567Z): give each its own;`,
    );
    store.appendSamples(samples(0, 10));
    await store.flush();
    expect(await first.countSamples(POOL)).toBe(0);
    await first.close();
    expect(await (await good()).countSamples(POOL)).toBe(0);
  });

  test("may overlap while the first one ends", async () => {
    const first = await good();
    const second = openStore(directory.path, { lockWaitMs: 10_000 });
    first.appendSamples(samples(0, 10));
    await Bun.sleep(50);
    await first.close();
    open.push(await second);
    expect(await (await second).countSamples(POOL)).toBe(10);
  });
});

describe("a file", () => {
  test("of a newer version is refused and not touched", async () => {
    await leaveSome();
    const db = new Database(file);
    db.run("PRAGMA user_version = 9");
    db.run("UPDATE schema_info SET value = 9");
    db.close();
    const before = readFileSync(file);
    const { problem } = await bad();
    expect(problem).toStartWith(
      `${file}: was written by a newer version of NeuraBalancer (schema 9, this one knows ${LEARNING_STEPS.length}): run that version, let it go back ("neurabalancer migrate --to ${LEARNING_STEPS.length}"), or choose another DATA_DIR;`,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
    await expect(openStoreReader(at(directory.path)).champion(POOL)).rejects.toThrow("newer version");
    await expect(openTrainingStore(at(directory.path)).insertModel(model())).rejects.toThrow("newer version");
  });

  test("of an older version is brought up to date by its owner, and by nobody else", async () => {
    await leaveSome();
    await new SqliteSchemaKeeper(directory.path, () => NOW_MS).migrate(3, () => {});
    await expect(openStoreReader(at(directory.path)).champion(POOL)).rejects.toMatchObject({ kind: "older_schema" });
    const newer = await good();
    expect(await newer.countSamples(POOL)).toBe(2_000);
    await newer.close();
    const db = new Database(file, { readonly: true });
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: LEARNING_STEPS.length });
    db.close();
  });

  test("of an older version is refused to readers with a sentence", async () => {
    await leaveSome();
    const db = new Database(file);
    db.run("PRAGMA user_version = 0");
    db.close();
    await expect(openStoreReader(at(directory.path)).champion(POOL)).rejects.toThrow("is empty");
  });

  test("whose migration fails stays as it was", async () => {
    await leaveSome();
    const broken = { up: ["CREATE TABLE added (id)", "INSERT INTO nowhere VALUES (1)"], down: [] };
    const { schema } = learningPart(FEATURES);
    const db = new Database(file);
    await expect(migrate(db, { ...schema, steps: [...schema.steps, broken] })).rejects.toThrow("nowhere");
    expect(db.query("SELECT name FROM sqlite_schema WHERE name = 'added'").all()).toEqual([]);
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: LEARNING_STEPS.length });
    db.close();
  });

  test("of another program is refused and not touched", async () => {
    mkdirSync(directory.path);
    const db = new Database(file);
    db.run("CREATE TABLE theirs (id)");
    db.close();
    const before = readFileSync(file);
    const { store, problem } = await bad();
    expect(problem).toStartWith(`${file}: is a database of another program: choose another DATA_DIR;`);
    expect(store.status().problem?.kind).toBe("foreign_file");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test.each([
    ["is no database", () => writeFileSync(file, "not a database, certainly not. ".repeat(1_000))],
    ["has damaged pages", damage],
    ["was cut off", () => truncateSync(file, 10_000)],
  ])("that %s is moved aside and told, and a new one is begun", async (_, harm) => {
    await leaveSome();
    harm();
    const harmed = readFileSync(file);
    const said = new Said();
    const store = await good({ events: said });
    const aside = `${file}.corrupt-20261125T020304.567Z`;
    expect(said.lines).toEqual([`moved ${aside}`]);
    expect(readFileSync(aside).equals(harmed)).toBe(true);
    expect(await store.countSamples(POOL)).toBe(0);
    store.appendSamples(samples(0, 10));
    expect(await store.flush()).toBe(true);
    expect(store.status().problem).toBeNull();
  });

  test("that is damaged still tells which versions were given, where that can be read", async () => {
    await leaveSome();
    // A page of samples, so that the schema and the small tables are whole.
    const bytes = readFileSync(file);
    const at = bytes.indexOf(Buffer.from(Float32Array.of(1_234, -617).buffer));
    expect(at).toBeGreaterThan(0);
    bytes.fill(0, at & ~4095, (at & ~4095) + 4096);
    writeFileSync(file, bytes);
    const store = await good();
    expect(await store.models({ limit: 10 })).toEqual([]);
    expect(await store.insertModel(model())).toBe(4);
  });

  test("that is damaged again and again leaves two behind", async () => {
    for (let i = 0; i < 4; i++) {
      await (await good({ nowMs: () => NOW_MS + i })).close();
      writeFileSync(file, "damaged".repeat(1_000));
    }
    await good({ nowMs: () => NOW_MS + 4 });
    const aside = readdirSync(directory.path).filter((name) => name.includes("corrupt"));
    expect(aside.sort()).toEqual([
      "learning.db.corrupt-20261125T020304.570Z",
      "learning.db.corrupt-20261125T020304.571Z",
    ]);
  });

  test("found damaged while it is used is moved aside as well; what waits is written to the new one", async () => {
    const said = new Said();
    const store = await good({ events: said });
    await store.insertModel(model());
    for (let n = 0; n < 60_000; n += 10_000) {
      store.appendSamples(samples(n, n + 10_000)); // more than SQLite keeps in memory
      await store.flush();
    }
    const reader = openStoreReader(at(directory.path), { features: FEATURES });
    expect(await reader.countSamples(POOL)).toBe(60_000);
    // By another process: closing the file in this one would drop the locks.
    const script = `const { openSync, writeSync, fstatSync } = require("node:fs");
      const fd = openSync(process.argv[1], "r+");
      writeSync(fd, Buffer.alloc(fstatSync(fd).size - 65536, 0xa5), 0, undefined, 65536);`;
    expect(spawnSync([process.execPath, "-e", script, file]).exitCode).toBe(0);
    store.appendSamples(samples(0, 100));
    await expect(read(store)).rejects.toThrow("it is damaged");
    expect(said.lines).toEqual(["degraded corrupt", expect.stringMatching(/^moved .*learning\.db\.corrupt-/)]);
    expect(store.status().problem?.kind).toBe("corrupt");
    expect(await store.flush()).toBe(true);
    expect(said.lines.slice(2)).toEqual(["recovered corrupt"]);
    expect(await store.countSamples(POOL)).toBe(100);
    expect(store.status()).toMatchObject({ problem: null, rowsDropped: 0 });
    expect(await reader.countSamples(POOL)).toBe(100);
    expect(await store.insertModel(model())).toBe(2);
    await reader.close();
  });

  test("never gives a model a version that it gave before, not even after the newest is gone", async () => {
    const store = await good();
    await store.insertModel(model());
    await store.close();
    const db = new Database(file);
    db.run("DELETE FROM models");
    db.close();
    expect(await (await good()).insertModel(model())).toBe(2);
  });

  test("that was removed while it is used is made again, with its directory and its lock", async () => {
    const store = await good();
    store.appendSamples(samples(0, 10));
    await store.flush();
    rmSync(directory.path, { recursive: true });
    store.appendSamples(samples(10, 30));
    expect(await store.flush()).toBe(true);
    expect(await store.countSamples(POOL)).toBe(20);
    expect((await bad()).problem).toContain("in use by another instance");
  });
});

describe("visitors", () => {
  test("of a directory without a store are told so, and find it when it is there", async () => {
    const reader = openStoreReader(at(directory.path), { features: FEATURES });
    await expect(reader.models({ limit: 1 })).rejects.toThrow(`${file}: there is no store yet`);
    await expect(openTrainingStore(at(directory.path)).insertModel(model())).rejects.toThrow("there is no store yet");
    const store = await good();
    await store.insertModel(model());
    expect((await reader.models({ limit: 10 })).length).toBe(1);
    await reader.close();
  });

  test("that read cannot write", async () => {
    await leaveSome();
    const reader = openStoreReader(at(directory.path)) as ReturnType<typeof openTrainingStore>;
    await expect(reader.insertModel(model())).rejects.toThrow("cannot be written");
  });
});
