/** The product with pools and routes of a file: what is told of them, and that they come and go under load. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, until } from "../../../support/until.ts";
import { Product } from "./product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-pools-"));
const file = join(directory, "neurabalancer.yaml");

/** A server that says who it is. */
function backend(name: string) {
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) });
}
const backends = { shop1: backend("shop1"), shop2: backend("shop2"), blog1: backend("blog1"), blog2: backend("blog2") };
const url = (name: keyof typeof backends) => `http://127.0.0.1:${backends[name].port}`;

/** A file with pools by name, and routes by what they match. */
function write(pools: Record<string, readonly (keyof typeof backends)[]>, routes: readonly string[]): void {
  const lines = ["pools:"];
  for (const [name, servers] of Object.entries(pools)) {
    lines.push(`  ${name}:`, "    servers:", ...servers.map((server) => `      - ${url(server)}`));
  }
  writeFileSync(file, [...lines, "routes:", ...routes.map((route) => `  - ${route}`), ""].join("\n"));
}

const SHOP = "{name: shop, host: shop.example, pool: shop}";
const BLOG = "{name: blog, host: blog.example, pool: blog}";
const SITES = { shop: ["shop1", "shop2"], blog: ["blog1"] } as const;

write(SITES, [SHOP, BLOG]);
const product = new Product({
  CONFIG_FILE: file,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  LB_STRATEGY: "round_robin",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  SLOW_START_SECONDS: "0",
  SHUTDOWN_TIMEOUT_SECONDS: "10",
});

beforeAll(() => product.ready());
afterAll(async () => {
  await product.kill();
  await Promise.all(Object.values(backends).map((server) => server.stop(true)));
  rmSync(directory, { recursive: true });
});

const ask = (host: string, path = "/", keepalive = false): Promise<Response> =>
  fetch(`http://127.0.0.1:${product.port}${path}`, { headers: { host }, keepalive });

const reloads = () => product.count("the new configuration is in force");

async function reload(): Promise<void> {
  const before = reloads();
  product.process.kill("SIGHUP");
  await until(() => reloads() > before || product.said("is rejected") !== undefined);
  expect(reloads()).toBe(before + 1);
}

interface Shown {
  readonly id: number;
  readonly pool: string;
  readonly url: string;
  readonly state: string;
  readonly requests: number;
}
const servers = async (): Promise<Shown[]> => (await (await product.admin("/api/v1/servers")).json()) as Shown[];

// The tests tell one story and run in this order.
describe("pools and routes of the file", () => {
  test("each site has its servers, and what is nobody's gets a 404", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) seen.add(await (await ask("shop.example")).text());
    expect([...seen].sort()).toEqual(["shop1", "shop2"]);
    expect(await (await ask("blog.example")).text()).toBe("blog1");
    const nobodys = await ask("other.example");
    expect([nobodys.status, (await nobodys.json()) as object]).toEqual([
      404,
      { error: expect.objectContaining({ code: "no_route" }) },
    ]);
  });

  test("both ports say what each pool has", async () => {
    const expected = {
      status: "ready",
      total: 3,
      healthy: 3,
      pools: { shop: { total: 2, healthy: 2 }, blog: { total: 1, healthy: 1 } },
    };
    await until(async () => ((await (await product.get("/health/ready")).json()) as typeof expected).healthy === 3);
    expect(await (await product.get("/health/ready")).json()).toEqual(expected);
    expect(await (await product.admin("/health/ready")).json()).toEqual(expected);
  });

  test("the API shows pools, routes, and whose each server is", async () => {
    const waiting = {
      queue: { waiting: 0, held: 0, oldest_ms: null },
      holding: {
        state: "off",
        why: "limits of servers are not learned (CONCURRENCY_LIMITS)",
        patience_ms: null,
        relaxation: null,
      },
    };
    const pool = { strategy: "round_robin", panic: false, in_use: true, ...waiting };
    const pools = [
      { name: "shop", total: 2, healthy: 2, up: 2, usable: 2, unused: 0, ...pool },
      { name: "blog", total: 1, healthy: 1, up: 1, usable: 1, unused: 0, ...pool },
    ];
    expect(await (await product.admin("/api/v1/pools")).json()).toEqual({ pools });
    expect(await (await product.admin("/api/v1/status")).json()).toMatchObject({ pools, degraded: [] });
    expect(await (await product.admin("/api/v1/routes")).json()).toMatchObject({
      routes: [
        { name: "shop", hosts: ["shop.example"], paths: [{ prefix: "/" }], action: { pool: "shop" } },
        { name: "blog", hosts: ["blog.example"], action: { pool: "blog" } },
      ],
    });
    expect((await servers()).map(({ pool: name, url: shown }) => [name, shown])).toEqual([
      ["shop", url("shop1")],
      ["shop", url("shop2")],
      ["blog", url("blog1")],
    ]);
  });

  test("metrics have the pool of each server and the route of each request", async () => {
    const path = (route: string, pool: string) =>
      new RegExp(`^neurabalancer_http_requests_total\\{[^}]*path="${route}"[^}]*pool="${pool}"`);
    // A worker may be interrupted between a response and its counting.
    await eventually(async () => expect(await product.metric(path("shop", "shop"))).toBe(20));
    await eventually(async () => expect(await product.metric(path("blog", "blog"))).toBe(1));
    await eventually(async () => expect(await product.metric(path("no_route", "none"))).toBe(1));
    expect(await product.metric(/^neurabalancer_server_up\{[^}]*pool="shop"/)).toBe(2);
  });

  test("they come, change and go while clients send, and no request fails", async () => {
    const before = new Map((await servers()).map(({ id, url: shown, requests }) => [shown, { id, requests }]));
    const wrong: string[] = [];
    let sent = 0;
    let sending = true;
    const send = async (host: string, path: string, keepalive: boolean, right: RegExp): Promise<void> => {
      while (sending) {
        sent++;
        try {
          const response = await ask(host, path, keepalive);
          const text = await response.text();
          if (response.status !== 200 || !right.test(text)) wrong.push(`${host}${path}: ${response.status} ${text}`);
        } catch (error) {
          wrong.push(`${host}${path}: ${(error as Error).message}`);
        }
      }
    };
    const clients = [true, false].flatMap((keepalive) => [
      send("shop.example", "/", keepalive, /^shop[12]$/),
      send("shop.example", "/api/x", keepalive, /^(shop[12]|blog[12])$/),
      send("blog.example", "/", keepalive, /^blog[12]$/),
    ]);
    const loaded = async (): Promise<void> => {
      await reload();
      const before = sent;
      await until(() => sent >= before + 10);
    };
    const api = "{name: api, host: shop.example, path: /api, pool: api}";
    for (let round = 0; round < 3; round++) {
      write({ ...SITES, api: ["blog2"] }, [SHOP, BLOG, api]); // a pool and a route come
      await loaded();
      write({ ...SITES, blog: ["blog2"], api: ["blog1"] }, [SHOP, BLOG, api]); // all servers of two pools are others
      await loaded();
      write({ shop: SITES.shop, weblog: ["blog2"] }, [SHOP, BLOG.replace("pool: blog", "pool: weblog")]); // a pool is another
      await loaded();
      write(SITES, [BLOG, SHOP]);
      await loaded();
    }
    sending = false;
    await Promise.all(clients);
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(sent).toBeGreaterThan(100);
    await eventually(async () => {
      const after = (await servers()).filter(({ state }) => state !== "draining");
      for (const { pool, url: shown, id, requests } of after.filter((server) => server.pool === "shop")) {
        expect([pool, id]).toEqual(["shop", before.get(shown)!.id]);
        expect(requests).toBeGreaterThan(before.get(shown)!.requests);
      }
    });
    await until(async () => (await servers()).length === 3);
    expect(product.said("pool weblog is gone")).toBeDefined();
  });

  test("of a file that is wrong nothing is taken over, and the rows of its new pools are free again", async () => {
    write({ ...SITES, other: ["blog2"] }, [SHOP, "{host: x.example, pool: nobody}"]);
    product.process.kill("SIGHUP");
    await until(() => product.said("the new configuration is rejected") !== undefined);
    expect(await (await ask("blog.example")).text()).toBe("blog1");
    expect((await servers()).map(({ pool }) => pool).sort()).toEqual(["blog", "shop", "shop"]);
    expect(await (await product.admin("/api/v1/status")).json()).toMatchObject({ degraded: ["configuration"] });
  });

  test("a pool that routes use and that has no healthy server is a degraded mode, and no other pool's business", async () => {
    const shop = (await servers()).filter(({ pool }) => pool === "shop");
    for (const { id } of shop) {
      const init = { method: "PATCH", body: '{"state":"drain"}', headers: { "content-type": "application/json" } };
      expect((await product.admin(`/api/v1/servers/${id}`, init)).status).toBe(200);
    }
    const status = (await (await product.admin("/api/v1/status")).json()) as { degraded: string[] };
    expect(status.degraded).toContain("no_servers");
    expect((await ask("shop.example")).status).toBe(503);
    expect((await ask("blog.example")).status).toBe(200);
    expect((await product.get("/health/ready")).status).toBe(200);
  });
});
