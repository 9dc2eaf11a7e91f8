/** The recorder as a process of its own, on a real file of shared memory and a real store; the worker is this test. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FromRecorder, RecorderStart, ToRecorder } from "../../../src/protocol/recorder.ts";
import { type HistoryOutcome, type HistoryRequest, HistoryWriter } from "../../../src/proxy/record/history-writer.ts";
import { UNTRACED } from "../../../src/proxy/record/traced-request.ts";
import { createSharedMemory } from "../../../src/shared/memory/file.ts";
import { REQUEST_ROWS, RecorderCounter } from "../../../src/shared/memory/layout/history.ts";
import { Header } from "../../../src/shared/memory/layout/shared-memory.ts";
import { MemoryPages } from "../../../src/shared/memory/pages.ts";
import { bootClockOffsetMs } from "../../../src/shared/time/boot-clock.ts";
import type { EventRow, MetricRow, RequestRow, Resolution } from "../../../src/storage/history-store.ts";
import { openHistoryReader } from "../../../src/storage/open-store.ts";
import { WIDE_LIMITS } from "../../support/memory-history.ts";
import { spawn } from "../../support/processes.ts";
import { anEvent, NAMES } from "../../support/recorder/world.ts";
import { eventually, until } from "../../support/until.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");
const WORKERS = 2;
const EMPTY = Buffer.alloc(0);
const ID = Buffer.alloc(4);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

/** A run: its memory, its store, and recorders one after the other. */
class Run {
  readonly #directory = mkdtempSync(join(tmpdir(), "nb-recorder-"));
  readonly #memoryPath = join(this.#directory, "memory");
  readonly memory = createSharedMemory(this.#memoryPath);
  readonly #store = { kind: "sqlite", directory: join(this.#directory, "data"), instance: "test" } as const;
  readonly #writers: HistoryWriter[];
  readonly told: FromRecorder[] = [];
  #process: ReturnType<typeof spawn> | null = null;
  written = 0;

  constructor() {
    cleanups.push(() => {
      this.#process?.kill("SIGKILL");
      rmSync(this.#directory, { recursive: true, force: true });
    });
    const pages = new MemoryPages(this.#memoryPath, this.memory);
    pages.reserveWorkers(WORKERS);
    pages.reserveHistory();
    this.memory.header[Header.WORKER_BLOCKS] = WORKERS;
    const offsetMs = bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
    const { history, recorder } = this.memory;
    this.#writers = history
      .slice(0, WORKERS)
      .map((rings) => new HistoryWriter(rings, recorder.wishes, offsetMs, Math.random));
  }

  async start(maxRequestRowsPerSecond = 50): Promise<void> {
    const ready = this.told.filter(({ type }) => type === "ready").length;
    const child = spawn([process.execPath, "--no-env-file", MAIN, "recorder"], {
      ipc: (message) => void this.told.push(message as FromRecorder),
      stdout: "ignore",
      stderr: "inherit",
    });
    this.#process = child;
    const start: RecorderStart = {
      type: "start",
      memoryPath: this.#memoryPath,
      logFormat: "json",
      logLevel: "error",
      names: NAMES,
      settings: { store: this.#store, limits: WIDE_LIMITS, maxRequestRowsPerSecond, slowRequestMs: 0 },
    };
    this.tell(start);
    await until(() => this.told.filter(({ type }) => type === "ready").length > ready);
  }

  tell(message: ToRecorder): void {
    this.#process?.send(message);
  }

  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  /** As when the supervisor is gone. */
  disconnect(): void {
    this.#process?.disconnect();
  }

  async ended(): Promise<number | null> {
    await this.#process?.exited;
    return this.#process?.exitCode ?? null;
  }

  /** Requests end. */
  write(count: number, status = 200): void {
    const nowMs = performance.now();
    for (let i = 0; i < count; i++) {
      const durationMs = 1 + (i % 50);
      ID.writeUInt32LE(this.written + i);
      this.#writers[i % WORKERS].record(REQUEST, { ...OUTCOME, status }, durationMs, nowMs);
    }
    this.written += count;
  }

  counter(name: keyof typeof RecorderCounter): number {
    return this.memory.recorder.counters[RecorderCounter[name]];
  }

  async metrics(resolution: Resolution = "second"): Promise<MetricRow[]> {
    const rows: MetricRow[] = [];
    const reader = openHistoryReader(this.#store);
    for await (const page of reader.metrics({ resolution, sinceMs: 0, untilMs: 1e15 })) rows.push(...page);
    await reader.close();
    return rows;
  }

  async requests(): Promise<RequestRow[]> {
    const rows: RequestRow[] = [];
    const reader = openHistoryReader(this.#store);
    for await (const page of reader.requests({ sinceMs: 0, untilMs: 1e15 })) rows.push(...page);
    await reader.close();
    return rows;
  }

  async events(): Promise<readonly EventRow[]> {
    const reader = openHistoryReader(this.#store);
    const events = await reader.events({ sinceMs: 0, untilMs: 1e15, limit: 100 });
    await reader.close();
    return events;
  }
}

const REQUEST: HistoryRequest = {
  ...{ route: 0, poolRow: 0, method: 1, headBuffer: EMPTY, methodStart: 0, methodEnd: 0, targetStart: 0, targetEnd: 0 },
  ...{ requestIdBuffer: ID, requestIdStart: 0, requestIdEnd: 4, ...UNTRACED },
  ...{ clientAddress: EMPTY, limitedBy: null, labels: null },
};
const OUTCOME: HistoryOutcome = {
  ...{ status: 200, serverId: 1, responseBytes: 10, attempts: 1, failure: null, waitMs: 0, headMs: 1 },
  inFlightAtDispatch: 0,
};

const sum = (rows: readonly MetricRow[]): number => rows.reduce((all, { requests }) => all + requests, 0);

describe("each request is in the store once", () => {
  test("however often the recorder is killed in the midst of it", async () => {
    const run = new Run();
    for (let round = 0; round < 6; round++) {
      await run.start();
      const readMs = performance.now() + 700 + round * 350; // at another point of its second each time
      await until(() => {
        // A recorder that the machine keeps waiting must not lose what was overwritten meanwhile.
        if (run.written - run.counter("REQUESTS") < REQUEST_ROWS) run.write(200);
        return performance.now() > readMs;
      });
      run.signal("SIGKILL");
      await run.ended();
    }
    await run.start();
    run.write(100);
    await until(() => run.counter("REQUESTS") === run.written);
    run.tell({ type: "drain" });
    expect(await run.ended()).toBe(0);
    expect(run.counter("REQUESTS_LOST")).toBe(0);
    expect(sum(await run.metrics())).toBe(run.written);
    expect(sum(await run.metrics("minute"))).toBe(run.written);
    const weights = (await run.requests()).reduce((all, { weight }) => all + weight, 0);
    expect(Math.abs(weights - run.written) / run.written).toBeLessThan(0.02);
  });

  test("when it hung for a while and is killed then; what was overwritten meanwhile is counted and said", async () => {
    const run = new Run();
    await run.start();
    run.write(1000);
    await until(() => run.counter("REQUESTS") === run.written);
    run.signal("SIGSTOP");
    run.write(2 * REQUEST_ROWS + 5000);
    run.signal("SIGKILL");
    await run.ended();
    await run.start();
    await until(() => run.counter("REQUESTS_LOST") > 0);
    run.tell({ type: "drain" });
    await run.ended();
    const lost = run.counter("REQUESTS_LOST");
    expect(lost).toBeGreaterThan(4_000);
    expect(sum(await run.metrics()) + lost).toBe(run.written);
    expect(await run.events()).toMatchObject([{ kind: "gap", detail: { requests: lost } }]);
  });

  test("when it is told to end, with the last second and all events", async () => {
    const run = new Run();
    await run.start();
    run.tell({ type: "events", number: 2, events: [anEvent("one"), anEvent("two")] });
    run.write(500, 503);
    run.tell({ type: "drain" });
    expect(await run.ended()).toBe(0);
    expect(await run.metrics()).toMatchObject([{ pool: "p", server: "s1.test:80", statusClass: 5, requests: 500 }]);
    expect((await run.requests()).length).toBe(50);
    expect((await run.events()).map(({ message }) => message).sort()).toEqual(["one", "two"]);
    // What a process says last may come after the news of its end.
    await eventually(() => {
      expect(run.told).toContainEqual({ type: "kept", number: 2 });
      expect(run.told.some((message) => message.type === "servers" && message.rows.length === 1)).toBe(true);
    });
  });
});

test("it ends with the supervisor", async () => {
  const run = new Run();
  await run.start();
  run.write(10);
  run.disconnect();
  expect(await run.ended()).toBe(0);
  expect(sum(await run.metrics())).toBe(10);
});

test("what it cannot start with is said", async () => {
  const told: FromRecorder[] = [];
  const child = spawn([process.execPath, "--no-env-file", MAIN, "recorder"], {
    ipc: (message) => void told.push(message as FromRecorder),
    stdout: "ignore",
    stderr: "ignore",
  });
  child.send({ type: "start", memoryPath: "/nowhere/memory", logFormat: "json", logLevel: "error" });
  await child.exited;
  expect(child.exitCode).toBe(1);
  await eventually(() => expect(told).toMatchObject([{ type: "failed" }]));
});
