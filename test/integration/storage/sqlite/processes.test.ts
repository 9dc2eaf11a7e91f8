/** The learning store between processes: several at once, killed, without room, without permission. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { openStoreReader } from "../../../../src/storage/open-store.ts";
import { spawn, spawnSync } from "../../../support/processes.ts";
import { until } from "../../../support/until.ts";
import { at, FEATURES, openStore, POOL, plain, read, samples, scratch } from "../store-fixture.ts";

const SCRIPT = join(import.meta.dir, "store-process.ts");
const running = new Set<StoreProcess>();

/** See store-process.ts. */
class StoreProcess {
  readonly process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  /** @param prelude a command line that runs the one that follows it. */
  constructor(role: "owner" | "trainer" | "reader", dataDir: string, prelude: readonly string[] = []) {
    this.process = spawn([...prelude, process.execPath, SCRIPT, role, dataDir], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { PATH: process.env.PATH },
      timeout: 60_000,
      killSignal: "SIGKILL",
    });
    this.#interface = createInterface({ input: Readable.fromWeb(this.process.stdout as never) });
    this.#lines = this.#interface[Symbol.asyncIterator]();
    running.add(this);
  }

  static async owner(dataDir: string, prelude: readonly string[] = []) {
    const started = new StoreProcess("owner", dataDir, prelude);
    const { problem } = await started.answer();
    return Object.assign(started, { problem: problem as string | null });
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is answered depends on what was asked.
  async answer(): Promise<any> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended with ${await this.process.exited}`);
    return JSON.parse(value);
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is answered depends on what was asked.
  async ask(command: string): Promise<any> {
    this.process.stdin.write(`${command}\n`);
    await this.process.stdin.flush();
    return this.answer();
  }

  /** Ends it at once, as a crash would. */
  async end(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    this.#interface.close();
    running.delete(this);
  }
}

let directory: ReturnType<typeof scratch>;

beforeEach(() => {
  directory = scratch();
});

afterEach(async () => {
  await Promise.all([...running].map((each) => each.end()));
  directory.remove();
});

afterAll(() => expect(running.size).toBe(0));

describe("processes side by side", () => {
  test("owner, trainers and reader work at the same time; nothing is lost and no version given twice", async () => {
    const owner = await StoreProcess.owner(directory.path);
    expect(owner.problem).toBeNull();
    const trainers = [1, 2].map(() => new StoreProcess("trainer", directory.path));
    const reader = new StoreProcess("reader", directory.path);
    const versions: number[] = [];
    const counts: number[] = [];
    const write = async () => {
      for (let n = 0; n < 30_000; n += 1_000) {
        await owner.ask(`append ${n} ${n + 1_000}`);
        await until(async () => (await owner.ask("flush")).flushed);
      }
    };
    const train = async (trainer: StoreProcess) => {
      for (let i = 0; i < 15; i++) {
        expect((await trainer.ask("read")).error).toBeUndefined();
        versions.push((await trainer.ask("insert")).version);
      }
    };
    const look = async () => {
      for (let i = 0; i < 30; i++) counts.push((await reader.ask("count")).count);
    };
    await Promise.all([write(), ...trainers.map(train), look()]);
    const status = await owner.ask("status");
    expect(status).toMatchObject({ rowsWritten: 30_000, bufferedRows: 0, rowsDropped: 0, problem: null });
    // A trainer that stood still while it wrote has held the owner up, no more.
    expect(status.said.filter((line: string) => !line.endsWith(" locked"))).toEqual([]);
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await reader.ask("versions")).versions.length).toBe(30);
    expect((await reader.ask("count")).count).toBe(30_000);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  test("a second instance is refused by a sentence, and has the directory when the first one is killed", async () => {
    const first = await StoreProcess.owner(directory.path);
    const second = await StoreProcess.owner(directory.path);
    expect(first.problem).toBeNull();
    expect(second.problem).toContain(`is in use by another instance (process ${first.process.pid}, since `);
    await second.ask("append 0 100");
    await second.ask("flush");
    expect(await first.ask("count")).toEqual({ count: 0 });
    await first.end();
    const third = await StoreProcess.owner(directory.path);
    expect(third.problem).toBeNull();
    expect(await third.ask("count")).toEqual({ count: 0 });
  });

  test("a process that was forked from the owner does not keep its lock", async () => {
    const store = await openStore(directory.path);
    const child = spawn(["sleep", "20"]);
    try {
      await store.close();
      const next = await StoreProcess.owner(directory.path);
      expect(next.problem).toBeNull();
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("kill -9", () => {
  test("while batches are written: what was flushed is there, no batch is there in part, the file is whole", async () => {
    for (let round = 0; round < 5; round++) {
      const owner = await StoreProcess.owner(directory.path);
      expect(owner.problem).toBeNull();
      const before = (await owner.ask("count")).count as number;
      expect(before % 1_000).toBe(0);
      await owner.ask("append 0 1000");
      expect(await owner.ask("flush")).toEqual({ flushed: true });
      owner.process.stdin.write("append 1000 9000\nflush\n".repeat(5));
      await owner.process.stdin.flush();
      await until(async () => {
        const reader = openStoreReader(at(directory.path), { features: FEATURES });
        const count = await reader.countSamples(POOL);
        await reader.close();
        return count >= before + 1_000 + round * 1_500;
      });
      await owner.end();
      const after = openStoreReader(at(directory.path), { features: FEATURES });
      expect(await after.countSamples(POOL)).toBeGreaterThanOrEqual(before + 1_000 + round * 1_500);
      await after.close();
    }
    const store = await openStore(directory.path); // checks every page
    const count = await store.countSamples(POOL);
    expect(count).toBeGreaterThanOrEqual(5_000);
    expect(count % 1_000).toBe(0);
    expect((await read(store)).rows.length).toBe(count);
    expect(readdirSync(directory.path).filter((name) => name.includes("corrupt"))).toEqual([]);
    await store.close();
  });
});

/** Whether this user may mount file systems out of sight of everyone else. */
const canMount =
  process.platform === "linux" &&
  spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stderr: "ignore" }).exitCode === 0;

/** Runs what follows with `script` done before it, in a mount namespace of its own. */
const mounted = (script: string): string[] => ["unshare", "-m", "sh", "-c", `${script} && exec "$@"`, "mounted"];

describe.skipIf(!canMount)("a full disk", () => {
  const shell = ({ process: { pid } }: StoreProcess, script: string): void => {
    const { exitCode } = spawnSync(["nsenter", "-t", String(pid), "-m", "sh", "-c", script], {
      stderr: "ignore",
    });
    expect(exitCode).toBe(0);
  };

  test("while it runs: said once, rows wait, the oldest go when they are too many; it ends by itself", async () => {
    const owner = await StoreProcess.owner("/mnt/data", mounted("mount -t tmpfs -o size=2m tmpfs /mnt"));
    expect(owner.problem).toBeNull();
    await owner.ask("append 0 1000");
    await owner.ask("flush");
    shell(owner, "head -c 4000000 /dev/zero >/mnt/filler; true");
    expect(await owner.ask("insert 500000")).toEqual({ error: expect.stringContaining("the disk is full") });
    // Nothing waits, and it still does not take an empty transaction for the end of the trouble.
    await until(async () => (await owner.ask("status")).flushErrors > 0);
    expect(await owner.ask("status")).toMatchObject({ bufferedRows: 0, said: ["degraded disk_full"] });
    for (let n = 1_000; n < 24_000; n += 1_000) {
      await owner.ask(`append ${n} ${n + 1_000}`);
      await owner.ask("flush");
    }
    const full = await owner.ask("status");
    expect(full.problem).toMatchObject({ kind: "disk_full", message: expect.stringContaining("the disk is full") });
    expect(full.said).toEqual(["degraded disk_full"]);
    expect(full.bufferedRows).toBe(10_000);
    expect(full.rowsDropped).toBeGreaterThan(1_000);
    expect(full.rowsWritten + full.rowsDropped + full.bufferedRows).toBe(24_000);
    expect(await owner.ask("insert")).toEqual({ error: expect.stringContaining("the disk is full") });
    shell(owner, "rm /mnt/filler");
    await until(async () => (await owner.ask("status")).problem === null);
    await until(async () => (await owner.ask("status")).bufferedRows === 0);
    const after = await owner.ask("status");
    expect(after.said).toEqual(["degraded disk_full", "recovered disk_full"]);
    expect(after.rowsWritten).toBe(24_000 - after.rowsDropped);
    expect(await owner.ask("count")).toEqual({ count: after.rowsWritten });
    expect(await owner.ask("insert")).toEqual({ version: 1 });
  });

  test("at the start: a sentence, and a store in memory", async () => {
    const full =
      "mount -t tmpfs -o size=64k tmpfs /mnt && mkdir /mnt/data && (head -c 900000 /dev/zero >/mnt/filler; true)";
    const owner = await StoreProcess.owner("/mnt/data", mounted(full));
    expect(owner.problem).toMatch(/^\/mnt\/data.*; what is learned is kept in memory and ends with the process$/);
    await owner.ask("append 0 1000");
    expect(await owner.ask("flush")).toEqual({ flushed: true });
    expect(await owner.ask("status")).toMatchObject({ durable: false, bufferedRows: 0, flushErrors: 0 });
  });
});

test("a limit of file size: rows wait until it is raised", async () => {
  const owner = await StoreProcess.owner(directory.path, ["sh", "-c", 'ulimit -S -f 400; exec "$@"', "limited"]);
  expect(owner.problem).toBeNull();
  for (let n = 0; n < 15_000; n += 1_000) {
    await owner.ask(`append ${n} ${n + 1_000}`);
    await owner.ask("flush");
  }
  const { problem, bufferedRows } = await owner.ask("status");
  expect(problem.message).toContain("a limit of file size");
  expect(bufferedRows).toBeGreaterThan(0);
  const raised = spawnSync(["prlimit", "--pid", String(owner.process.pid), "--fsize=unlimited"]);
  expect(raised.exitCode).toBe(0);
  await until(async () => (await owner.ask("status")).bufferedRows === 0);
  const { said } = await owner.ask("status");
  // More than once perhaps: what is in the log finds room in the file, until that has its size as well.
  expect(said.slice(-2)).toEqual(["degraded unavailable", "recovered unavailable"]);
  await owner.end();
  const store = await openStore(directory.path);
  const { rows } = await read(store, { limit: 1_000 });
  expect(rows).toEqual(plain(samples(14_000, 15_000)));
  await store.close();
});

test("another process that keeps the file locked: rows wait until it lets go", async () => {
  const store = await StoreProcess.owner(directory.path);
  const { Database } = await import("bun:sqlite");
  const other = new Database(join(directory.path, "learning.db"));
  other.run("BEGIN IMMEDIATE");
  await store.ask("append 0 1000");
  expect(await store.ask("flush")).toEqual({ flushed: false });
  expect(await store.ask("status")).toMatchObject({ problem: { kind: "locked" }, said: ["degraded locked"] });
  other.run("COMMIT");
  other.close();
  await until(async () => (await store.ask("status")).bufferedRows === 0);
  expect(await store.ask("status")).toMatchObject({ problem: null, said: ["degraded locked", "recovered locked"] });
  expect(await store.ask("count")).toEqual({ count: 1_000 });
});

describe.skipIf(!canMount)("a file system that is read-only", () => {
  const readOnly = (dataDir: string) =>
    mounted(`mount --bind ${dataDir} ${dataDir} && mount -o remount,bind,ro ${dataDir}`);

  test("gives the owner a sentence and a store in memory", async () => {
    await (await openStore(directory.path)).close();
    const owner = await StoreProcess.owner(directory.path, readOnly(directory.path));
    expect(owner.problem).toStartWith(`${directory.path}: the file system is read-only (EROFS);`);
    expect(await owner.ask("status")).toMatchObject({ durable: false, problem: { message: owner.problem } });
  });
});
