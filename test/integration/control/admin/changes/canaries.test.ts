/** Canaries at the product: what is refused and why, what is in force, and who has done what. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../../support/until.ts";
import { Product } from "../../supervisor/product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-canaries-"));
const file = join(directory, "neurabalancer.yaml");
const backends = ["old", "new"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const [old, next] = backends.map(({ port }) => `http://127.0.0.1:${port}`);

function configure(split = "[{pool: old, weight: 100}]"): void {
  const pools = `  old: {servers: [${old}]}\n  next: {servers: [${next}]}\n  empty: {servers: ["http://127.0.0.1:1"]}\n`;
  const routes = `  - {name: all, path: /, split: ${split}}\n  - {name: moved, path: /moved, redirect: {host: new.test}}\n`;
  writeFileSync(file, `pools:\n${pools}routes:\n${routes}`);
}

configure();
const product = new Product({
  CONFIG_FILE: file,
  DATA_DIR: join(directory, "data"),
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
});
beforeAll(async () => {
  await product.ready();
  await until(async () => (await upOf("empty")) === 0);
});
afterAll(async () => {
  await product.kill();
  await Promise.all(backends.map((server) => server.stop(true)));
  rmSync(directory, { recursive: true });
});

const ROUTE = "/api/v1/routes/all";
const CANARY = `${ROUTE}/canary`;

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await product.admin(path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()] as const;
}

async function upOf(pool: string): Promise<number> {
  const { pools } = (await (await product.admin("/api/v1/pools")).json()) as {
    pools: { name: string; up: number }[];
  };
  return pools.find(({ name }) => name === pool)!.up;
}

test("what cannot be tried is refused, with what would be right", async () => {
  expect(await send("GET", CANARY)).toMatchObject([404, { code: "no_canary" }]);
  expect(await send("POST", "/api/v1/routes/nowhere/canary", { pool: "next" })).toMatchObject([
    404,
    { code: "unknown_route" },
  ]);
  expect(await send("POST", "/api/v1/routes/moved/canary", { pool: "next" })).toMatchObject([
    409,
    { code: "no_split" },
  ]);
  expect(await send("POST", CANARY, { pool: "nobody" })).toMatchObject([400, { errors: [{ at: "pool" }] }]);
  expect(await send("POST", CANARY, { pool: "old" })).toMatchObject([409, { code: "pool_in_use" }]);
  expect(await send("POST", CANARY, { pool: "empty" })).toMatchObject([409, { code: "pool_unusable" }]);
  for (const [at, wrong] of [
    ["steps", { steps: [25, 5] }],
    ["steps.0", { steps: [0] }],
    ["steps", { steps: [100] }],
    ["percent", { percent: 100 }],
    ["percent", { percent: 60, steps: [5, 50] }],
    ["min_duration", { min_duration: "soon" }],
    ["max_duration", { min_duration: "5m", max_duration: "1m" }],
    ["min_requests", { min_requests: 0.5 }],
    ["tolerance", { tolerance: 2 }],
  ] as const) {
    expect(await send("POST", CANARY, { pool: "next", ...wrong })).toMatchObject([400, { errors: [{ at }] }]);
  }
  expect(await send("PATCH", CANARY, {})).toMatchObject([400, {}]);
  expect(await send("PATCH", CANARY, { auto: false })).toMatchObject([404, { code: "no_canary" }]);
  expect(await send("DELETE", CANARY)).toMatchObject([404, { code: "no_canary" }]);
});

test("it is tried, begun, changed and rolled back; the split is its own meanwhile", async () => {
  const trial = await send("POST", `${CANARY}?dry_run=true`, { pool: "next", percent: 50 });
  expect(trial).toMatchObject([
    200,
    { dry_run: true, action: "canary.start", before: { old: 100 }, after: { old: 1, next: 1 }, warnings: [] },
  ]);
  expect(await send("GET", "/api/v1/canaries")).toMatchObject([200, { canaries: [] }]);
  const begun = await send("POST", CANARY, { pool: "next", percent: 50, auto: false, reason: "release 7" });
  expect(begun).toMatchObject([
    201,
    {
      route: "all",
      pool: "next",
      state: "running",
      percent: 50,
      steps: [50, 100],
      next_step: 100,
      stable: { old: 100 },
      assignment: "request",
      began_by: "local",
      min_duration_ms: 120_000,
      max_duration_ms: 1_200_000,
      warnings: [],
    },
  ]);
  expect(Object.keys(await product.names(40)).sort()).toEqual(["new", "old"]);
  expect(await send("PATCH", ROUTE, { split: { old: 1 } })).toMatchObject([409, { code: "canary_running" }]);
  expect(await send("POST", CANARY, { pool: "next" })).toMatchObject([409, { code: "canary_running" }]);
  const etag = (await product.admin(CANARY)).headers.get("etag")!;
  expect(await send("PATCH", CANARY, { percent: 0.01 }, { "if-match": etag })).toMatchObject([200, { percent: 0.01 }]);
  expect(await send("PATCH", CANARY, { percent: 50 }, { "if-match": etag })).toMatchObject([412, {}]);
  const [, shown] = await send("GET", "/api/v1/canaries");
  expect(shown).toMatchObject({ canaries: [{ route: "all", percent: 0.01 }] });
  expect(await product.metric(/^neurabalancer_canary_share\{route="all",pool="next"\}/)).toBe(0.0001);
  expect(await send("POST", `${CANARY}/rollback`, { reason: "enough" })).toMatchObject([
    200,
    { state: "rolled_back", sentence: "rolled back by local: enough" },
  ]);
  expect(await product.names(20)).toEqual({ old: 20 });
  expect(await send("POST", `${CANARY}/promote`, {})).toMatchObject([404, { code: "no_canary" }]);
  expect(await send("DELETE", CANARY)).toMatchObject([200, { state: "rolled_back" }]);
  expect(await send("GET", CANARY)).toMatchObject([404, {}]);
  const [, audit] = await send("GET", "/api/v1/audit?limit=3");
  expect(audit).toMatchObject({
    entries: [
      { action: "canary.rollback", actor: "local", reason: "enough", after: { old: 1, next: 0 } },
      { action: "canary.change", before: { percent: 50 }, after: { percent: 0.01 } },
      { action: "canary.start", reason: "release 7", after: { old: 1, next: 1 } },
    ],
  });
});

test("promoted by hand, it is the split; a configuration that changes wins over one that is under way", async () => {
  await send("POST", CANARY, { pool: "next", steps: [10, 100] });
  expect(await send("POST", `${CANARY}/promote`, {})).toMatchObject([
    200,
    { state: "promoted", percent: 100, warnings: [] },
  ]);
  expect(await product.names(20)).toEqual({ new: 20 });
  expect(await send("PATCH", ROUTE, { split: null })).toMatchObject([200, {}]);
  await send("POST", CANARY, { pool: "next", percent: 10 });
  configure("[{pool: old, weight: 100}, {pool: empty, weight: 0}]");
  const [, read] = await send("POST", "/api/v1/config/reload");
  expect(JSON.stringify(read)).toContain("the canary of route all");
  await until(async () => ((await send("GET", CANARY))[1] as { state: string }).state === "ended");
  expect(await product.names(20)).toEqual({ old: 20 });
});

test("requests of one client count less where clients stay in their pool", async () => {
  configure("[{pool: old, weight: 100}], split_by: client_ip");
  await send("POST", "/api/v1/config/reload");
  const [status, begun] = await send("POST", CANARY, { pool: "next" });
  expect([status, begun]).toMatchObject([201, { assignment: "client" }]);
  expect((begun as { warnings: string[] }).warnings[0]).toContain("ten of their requests count as one");
  expect(await send("DELETE", `${CANARY}?reason=done`)).toMatchObject([200, { state: "rolled_back" }]);
});
