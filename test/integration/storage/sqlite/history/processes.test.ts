/** A history between processes: killed while it writes, two of them, without room, without permission, removed, damaged. */
import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { openHistoryReader } from "../../../../../src/storage/open-store.ts";
import { spawn, spawnSync } from "../../../../support/processes.ts";
import { until } from "../../../../support/until.ts";
import { ALWAYS, all, counts } from "../../contract/history/rows.ts";
import { at, scratch } from "../../store-fixture.ts";

const SCRIPT = join(import.meta.dir, "history-process.ts");
const running = new Set<Recorder>();

/** See history-process.ts. */
class Recorder {
  readonly process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  private constructor(directory: string, prelude: readonly string[]) {
    this.process = spawn([...prelude, process.execPath, SCRIPT, directory], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      env: { PATH: process.env.PATH },
      timeout: 120_000,
      killSignal: "SIGKILL",
    });
    this.#interface = createInterface({ input: Readable.fromWeb(this.process.stdout as never) });
    this.#lines = this.#interface[Symbol.asyncIterator]();
    running.add(this);
  }

  static async start(directory: string, prelude: readonly string[] = []) {
    const started = new Recorder(directory, prelude);
    const { problem } = await started.answer();
    return Object.assign(started, { problem: problem as { kind: string; message: string } | null });
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is answered depends on what was asked.
  async answer(): Promise<any> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended with ${await this.process.exited}`);
    return JSON.parse(value);
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is answered depends on what was asked.
  async ask(command: string): Promise<any> {
    this.tell(command);
    return this.answer();
  }

  tell(command: string): void {
    this.process.stdin.write(`${command}\n`);
    void this.process.stdin.flush();
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
const file = () => join(directory.path, "history.db");

beforeEach(() => {
  directory = scratch();
});

afterEach(async () => {
  await Promise.all([...running].map((each) => each.end()));
  directory.remove();
});

afterAll(() => expect(running.size).toBe(0));

/** What is there, by kind: requests that were counted, at each step of time; single ones; events. */
async function found() {
  const reader = openHistoryReader(at(directory.path));
  try {
    const sums = [];
    for (const resolution of ["second", "minute", "hour"] as const) {
      sums.push((await counts(reader, resolution)).reduce((sum, { requests }) => sum + requests, 0));
    }
    const single = await all(reader.requests(ALWAYS));
    const events = await reader.events({ ...ALWAYS, limit: 1e6 });
    return { sums, single: single.length, events: events.length };
  } finally {
    await reader.close();
  }
}

/** What there must be of seconds 0 … n - 1. */
const of = (n: number) => ({ sums: [3 * n, 3 * n, 3 * n], single: n, events: Math.ceil(n / 10) });

test("kill -9 in the middle, again and again: nothing is lost that was safe, nothing is doubled, nothing is there in part", async () => {
  let next = 0;
  /** What the last one wrote: it may have been far ahead of what it was read to have said. */
  let before = 0;
  for (let round = 0; round < 6; round++) {
    const recorder = await Recorder.start(directory.path);
    expect(recorder.problem).toBeNull();
    recorder.tell(`run ${next}`);
    let safe = next - 1;
    for (let n = 0; n < 15 + round * 7 || safe < before; n++) ({ safe } = await recorder.answer());
    await recorder.end();
    const reader = openHistoryReader(at(directory.path));
    const seconds = (await counts(reader, "second", {})).length / 3;
    await reader.close();
    expect(seconds).toBeGreaterThanOrEqual(safe + 1);
    expect(Number.isInteger(seconds)).toBe(true);
    expect(await found()).toEqual(of(seconds));
    before = seconds;
    // The next one reads again what was not safe as far as it knows, and hands it over once more; events come once.
    next = Math.max(0, safe - 5);
    const again = new Database(file());
    const events = again.query<{ n: number }, []>("SELECT count(*) AS n FROM events").get()!.n;
    const above = Math.ceil(next / 10);
    again.run("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id DESC LIMIT ?)", [events - above]);
    again.close();
  }
}, 120_000);

test("a second recorder is refused by a sentence, keeps what it has, and goes on when the first is killed", async () => {
  const first = await Recorder.start(directory.path);
  const second = await Recorder.start(directory.path);
  expect(first.problem).toBeNull();
  expect(second.problem).toMatchObject({ kind: "in_use" });
  expect(second.problem?.message).toContain(`is in use by another instance (process ${first.process.pid}, since `);
  await second.ask("seconds 0 20");
  expect(await second.ask("flush")).toEqual({ flushed: false });
  await first.end();
  await until(async () => (await second.ask("status")).bufferedRows === 0);
  expect(await second.ask("status")).toMatchObject({ problem: null, said: ["degraded in_use", "recovered in_use"] });
  expect(await found()).toEqual(of(20));
});

test("a file that was removed is begun again, and what comes then is there", async () => {
  const recorder = await Recorder.start(directory.path);
  await recorder.ask("seconds 0 10");
  await recorder.ask("flush");
  rmSync(directory.path, { recursive: true });
  await recorder.ask("seconds 10 20");
  await until(async () => (await recorder.ask("flush")).flushed);
  expect(await found()).toMatchObject({ sums: [30, 30, 30], single: 10 });
});

test("a log that somebody removed costs nothing, and what comes then is seen by others, also after kill -9", async () => {
  const recorder = await Recorder.start(directory.path);
  await recorder.ask("seconds 0 10");
  await recorder.ask("flush");
  rmSync(`${file()}-wal`);
  await recorder.ask("seconds 10 20");
  expect(await recorder.ask("flush")).toEqual({ flushed: true });
  expect(await found()).toEqual(of(20));
  await recorder.ask("seconds 20 30");
  expect(await recorder.ask("flush")).toEqual({ flushed: true });
  await recorder.end();
  expect(await found()).toEqual(of(30));
});

test("a file that somebody emptied is whole again, or begun again: what comes then is there", async () => {
  const recorder = await Recorder.start(directory.path);
  await recorder.ask("seconds 0 10");
  await recorder.ask("flush");
  const other = new Database(file());
  other.run("PRAGMA wal_checkpoint(TRUNCATE)");
  other.close();
  await recorder.ask("seconds 10 11");
  await recorder.ask("flush");
  truncateSync(file(), 0);
  await recorder.ask("seconds 11 20");
  await until(async () => (await recorder.ask("flush")).flushed);
  expect((await found()).sums).toEqual([27, 27, 27]);
  expect((await recorder.ask("status")).said).toEqual([expect.stringContaining("moved ")]);
});

test("a file that is damaged is moved aside, also one that is met damaged later; what waits is in the new one", async () => {
  const recorder = await Recorder.start(directory.path);
  for (let n = 0; n < 400; n += 100) {
    await recorder.ask(`seconds ${n} ${n + 100}`);
    await recorder.ask("flush");
  }
  await recorder.ask("close");
  await recorder.end();
  truncateSync(file(), 20_000);
  const next = await Recorder.start(directory.path);
  expect(next.problem).toBeNull();
  expect((await next.ask("status")).said).toEqual([expect.stringContaining("moved ")]);
  await next.ask("seconds 400 410");
  expect(await next.ask("flush")).toEqual({ flushed: true });
  expect(await found()).toMatchObject({ sums: [30, 30, 30] });
  expect(readdirSync(directory.path).filter((name) => name.startsWith("history.db.corrupt-")).length).toBe(1);
});

test("another process that keeps the file locked: rows wait until it lets go", async () => {
  const recorder = await Recorder.start(directory.path);
  const other = new Database(file());
  other.run("BEGIN IMMEDIATE");
  await recorder.ask("seconds 0 10");
  expect(await recorder.ask("flush")).toEqual({ flushed: false });
  other.run("COMMIT");
  other.close();
  await until(async () => (await recorder.ask("status")).bufferedRows === 0);
  expect(await recorder.ask("status")).toMatchObject({ said: ["degraded locked", "recovered locked"] });
  expect(await found()).toEqual(of(10));
});

test("what is learned and what happened do not stand in each other's way", async () => {
  const recorder = await Recorder.start(directory.path);
  const { openStore } = await import("../../store-fixture.ts");
  const learning = await openStore(directory.path);
  await learning.setNote("default", "a", 1);
  await recorder.ask("seconds 0 10");
  expect(await recorder.ask("flush")).toEqual({ flushed: true });
  await learning.close();
  expect(existsSync(join(directory.path, "learning.db"))).toBe(true);
  expect(await found()).toEqual(of(10));
});

/** Whether this user may mount file systems out of sight of everyone else. */
const canMount =
  process.platform === "linux" &&
  spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stderr: "ignore" }).exitCode === 0;

/** Runs what follows with `script` done before it, in a mount namespace of its own. */
const mounted = (script: string): string[] => ["unshare", "-m", "sh", "-c", `${script} && exec "$@"`, "mounted"];

describe.skipIf(!canMount)("a disk", () => {
  const shell = ({ process: { pid } }: Recorder, script: string): void => {
    const { exitCode } = spawnSync(["nsenter", "-t", String(pid), "-m", "sh", "-c", script], { stderr: "ignore" });
    expect(exitCode).toBe(0);
  };

  test("that is full: said once, all counts wait and are there when there is room again", async () => {
    const recorder = await Recorder.start("/mnt/data", mounted("mount -t tmpfs -o size=2m tmpfs /mnt"));
    expect(recorder.problem).toBeNull();
    await recorder.ask("seconds 0 100");
    await recorder.ask("flush");
    shell(recorder, "head -c 4000000 /dev/zero >/mnt/filler; true");
    for (let n = 100; n < 1_100; n += 100) {
      await recorder.ask(`seconds ${n} ${n + 100}`);
      await recorder.ask("flush");
    }
    const full = await recorder.ask("status");
    expect(full).toMatchObject({ problem: { kind: "disk_full" }, said: ["degraded disk_full"], rowsDropped: 0 });
    shell(recorder, "rm /mnt/filler");
    await until(async () => (await recorder.ask("status")).bufferedRows === 0);
    const after = await recorder.ask("status");
    expect(after).toMatchObject({ problem: null, rowsDropped: 0, said: ["degraded disk_full", "recovered disk_full"] });
    expect(after.rowsWritten).toBe(1_100 * 4 + 110);
  });

  test("that is read-only at the start: rows wait, and nothing is kept in memory for good", async () => {
    await (await Recorder.start(directory.path)).end();
    const readOnly = `mount --bind ${directory.path} ${directory.path} && mount -o remount,bind,ro ${directory.path}`;
    const recorder = await Recorder.start(directory.path, mounted(readOnly));
    expect(recorder.problem).toMatchObject({ kind: "read_only" });
    await recorder.ask("seconds 0 10");
    expect(await recorder.ask("flush")).toEqual({ flushed: false });
    expect(await recorder.ask("status")).toMatchObject({ durable: true, bufferedRows: 41 });
    shell(recorder, `umount ${directory.path}`);
    await until(async () => (await recorder.ask("status")).bufferedRows === 0);
    expect(await found()).toEqual(of(10));
  });
});
