/** A log in a file of its own: several workers write it, and it is moved, removed and made anew under them. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessLog } from "../../../../../src/proxy/record/access-log/access-log.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../../src/shared/memory/layout/worker-counters.ts";
import { LOGGED_OUTCOME, loggedRequest } from "../../../../support/logged-request.ts";
import { spawnSync } from "../../../../support/processes.ts";
import { until } from "../../../../support/until.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-log-file-"));
const open: AccessLog[] = [];
afterEach(async () => {
  for (const log of open.splice(0)) await log.close(1000);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const STANDARD_OUTPUT = 1;

function logTo(file: string) {
  const [block] = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers;
  const log = new AccessLog(STANDARD_OUTPUT, block, { format: "json", file });
  open.push(log);
  const counter = (name: keyof typeof WorkerCounter) => block.counters[WorkerCounter[name]];
  return { log, counter, say: (target: string) => log.record(loggedRequest(target), LOGGED_OUTCOME, 1, Date.now()) };
}

const paths = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).path)
    : [];

/** As the worker's timer does, until it is so. */
const ticking = (log: AccessLog, condition: () => boolean) =>
  until(() => {
    log.tick();
    return condition();
  });

describe("a file", () => {
  test("is made for its owner and their group, appended to, and left at the end", async () => {
    const file = join(directory, "one.log");
    const first = logTo(file);
    first.say("/1");
    await first.log.close(5000);
    const second = logTo(file);
    second.say("/2");
    await second.log.close(5000);
    expect(paths(file)).toEqual(["/1", "/2"]);
    expect(statSync(file).mode & 0o137).toBe(0);
  });

  test("several workers write whole lines", async () => {
    const file = join(directory, "several.log");
    const workers = [1, 2, 3].map(() => logTo(file));
    for (let i = 0; i < 1500; i++)
      for (const [w, { say }] of workers.entries()) say(`/${w}/${i}/${"x".repeat(i % 300)}`);
    for (const { log } of workers) await log.allOut(60_000);
    const written = paths(file);
    for (const w of workers.keys()) {
      const numbers = written.filter((path) => path.startsWith(`/${w}/`)).map((path) => Number(path.split("/")[2]));
      expect(numbers).toEqual([...Array(1500).keys()]);
    }
  });

  test("that is moved and said to be is opened anew at once, without a lost line", async () => {
    const file = join(directory, "moved.log");
    const { log, say, counter } = logTo(file);
    say("/1");
    await log.allOut(60_000);
    renameSync(file, `${file}.1`);
    say("/2");
    log.reopen();
    await ticking(log, () => paths(file).length + paths(`${file}.1`).length === 2);
    await until(() => existsSync(file));
    say("/3");
    await ticking(log, () => paths(file).includes("/3"));
    expect([...paths(`${file}.1`), ...paths(file)]).toEqual(["/1", "/2", "/3"]);
    expect(counter("ACCESS_LOG_DROPPED")).toBe(0);
  });

  test("that is moved or removed without a word is noticed", async () => {
    const file = join(directory, "gone.log");
    const { log, say } = logTo(file);
    say("/1");
    await log.allOut(60_000);
    renameSync(file, `${file}.1`);
    await ticking(log, () => existsSync(file));
    say("/2");
    await ticking(log, () => paths(file).includes("/2"));
    unlinkSync(file);
    await ticking(log, () => existsSync(file));
    say("/3");
    await ticking(log, () => paths(file).includes("/3"));
    expect(paths(file)).toEqual(["/3"]);
  });

  test("whose directory is gone loses lines, and says so, until it is back", async () => {
    const below = join(directory, "below");
    mkdirSync(below);
    const file = join(below, "access.log");
    const { log, say, counter } = logTo(file);
    say("/1");
    await log.allOut(60_000);
    unlinkSync(file);
    rmdirSync(below);
    await ticking(log, () => {
      say("/lost");
      return counter("ACCESS_LOG_DROPPED") > 0;
    });
    expect(counter("ACCESS_LOG_FAILING")).toBe(1);
    mkdirSync(below);
    await ticking(log, () => existsSync(file));
    say("/2");
    await ticking(log, () => paths(file).includes("/2") && counter("ACCESS_LOG_FAILING") === 0);
  });

  test("that is a named pipe loses lines, and says so, while nobody reads it or its reader stands still", async () => {
    const pipe = join(directory, "pipe");
    expect(spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const { log, say, counter } = logTo(pipe);
    await ticking(log, () => {
      say("/lost");
      return counter("ACCESS_LOG_DROPPED") > 0;
    });
    expect(counter("ACCESS_LOG_FAILING")).toBe(1);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const chunk = Buffer.alloc(65_536);
    let read = "";
    await ticking(log, () => {
      say("/read");
      try {
        read += chunk.toString("latin1", 0, readSync(reader, chunk));
      } catch {
        // There is nothing to read yet.
      }
      return read.includes("/read") && counter("ACCESS_LOG_FAILING") === 0;
    });
    const before = counter("ACCESS_LOG_DROPPED");
    await ticking(log, () => {
      for (let i = 0; i < 1000; i++) say(`/${"x".repeat(4000)}`);
      return counter("ACCESS_LOG_DROPPED") > before;
    });
    await log.close(50);
    closeSync(reader);
  });

  test("can be another one after a reload, or none, and lines are where they were to go when they were written", async () => {
    const [a, b] = [join(directory, "a.log"), join(directory, "b.log")];
    const { log, say } = logTo(a);
    say("/1");
    await log.allOut(60_000);
    log.configure({ format: "json", file: b });
    say("/2");
    await ticking(log, () => paths(b).includes("/2"));
    log.configure({ format: "json", file: a });
    say("/3");
    await ticking(log, () => paths(a).includes("/3"));
    expect([paths(a), paths(b)]).toEqual([["/1", "/3"], ["/2"]]);
  });
});
