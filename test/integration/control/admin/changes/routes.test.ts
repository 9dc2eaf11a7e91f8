/** What operators change of routes and settings, at the product: shares, what is in force, and what the audit has of it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../../support/until.ts";
import { Product } from "../../supervisor/product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-splits-"));
const file = join(directory, "neurabalancer.yaml");
const backends = ["old", "new"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const [old, next] = backends.map(({ port }) => `http://127.0.0.1:${port}`);
writeFileSync(
  file,
  `pools:\n  old:\n    servers: [${old}]\n  next:\n    servers: [${next}]\nroutes:\n  - {name: all, path: /, pool: old}\n`,
);
const product = new Product({
  CONFIG_FILE: file,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
});
beforeAll(() => product.ready());
afterAll(async () => {
  await product.kill();
  await Promise.all(backends.map((server) => server.stop(true)));
  rmSync(directory, { recursive: true });
});

const patch = (path: string, body: object, headers: Record<string, string> = {}) =>
  product.admin(path, {
    method: "PATCH",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const ROUTE = "/api/v1/routes/all";

test("a route's requests are split, and as configured again; the time line and the audit have why", async () => {
  expect(Object.keys(await product.names(10))).toEqual(["old"]);
  const etag = (await product.admin(ROUTE)).headers.get("etag")!;
  const changed = await patch(ROUTE, { split: { old: 1, next: 1 }, reason: "a canary" }, { "if-match": etag });
  expect([changed.status, await changed.json()]).toMatchObject([
    200,
    { name: "all", action: { split: [{ pool: "old" }, { pool: "next" }] }, warnings: [] },
  ]);
  expect(Object.keys(await product.names(40)).sort()).toEqual(["new", "old"]);
  expect((await patch(ROUTE, { split: { old: 1 } }, { "if-match": etag })).status).toBe(412);
  expect((await patch(ROUTE, { split: { nobody: 1 } })).status).toBe(400);
  expect((await patch(ROUTE, { split: null })).headers.get("etag")).toBe(etag);
  expect(Object.keys(await product.names(10))).toEqual(["old"]);
  const { entries } = (await (await product.admin("/api/v1/audit")).json()) as { entries: Record<string, unknown>[] };
  expect(entries[1]).toMatchObject({
    actor: "local",
    client: "127.0.0.1",
    action: "route.split",
    before: { old: 1 },
    after: { old: 1, next: 1 },
    reason: "a canary",
    kept: true,
  });
});

test("a pool's strategy and options are its own, and what contradicts itself is refused", async () => {
  const changed = await patch("/api/v1/pools/next", {
    strategy: "consistent_hash",
    options: { HASH_BALANCE_FACTOR: 2, "timeouts.connect": "2s" },
  });
  expect(changed.status).toBe(200);
  const { strategy, options } = (await changed.json()) as { strategy: string; options: { name: string }[] };
  const shown = (name: string) => options.find((one) => one.name === name);
  expect(strategy).toBe("consistent_hash");
  expect(shown("HASH_BALANCE_FACTOR")).toMatchObject({ value: "2", configured: "1.25", changeable: true });
  expect(shown("CONNECT_TIMEOUT_MS")).toMatchObject({ value: "2000" });
  const pools = ((await (await product.admin("/api/v1/pools")).json()) as { pools: object[] }).pools;
  expect(pools).toMatchObject([
    { name: "old", strategy: "least_connections" },
    { name: "next", strategy: "consistent_hash" },
  ]);
  const refused = await patch("/api/v1/pools/next", {
    options: { OUTLIER_BASE_EJECTION_SECONDS: 600, OUTLIER_MAX_EJECTION_SECONDS: 1 },
  });
  expect([refused.status, await refused.json()]).toMatchObject([422, { code: "refused" }]);
});

test("settings of the instance are in force when the answer comes", async () => {
  expect((await patch("/api/v1/settings", { ACCESS_LOG_SAMPLE: 0 })).status).toBe(200);
  for (let i = 0; i < 10; i++) await product.get("/untold");
  const { settings } = (await (await product.admin("/api/v1/settings")).json()) as { settings: { name: string }[] };
  expect(settings.find(({ name }) => name === "ACCESS_LOG_SAMPLE")).toMatchObject({ value: "0", configured: "1" });
  expect((await patch("/api/v1/settings", { ACCESS_LOG_SAMPLE: null })).status).toBe(200);
  await product.get("/told");
  await until(() => product.accessLog.includes('"/told"'));
  expect(product.accessLog).not.toContain("/untold");
});
