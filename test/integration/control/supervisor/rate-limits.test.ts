/** Rate limits of the product with two workers: exact over both and over protocols, over deaths, reloads and changes of operators. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Http2Wire } from "../../../support/http2/wire.ts";
import { until } from "../../../support/until.ts";
import { neurabalancerBeside } from "../../cli/spawn.ts";
import { Product } from "./product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-limits-"));
const file = join(directory, "neurabalancer.yaml");
const held = new Set<() => void>();
const backend = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  fetch: ({ url }) => {
    if (!url.endsWith("/slow")) return new Response("ok");
    const { promise, resolve } = Promise.withResolvers<Response>();
    held.add(() => resolve(new Response("at last")));
    return promise;
  },
});

function write(rate: string, more = ""): void {
  writeFileSync(
    file,
    `pools:
  shop: {servers: ["http://127.0.0.1:${backend.port}"]}
routes:
  - {name: slow, path: /slow, pool: shop}
  - {name: rest, pool: shop}
rate_limits:
  users: {rate: ${rate}, key: 'header:x-user', routes: [rest]${more}}
  at-once: {concurrent: 3, routes: [slow]}
`,
  );
}

write("50/d");
const product = new Product({
  CONFIG_FILE: file,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_PATH: "/",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  SHUTDOWN_TIMEOUT_SECONDS: "5",
});

beforeAll(() => product.ready());
afterAll(async () => {
  for (const release of held) release();
  await product.kill();
  await backend.stop(true);
  rmSync(directory, { recursive: true });
});

interface Shown {
  readonly name: string;
  readonly mode: string;
  readonly allowed: number;
  readonly refused: number;
  readonly keys: number;
  readonly most_refused: readonly { readonly key: string; readonly refused: number; readonly last_at: string }[];
}

const shown = async (name: string): Promise<Shown> =>
  (await (await product.admin(`/api/v1/limits/${name}`)).json()) as Shown;

/** Over a connection of its own, so that both workers get some. */
async function statusOf(user: string, path = "/"): Promise<number> {
  const headers = { "x-user": user, connection: "close" };
  const response = await fetch(`http://127.0.0.1:${product.port}${path}`, { keepalive: false, headers });
  await response.arrayBuffer();
  return response.status;
}

async function statusOverHttp2(user: string): Promise<number> {
  const wire = await Http2Wire.connect(product.port);
  const { status } = await wire.ask({ fields: [["x-user", user]] });
  wire.wire.destroy();
  return status;
}

const allowedOf = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length;

/** Returns when all workers go by the file as it is now. */
async function reload(): Promise<void> {
  const wanted = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  expect((await product.admin("/api/v1/config/reload", wanted)).status).toBe(200);
}

/** A request that is under way until it is let go. */
async function begin(): Promise<Socket> {
  const socket = connect(product.port, "127.0.0.1");
  const before = held.size;
  socket.on("error", () => {});
  socket.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => held.size > before);
  return socket;
}

const limitFiles = (): string[] => {
  const place = readdirSync("/dev/shm").find((name) => name.startsWith(`neurabalancer-${product.process.pid}-`));
  return readdirSync(join("/dev/shm", place!)).filter((name) => name.startsWith("rate-limit-"));
};

// The tests tell one story and run in this order.
describe("rate limits of two workers", () => {
  test("let as many pass as they say, whichever worker and whichever protocol it is", async () => {
    const asked = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? statusOf("ann") : statusOverHttp2("ann")));
    const statuses = await Promise.all(asked);
    expect([allowedOf(statuses), statuses.filter((status) => status === 429).length]).toEqual([50, 10]);
    expect(await statusOf("bob")).toBe(200);
    expect(await product.metric(/rate_limit_requests_total\{limit="users",outcome="allowed"\}/)).toBe(51);
    expect(await product.metric(/rate_limit_requests_total\{limit="users",outcome="refused"\}/)).toBe(10);
    expect(await product.metric(/rate_limit_keys\{limit="users"\}/)).toBe(2);
    const { allowed, refused, keys, most_refused: most } = await shown("users");
    expect([allowed, refused, keys]).toEqual([51, 10, 2]);
    expect(most).toEqual([{ key: "x-user ann", refused: 10, last_at: expect.stringMatching(/^20\d\d-.*Z$/) }]);
    expect(Math.abs(Date.now() - Date.parse(most[0].last_at))).toBeLessThan(600_000);
  });

  test("what is counted outlives a reload and the death of a worker", async () => {
    write("50/d", ", exempt: [192.0.2.0/24]");
    await reload();
    const [{ pid }] = await product.workers();
    process.kill(pid, "SIGKILL");
    await until(async () =>
      (await product.workers()).every((worker) => worker.pid !== pid && worker.state === "ready"),
    );
    expect(await Promise.all(Array.from({ length: 8 }, () => statusOf("ann")))).toEqual(Array(8).fill(429));
    expect((await shown("users")).refused).toBe(18);
  });

  test("a dead worker's requests under way make room", async () => {
    const sockets = [await begin(), await begin(), await begin()];
    expect(await statusOf("ann", "/slow")).toBe(429);
    const killed = (await product.workers()).map(({ pid }) => pid);
    for (const pid of killed) process.kill(pid, "SIGKILL");
    await until(async () =>
      (await product.workers()).every(({ state, pid }) => state === "ready" && !killed.includes(pid)),
    );
    for (const socket of sockets) socket.destroy();
    const again = [await begin(), await begin(), await begin()];
    expect(await statusOf("ann", "/slow")).toBe(429);
    for (const socket of again) socket.destroy();
    await until(async () => (await shown("at-once")).keys === 0);
  });

  test("another rate begins anew, and what it had before is still counted in the metrics", async () => {
    expect(limitFiles().length).toBe(2);
    write("20/d");
    await reload();
    const statuses = await Promise.all(Array.from({ length: 30 }, () => statusOf("ann")));
    expect(allowedOf(statuses)).toBe(20);
    await until(() => limitFiles().length === 2); // the old one's file is gone
    expect((await shown("users")).allowed).toBe(51 + 20);
  });

  test("an operator changes one, and has it as configured again", async () => {
    const admin = `http://127.0.0.1:${product.said("admin API listens")?.port}`;
    const run = (...args: string[]) => neurabalancerBeside(["limits", ...args, "--admin", admin], {}, dirname(file));
    expect((await run("list")).stdout).toMatch(/users +enforce +20\/d, 20 at once +header:x-user +71 +28 +/);
    const dry = await run("set", "users", "rate=30/d", "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining("rate 20/d → 30/d, burst 20 → 30")]);
    expect(dry.stderr).toContain("everybody begins anew");
    const off = await run("set", "users", "mode=off", "--reason", "an experiment");
    expect([off.code, off.stdout]).toEqual([0, "Done: rate limit users has mode=off.\n"]);
    expect(await statusOf("ann")).toBe(200);
    expect((await run("show", "users")).stdout).toMatch(/Mode +off[\s\S]+Configured +20\/d, 20 at once, enforce/);
    await run("set", "users", "mode=dry_run");
    expect(await statusOf("ann")).toBe(200);
    expect(await product.metric(/rate_limit_requests_total\{limit="users",outcome="would_refuse"\}/)).toBe(1);
    const wrong = await run("set", "users", "concurrent=3");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("it has a rate and a burst")]);
    expect((await run("show", "nobody")).stderr).toContain("there are users, at-once");
    expect((await run("reset", "users")).stdout).toBe("Done: rate limit users as configured.\n");
    expect(await statusOf("ann")).toBe(429);
    const { entries } = (await (await product.admin("/api/v1/audit")).json()) as { entries: { action: string }[] };
    expect(entries.filter(({ action }) => action === "rate_limit.change").length).toBe(3);
    const { overrides } = (await (await product.admin("/api/v1/overrides")).json()) as { overrides: unknown[] };
    expect(overrides).toEqual([]);
  });
});
