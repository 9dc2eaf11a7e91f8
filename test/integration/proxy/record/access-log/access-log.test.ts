/** Lines at their edges and what happens when they cannot be written; the wire tests show them for real requests. */
import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessLog } from "../../../../../src/proxy/record/access-log/access-log.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../../src/shared/memory/layout/worker-counters.ts";
import { LOGGED_OUTCOME, loggedRequest } from "../../../../support/logged-request.ts";
import { spawnSync } from "../../../../support/processes.ts";

const directories: string[] = [];
const descriptors: number[] = [];
afterEach(() => {
  for (const fd of descriptors.splice(0)) closeSync(fd);
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function open(prepare: (file: string) => void = () => {}, flags: number | string = "a") {
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-log-"));
  directories.push(directory);
  const file = join(directory, "access.log");
  prepare(file);
  const fd = openSync(file, flags);
  descriptors.push(fd);
  const [block] = viewSharedMemory(new ArrayBuffer(SHARED_BYTES)).workers;
  const counter = (name: keyof typeof WorkerCounter) => block.counters[WorkerCounter[name]];
  return { fd, block, counter, lines: () => readFileSync(file, "utf8").split("\n").slice(0, -1) };
}

/** Reads all that is in a pipe. @returns how many bytes that was. */
function drain(fd: number): number {
  const buffer = Buffer.alloc(64 * 1024);
  for (let bytes = 0; ; ) {
    try {
      bytes += readSync(fd, buffer);
    } catch {
      return bytes; // EAGAIN
    }
  }
}

const logged = loggedRequest;
const OUTCOME = LOGGED_OUTCOME;

describe("lines", () => {
  test("many lines come out whole, in order, and are counted", async () => {
    const { fd, block, counter, lines } = open();
    const log = new AccessLog(fd, block, { format: "json" });
    for (let i = 0; i < 5000; i++) {
      log.record(logged(`/${i}`), OUTCOME, 1, Date.now());
      if (i % 500 === 0) await Bun.sleep(5);
    }
    await log.close(5000);
    const written = lines();
    expect(written.length).toBe(counter("ACCESS_LOG_LINES"));
    expect(counter("ACCESS_LOG_LINES") + counter("ACCESS_LOG_DROPPED")).toBe(5000);
    const paths = written.map((line) => Number(JSON.parse(line).path.slice(1)));
    expect(paths).toEqual([...paths].sort((a, b) => a - b));
  });

  test("the longest targets fit, and one that cannot is dropped, not cut", async () => {
    const { fd, block, counter, lines } = open();
    const log = new AccessLog(fd, block, { format: "json" });
    const quotes = `/${'"'.repeat(120_000)}`;
    log.record(logged(quotes), OUTCOME, 1, Date.now());
    await Bun.sleep(20);
    log.record(logged(`/${'"'.repeat(200_000)}`), OUTCOME, 1, Date.now());
    log.record(logged("/after"), OUTCOME, 1, Date.now());
    await log.close(1000);
    expect(lines().map((line) => JSON.parse(line).path)).toEqual([quotes, "/after"]);
    expect(counter("ACCESS_LOG_DROPPED")).toBe(1);
  });
});

describe("when many requests end at once", () => {
  test("no line is lost while a write is under way", async () => {
    const { fd, block, counter, lines } = open();
    const log = new AccessLog(fd, block, { format: "json" });
    for (let i = 0; i < 6000; i++) log.record(logged(`/${i}/${"x".repeat(200)}`), OUTCOME, 1, Date.now());
    await log.close(5000);
    expect(counter("ACCESS_LOG_DROPPED")).toBe(0);
    expect(lines().map((line) => Number(JSON.parse(line).path.split("/")[1]))).toEqual([...Array(6000).keys()]);
  });
});

describe("when nobody reads", () => {
  const mkfifo = (file: string) => void spawnSync(["mkfifo", file]);

  test("lines are dropped and counted, and closing does not wait for ever", async () => {
    const { fd, block, counter } = open(mkfifo, constants.O_RDWR | constants.O_NONBLOCK);
    const log = new AccessLog(fd, block, { format: "json" });
    for (let i = 0; i < 15_000; i++) log.record(logged(`/${"x".repeat(200)}`), OUTCOME, 1, Date.now());
    expect(counter("ACCESS_LOG_DROPPED")).toBeGreaterThan(1000);
    expect(counter("ACCESS_LOG_FAILING")).toBe(1);
    await log.close(50);
  });

  test("nothing is written after closing: the descriptor may be another file's by then", async () => {
    const { fd, block } = open(mkfifo, constants.O_RDWR | constants.O_NONBLOCK);
    const log = new AccessLog(fd, block, { format: "json" });
    for (let i = 0; i < 5000; i++) log.record(logged(`/${"x".repeat(200)}`), OUTCOME, 1, Date.now());
    await log.close(200); // what is with the system by then is waited for again as long
    drain(fd);
    await Bun.sleep(50); // a write that is tried again comes every 10 ms
    expect(drain(fd)).toBe(0);
  });

  test("a disk that is full loses lines, and says so", async () => {
    const { block, counter } = open();
    const full = openSync("/dev/full", "w");
    descriptors.push(full);
    const log = new AccessLog(full, block, { format: "json" });
    log.record(logged("/1"), OUTCOME, 1, Date.now());
    log.record(logged("/2"), OUTCOME, 1, Date.now());
    await log.close(1000);
    expect(counter("ACCESS_LOG_DROPPED")).toBe(2);
    expect(counter("ACCESS_LOG_FAILING")).toBe(1);
  });
});
