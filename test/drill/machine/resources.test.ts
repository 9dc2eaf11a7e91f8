/** What the machine runs out of: disk, readers of logs, descriptors, shared memory. Traffic goes on in each case. */

import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, truncateSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SHARED_BYTES } from "../../../src/shared/memory/layout/shared-memory.ts";
import { spawnSync } from "../../support/processes.ts";
import type { ProductOptions } from "../../support/product-process.ts";
import {
  answer,
  cpuTicksOf,
  figures,
  isGood,
  load,
  loadUntil,
  Product,
  request,
  serversOn,
  startScripted,
  until,
} from "../fixture.ts";

const open: { end?(): unknown; stop?(): unknown }[] = [];
const directory = mkdtempSync(join(tmpdir(), "nb-drill-resources-"));
afterAll(async () => {
  await Promise.all(open.map((each) => each.end?.() ?? each.stop?.()));
  rmSync(directory, { recursive: true });
});

async function start(options: ProductOptions, settings: Record<string, string> = {}): Promise<Product> {
  const [server] = await startScripted(answer);
  const product = new Product({ SERVERS: serversOn(server), ...settings }, options);
  open.push(product, server);
  return product.ready();
}

/** Whether this user may mount a small file system of its own over /dev/shm, out of sight of everyone else. */
const canMount =
  process.platform === "linux" &&
  spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/dev/shm"], { stderr: "ignore" }).exitCode === 0;
const smallSharedMemory = (kilobytes: number) => `mount -t tmpfs -o size=${kilobytes}k tmpfs /dev/shm`;

describe.concurrent.skipIf(process.platform !== "linux")("resources", () => {
  test("a full disk under the access log: lines are lost and counted, requests are not", async () => {
    const product = await start({ stdout: { path: "/dev/full" } });
    const seen = await load(100, 1000, () => request(product.port));
    expect(seen.why).toEqual({});
    await until(async () => (await product.degraded("access_log")) === 1);
    await until(() => product.said("lines of the access log are lost") !== undefined);
    await until(async () => (await product.metric("access_log_dropped_total")) === seen.sent);
    figures("disk full", seen, { dropped: await product.metric("access_log_dropped_total") });
    expect((await product.status()).degraded).toContain("access_log");
    expect(product.count("lines of the access log are lost")).toBe(1);
  });

  test("a log file at the limit of its size: the mode ends when there is room again", async () => {
    const path = join(directory, "limited.log");
    const limitKb = Math.ceil(SHARED_BYTES / 1024) + 100_000; // the shared memory is a file, too, nearly all of it holes
    const fd = openSync(path, "w");
    ftruncateSync(fd, limitKb * 1024 - 20_000);
    closeSync(fd);
    const product = await start({ prelude: `ulimit -f ${limitKb}`, stdout: { path } });
    const isFull = async () => (await product.degraded("access_log")) === 1;
    const seen = await loadUntil(isFull, 150, 1200, () => request(product.port));
    expect(seen.why).toEqual({});
    const dropped = await product.metric("access_log_dropped_total");
    figures("log at its limit", seen, { dropped });
    truncateSync(path, 0);
    await until(async () => {
      await request(product.port);
      await request(product.port);
      return (await product.degraded("access_log")) === 0;
    });
    expect(statSync(path).size).toBeGreaterThan(0);
    expect(await product.metric("access_log_dropped_total")).toBeLessThan(dropped + 100);
  });

  test("nobody reads standard output: the pipe fills, lines are dropped, requests go on; SIGTERM ends it", async () => {
    const product = await start({ prelude: "exec > >(while kill -0 $$; do sleep 0.2; done 2>/dev/null)" });
    const path = `/${"x".repeat(6000)}`;
    const seen = await load(150, 2000, () => request(product.port, { path }));
    await until(async () => {
      await load(200, 100, () => request(product.port, { path }));
      return (await product.degraded("access_log")) === 1;
    });
    figures("stdout not read", seen, { dropped: await product.metric("access_log_dropped_total") });
    expect(seen.why).toEqual({});
    product.process.kill("SIGTERM");
    expect(await product.process.exited).toBe(0);
  });

  test("nobody reads standard error: the process log is dropped, health checks and requests go on", async () => {
    const product = await start({}, { LOG_LEVEL: "debug" });
    product.pauseLog();
    const server = (await product.servers())[0];
    // Each change is a line or two; a pipe holds 64 KB.
    for (let i = 0; (await product.metric("log_dropped_total")) === 0; i++) {
      expect(i).toBeLessThan(500);
      await Promise.all([1, 2, 3, 4, 5].map((n) => product.change(server.id, { weight: n, capacity: 0 })));
    }
    const seen = await load(100, 500, () => request(product.port));
    figures("stderr not read", seen, { dropped: await product.metric("log_dropped_total") });
    expect(seen.why).toEqual({});
    expect(await product.degraded("log")).toBe(1);
    const checks = await product.metric("health_checks_total");
    await until(async () => (await product.metric("health_checks_total")) > checks);
  });

  test("the readers of both are gone (EPIPE): requests go on", async () => {
    const product = await start({ prelude: "exec > >(exec sleep 0.01)" });
    const areGone = async () => (await product.metric("access_log_dropped_total")) > 0;
    const seen = await loadUntil(areGone, 100, 800, () => request(product.port));
    figures("readers gone", seen, { dropped: await product.metric("access_log_dropped_total") });
    expect(seen.why).toEqual({});
    expect((await product.status()).workers.map(({ restarts }) => restarts)).toEqual([0, 0]);
  });

  test("descriptors run short: further clients are refused, those inside are served, the CPU stays idle", async () => {
    const product = await start({ prelude: "ulimit -n 128" }, { IDLE_TIMEOUT_MS: "60000" });
    const workers = (await product.status()).workers.map(({ pid }) => pid);
    const sockets: Socket[] = [];
    const answers: string[] = [];
    const come = (): void => {
      const socket = connect({ host: "127.0.0.1", port: product.port });
      socket.on("error", () => {});
      socket.on("data", (data) => answers.push(data.toString("latin1").slice(0, 12)));
      sockets.push(socket);
    };
    for (let i = 0; i < 300; i++) come();
    // The mode lasts for half a second after the last who was refused.
    await until(async () => {
      come();
      return (await product.degraded("descriptors")) === 1 && product.said("file descriptors are short") !== undefined;
    });
    const stay = () => sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
    await until(async () => (await product.metric("connections_open ")) === stay());
    const inside = stay();
    expect(inside).toBeGreaterThan(5);
    expect(inside).toBeLessThan(128);
    const ticks = workers.map(cpuTicksOf);
    await Bun.sleep(1000);
    const used = workers.map((pid, i) => cpuTicksOf(pid) - ticks[i]);
    // All that are inside ask at once: each needs a second descriptor, for the server.
    const refused = answers.length;
    for (const socket of sockets) if (!socket.destroyed) socket.write("GET / HTTP/1.1\r\nHost: drill\r\n\r\n");
    await until(() => answers.slice(refused).filter((text) => text === "HTTP/1.1 200").length >= inside);
    expect(answers.slice(0, refused).every((text) => text === "HTTP/1.1 503")).toBe(true);
    expect((await product.status()).workers.map(({ pid }) => pid)).toEqual(workers);
    expect((await product.servers())[0].failures).toBe(0);
    for (const ticksUsed of used) expect(ticksUsed).toBeLessThan(50); // of 100: an accept that spins takes all
    for (const socket of sockets) socket.destroy();
    await until(async () => isGood(await request(product.port)));
    await until(async () => (await product.degraded("descriptors")) === 0);
    expect(product.count("file descriptors are short")).toBe(1);
    figures("descriptors", { ...(await load(50, 300, () => request(product.port))) }, { inside, refused, ticks: used });
  });

  test("a limit of descriptors that leaves no room for clients stops the start with a sentence", async () => {
    const product = new Product({ SERVERS: "http://127.0.0.1:9" }, { prelude: "ulimit -n 40" });
    open.push(product);
    expect(await product.process.exited).toBe(1);
    await until(() => product.stderr.includes("open files are allowed (ulimit -n)"));
  });

  test.skipIf(!canMount)("no room for shared memory at the start: a sentence and exit 1, no crash", async () => {
    const command = ["unshare", "-m", "bash", "-c", `${smallSharedMemory(64)} && exec "$@"`, "drill"];
    const launcher = join(import.meta.dir, "../../../bin/neurabalancer");
    const product = new Product({ SERVERS: "http://127.0.0.1:9" }, { command: [...command, launcher, "serve"] });
    open.push(product);
    expect(await product.process.exited).toBe(1);
    await until(() => product.said("no room for shared memory in /dev/shm") !== undefined);
  });

  test.skipIf(!canMount)("shared memory that fills up later: no process dies; what is new waits for room", async () => {
    const servers = await startScripted(...Array.from({ length: 20 }, () => answer));
    const command = ["unshare", "-m", "bash", "-c", `${smallSharedMemory(3400)} && exec "$@"`, "drill"];
    const launcher = join(import.meta.dir, "../../../bin/neurabalancer");
    const product = await new Product(
      { SERVERS: serversOn(...servers.slice(0, 4)) },
      { command: [...command, launcher, "serve"] },
    ).ready();
    open.push(product, ...servers);
    const shell = (script: string) =>
      spawnSync(["nsenter", "-t", String(product.process.pid), "-m", "bash", "-c", script]).exitCode;
    shell("head -c 4000000 /dev/zero >/dev/shm/filler");
    const pids = (await product.status()).workers.map(({ pid }) => pid);
    await product.reload({ SERVERS: serversOn(...servers), WORKERS: "3" });
    await until(async () => (await product.degraded("memory")) === 1);
    const seen = await load(120, 1000, () => request(product.port));
    expect(seen.why).toEqual({});
    expect((await product.servers()).length).toBe(16);
    await until(() => product.said("no room in the shared memory"));
    expect(product.count("no room in the shared memory")).toBe(1);
    // A worker that starts again finds the room of the one before it.
    process.kill(pids[0], "SIGKILL");
    await until(async () =>
      (await product.status()).workers.every(({ pid, state }) => pid !== pids[0] && state === "ready"),
    );
    const again = await load(120, 500, () => request(product.port));
    figures("shared memory full", again);
    expect(again.why).toEqual({});
    expect((await product.status()).workers.length).toBe(2);
    shell("rm /dev/shm/filler");
    await until(async () => (await product.servers()).length === 20 && (await product.status()).workers.length === 3);
    await until(async () => (await product.degraded("memory")) === 0);
  });
});
