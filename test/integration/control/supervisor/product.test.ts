/** The whole product as a process: launcher, supervisor, two real workers, real servers behind them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { claimRuntimeDirectory } from "../../../../src/control/supervisor/runtime-directory.ts";
import { removeRuntimeDirectory } from "../../../../src/shared/memory/file.ts";
import { isAlive } from "../../../support/processes.ts";
import { eventually, until } from "../../../support/until.ts";
import { Product } from "./product.ts";

/** Inodes of the sockets that listen on `port` of 127.0.0.1; empty where the system does not tell. proc_net_tcp: state 0A = listen. */
function listeningSockets(port: number): string[] {
  if (!existsSync("/proc/net/tcp")) return [];
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return rows.flatMap((row) => (row[3] === "0A" && row[1] === `0100007F:${hex}` ? [row[9]] : [])).sort();
}

/** Until when `/slow` waits. */
let gate = Promise.withResolvers<void>();

/** A server that says who it is. */
function backend(name: string) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      if (request.url.endsWith("/slow")) await gate.promise;
      return new Response(name);
    },
  });
}

const first = backend("first");
const second = backend("second");
const settings = {
  SERVERS: `http://127.0.0.1:${first.port}`,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  LB_STRATEGY: "round_robin",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  SLOW_START_SECONDS: "0",
  SHUTDOWN_TIMEOUT_SECONDS: "100",
};
const product = new Product(settings);
const served = /^neurabalancer_http_requests_total\{[^}]*path="\/\*"[^}]*status="200"/;

/** A worker may be interrupted between a response and its counting. */
const expectServed = (count: number) => eventually(async () => expect(await product.metric(served)).toBe(count));

beforeAll(() => product.ready());
afterAll(async () => {
  gate.resolve();
  await product.kill();
  await Promise.all([first.stop(true), second.stop(true)]);
});

// The tests tell one story and run in this order.
describe("the product", () => {
  test("balances, and counts each request once over all workers", async () => {
    expect(await product.names(30)).toEqual({ first: 30 });
    await expectServed(30);
    expect(await product.metric(/^neurabalancer_http_request_duration_seconds_count/)).toBe(30);
    expect(await product.metric(/^neurabalancer_connections_accepted_total /)).toBeGreaterThanOrEqual(30);
    for (const name of ["supervisor", "worker-0", "worker-1"]) {
      const cpu = new RegExp(`^neurabalancer_process_cpu_seconds_total\\{process="${name}"`);
      await until(async () => (await product.metric(cpu)) > 0);
    }
    const servers = async () => (await (await product.get("/api/v1/servers")).json()) as { requests: number }[];
    const shown = { id: 1, alive: true, state: "up", capacity: 10, active_connections: 0, requests: 30 };
    await eventually(async () => expect(await servers()).toMatchObject([shown])); // the control loop reads ten times a second
    expect((await product.get("/api/v1/status")).status).toBe(200); // the server's own: the path is not reserved
    await until(() => product.accessLog.split("\n").filter((line) => line.includes('"path":"/"')).length >= 30);
  });

  test("SIGHUP adds a server; nothing that was counted is lost, no worker is replaced", async () => {
    const before = (await product.workers()).map((w) => w.pid);
    const sockets = listeningSockets(product.port);
    product.configure({ ...settings, SERVERS: `${settings.SERVERS},http://127.0.0.1:${second.port}` });
    product.process.kill("SIGHUP");
    await until(async () => (await product.names(4)).second > 0);
    let reloading = true;
    const traffic = (async () => {
      while (reloading) await product.names(1); // throws at the first request that fails
    })();
    for (let i = 0; i < 8; i++) {
      const done = () => product.lines.filter((line) => line.msg.includes("is in force")).length;
      const already = done();
      product.process.kill("SIGHUP");
      await until(() => done() > already);
    }
    reloading = false;
    await traffic;
    expect((await product.workers()).map((w) => w.pid)).toEqual(before);
    // A listener that is replaced resets the connections that wait in its queue.
    expect(listeningSockets(product.port)).toEqual(sockets);
    expect(sockets.length).toBe(existsSync("/proc/net/tcp") ? 2 : 0);
    expect(await product.metric(served)).toBeGreaterThanOrEqual(34);
  });

  test("an operator drains a server and takes it back", async () => {
    const change = (state: string) =>
      product.admin("/api/v1/servers/1", {
        method: "PATCH",
        body: JSON.stringify({ state }),
        headers: { "content-type": "application/json" },
      });
    expect(await (await change("drain")).json()).toMatchObject({ id: 1, state: "draining", alive: false });
    await until(async () => (await product.names(6)).first === undefined);
    expect(await product.names(10)).toEqual({ second: 10 });
    expect((await change("active")).status).toBe(200);
    await until(async () => (await product.names(6)).first > 0);
  });

  test("a killed worker is replaced; its requests in flight are given back, counters go on", async () => {
    const before = product.named + 1; // and the one for what is the server's own
    await expectServed(before);
    const workers = await product.workers();
    const slow = Array.from({ length: 6 }, () =>
      product
        .get("/slow")
        .then((r) => r.status)
        .catch(() => 0),
    );
    const inFlight = async () => product.metric(/^neurabalancer_server_active_connections/);
    await until(async () => (await inFlight()) === 6);
    process.kill(workers[0].pid, "SIGKILL");
    await until(async () => (await product.workers()).every((w) => w.state === "ready" && w.pid !== workers[0].pid));
    gate.resolve();
    const statuses = await Promise.all(slow);
    const lost = statuses.filter((status) => status !== 200).length;
    const after = await product.workers();
    expect([after[0].restarts, after[1].pid]).toEqual([1, workers[1].pid]);
    await until(async () => (await inFlight()) === 0);
    await expectServed(before + 6 - lost);
    expect(await product.metric(/^neurabalancer_worker_restarts_total\{reason="exit"\}/)).toBe(1);
    await product.names(10);
    await expectServed(before + 16 - lost);
  });

  test("SIGTERM: readiness fails, a request in flight finishes, exit 0, nothing is left", async () => {
    const runtime = claimRuntimeDirectory();
    const base = dirname(runtime.path);
    removeRuntimeDirectory(runtime.path);
    const own = () => readdirSync(base).filter((name) => name.startsWith(`neurabalancer-${product.process.pid}-`));
    expect(own().length).toBe(1);
    const workers = await product.workers();
    gate = Promise.withResolvers();
    const slow = product.get("/slow").then((response) => response.text());
    await until(async () => (await product.metric(/^neurabalancer_server_active_connections/)) === 1);
    product.process.kill("SIGTERM");
    await until(async () => (await product.admin("/health/ready")).status === 503);
    gate.resolve();
    expect(["first", "second"]).toContain(await slow);
    expect(await product.ended()).toBe(0);
    expect(own()).toEqual([]);
    for (const { pid } of workers) expect(isAlive(pid)).toBe(false);
    expect(product.lines.filter((line) => line.level === "error" && !line.msg.includes("worker died"))).toEqual([]);
  });
});
