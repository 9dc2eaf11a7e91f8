import { describe, expect, test } from "bun:test";
import { CrashBackoff } from "../../../../src/control/processes/backoff.ts";
import { reclaimWorkerBlock } from "../../../../src/control/processes/workers/reclaim.ts";
import { removeRuntimeDirectory } from "../../../../src/shared/memory/file.ts";
import { isWaiter, QUEUE_GAUGES, QueueWord, setWaiter } from "../../../../src/shared/memory/layout/queues.ts";
import {
  Header,
  SHARED_BYTES,
  viewSharedMemory,
  WorkerInfo,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { spawn } from "../../../support/processes.ts";
import { isAlive, makeWorkers, settings, until } from "./fixture.ts";

describe("CrashBackoff", () => {
  test("waits longer and longer in a crash loop, to a limit", () => {
    const backoff = new CrashBackoff();
    const delays = Array.from({ length: 10 }, () => backoff.nextDelayMs(50));
    expect(delays).toEqual([0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  test("a long run ends the loop", () => {
    const backoff = new CrashBackoff();
    for (let i = 0; i < 6; i++) backoff.nextDelayMs(50);
    expect(backoff.nextDelayMs(60_000)).toBe(0);
    expect(backoff.nextDelayMs(50)).toBe(0);
    expect(backoff.nextDelayMs(50)).toBe(100);
  });
});

test("a dead worker's share is taken back, its counters stay", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const block = memory.workers[1];
  memory.servers.inFlight.set([5, 0, 9]);
  block.ownInFlight.set([2, 0, 9]);
  block.info[WorkerInfo.PID] = 99;
  block.counters[WorkerCounter.REQUESTS] = 1000;
  block.counters[WorkerCounter.QUEUE_LENGTH] = 3;
  const { waiters } = memory.pools;
  for (const worker of [0, 1, 40]) setWaiter(waiters, 5, worker, true);
  const queue = block.queues.subarray(5 * QueueWord.LENGTH, 6 * QueueWord.LENGTH);
  queue.set([3, 2, 1234]);
  queue[QueueWord.WAITS] = 77;
  block.info[WorkerInfo.WOKEN] = 1;
  memory.servers.transferring[0] = 2;
  block.ownTransferring[0] = 1;
  expect(reclaimWorkerBlock(memory, 1)).toBe(11);
  expect([memory.servers.transferring[0], block.ownTransferring[0]]).toEqual([1, 0]);
  expect([...memory.servers.inFlight.slice(0, 3)]).toEqual([3, 0, 0]);
  expect([...block.ownInFlight.slice(0, 3)]).toEqual([0, 0, 0]);
  expect(block.counters[WorkerCounter.REQUESTS]).toBe(1000);
  expect(block.counters[WorkerCounter.QUEUE_LENGTH]).toBe(0);
  expect(block.info[WorkerInfo.PID]).toBe(0);
  expect(block.info[WorkerInfo.WOKEN]).toBe(0);
  expect([0, 1, 40].map((worker) => isWaiter(waiters, 5, worker))).toEqual([true, false, true]);
  expect(QUEUE_GAUGES.map((gauge) => queue[gauge])).toEqual([0, 0, 0]);
  expect(queue[QueueWord.WAITS]).toBe(77);
  expect(reclaimWorkerBlock(memory, 1)).toBe(0);
});

describe("Workers", () => {
  test("starts the workers on the port that the first one found, and drains them", async () => {
    using fixture = makeWorkers("normal");
    const { workers, memory, journal } = fixture;
    expect((await workers.start(3)).map((one) => one.port)).toEqual([4321, 4000, 4323]);
    expect(memory.header[Header.WORKERS]).toBe(3);
    expect(workers.status().map((s) => [s.index, s.state])).toEqual([
      [0, "ready"],
      [1, "ready"],
      [2, "ready"],
    ]);
    const ports = journal().flatMap((m) => (m.type === "start" ? [m.settings.listeners.map((one) => one.port)] : []));
    const found = [4321, 4000, 4323];
    expect(ports).toEqual([[0, 4000, 0], found, found]);
    const settled = workers.setEndpoints([]);
    await settled;
    expect(journal().filter((m) => m.type === "endpoints")).toHaveLength(3);
    const pids = workers.status().map((s) => s.pid);
    expect(await workers.drain(60_000)).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect(memory.servers.inFlight[0]).toBe(0);
  });

  test("restarts a killed worker, takes its in-flight back and keeps its counters", async () => {
    using fixture = makeWorkers("normal");
    const { workers, memory, lines } = fixture;
    await workers.start(2);
    expect(memory.servers.inFlight[0]).toBe(4);
    const [before, other] = workers.status();
    process.kill(before.pid, "SIGKILL");
    await until(() => workers.status()[0].restarts === 1 && workers.status()[0].state === "ready");
    expect(workers.status()[0].pid).not.toBe(before.pid);
    expect(workers.status()[1].pid).toBe(other.pid);
    expect(memory.servers.inFlight[0]).toBe(4); // the new one took its own two
    expect(memory.workers[0].counters[WorkerCounter.REQUESTS]).toBe(20);
    expect(workers.restarts).toEqual({ exit: 1, hung: 0, failed: 0 });
    expect(lines.find((l) => l.message.includes("died"))).toMatchObject({
      level: "error",
      signal: "SIGKILL",
      requests_lost: 3,
      restart_in_ms: 0,
    });
  });

  test("a crash loop backs off and later starts get the latest settings", async () => {
    using fixture = makeWorkers("normal");
    const { workers, lines, journal } = fixture;
    await workers.start(1);
    for (let i = 1; i <= 3; i++) {
      await workers.setSettings({ ...settings, host: "exit", maxConnections: i }, []);
      await until(() => workers.status()[0].restarts === i && workers.status()[0].state === "ready");
    }
    const delays = lines.filter((l) => l.message.includes("died")).map((l) => [l.code, l.restart_in_ms]);
    expect(delays).toEqual([
      [7, 0],
      [7, 0],
      [7, 100],
    ]);
    const starts = journal().flatMap((m) => (m.type === "start" ? [m.settings] : []));
    expect(starts.at(-1)).toMatchObject({
      maxConnections: 3,
      listeners: [{ port: 4321 }, { port: 4000 }, { port: 4323 }],
    });
  });

  test("a hung worker is killed and replaced", async () => {
    using fixture = makeWorkers("normal", { tickMs: 100, hungAfterMs: 1500 });
    const { workers, lines } = fixture;
    await workers.start(1);
    const { pid } = workers.status()[0];
    await workers.setSettings({ ...settings, host: "hang" }, []);
    await until(() => workers.restarts.hung > 0 && workers.status()[0].state === "ready");
    expect(isAlive(pid)).toBe(false);
    expect(lines.some((l) => l.message.includes("hangs") && l.pid === pid)).toBe(true);
  });

  test.each([
    ["failed", "cannot listen on port 0: it is in use"],
    ["crash", "worker 0 exited with code 3"],
    ["second-fails", "cannot listen on port 4321: it is in use"],
  ])("a first start that ends in '%s' stops them all with the reason", async (mode, reason) => {
    using fixture = makeWorkers(mode);
    const { workers, journal } = fixture;
    await expect(workers.start(2)).rejects.toThrow(reason);
    await until(() => workers.status().length === 0);
    const started = journal().filter((m) => m.type === "start");
    await until(() => !started.some((m) => isAlive(m.pid)));
    await Bun.sleep(50);
    expect(journal().filter((m) => m.type === "start").length).toBe(started.length);
  });

  test("a command that cannot be spawned is a failed start", async () => {
    using fixture = makeWorkers("normal", { command: ["/nonexistent/program"] });
    await expect(fixture.workers.start(1)).rejects.toThrow("cannot be spawned");
  });

  test("a worker that does not finish in time is killed", async () => {
    using fixture = makeWorkers("never-drains");
    const { workers } = fixture;
    await workers.start(2);
    const pids = workers.status().map((s) => s.pid);
    expect(await workers.drain(100)).toBe(2);
    expect(pids.some(isAlive)).toBe(false);
  });

  test("scales down gracefully and up again, never sharing a block with one that drains", async () => {
    using fixture = makeWorkers("normal");
    const { workers, memory } = fixture;
    await workers.start(3);
    const [first] = workers.status();
    workers.scale(1);
    expect(memory.header[Header.WORKERS]).toBe(1);
    expect(workers.status().map((s) => s.state)).toEqual(["ready", "draining", "draining"]);
    workers.scale(2);
    expect(workers.status().at(-1)).toMatchObject({ index: 3, state: "starting" });
    await until(
      () =>
        workers
          .status()
          .map((s) => s.state)
          .join() === "ready,ready",
    );
    expect(workers.status()[0].pid).toBe(first.pid);
    expect(memory.header[Header.WORKER_BLOCKS]).toBe(4);
    expect(workers.restarts.exit).toBe(0);
  });

  test("workers end when the supervisor dies", async () => {
    const script = `
      import { makeWorkers } from ${JSON.stringify(`${import.meta.dir}/fixture.ts`)};
      const { workers, directory } = makeWorkers("normal");
      await workers.start(2);
      console.log(JSON.stringify({ directory, pids: workers.status().map((s) => s.pid) }));
      process.kill(process.pid, "SIGKILL");`;
    const supervisor = spawn({ cmd: [process.execPath, "-e", script], stdout: "pipe" });
    const { directory, pids } = JSON.parse((await supervisor.stdout.text()).trim().split("\n")[0]);
    expect(pids.length).toBe(2);
    await until(() => !pids.some(isAlive));
    removeRuntimeDirectory(directory);
  });
});
