/** What running instances answer, held to the schemas that describe it: every operation, with traffic, learning, history and failures. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { problemSchema } from "../../../../src/control/admin/openapi/document.ts";
import { type AnyOperation, operationOf, patternOf } from "../../../../src/control/admin/routes/route.ts";
import { type AdminControl, adminRoutes } from "../../../../src/control/admin/routes/routes.ts";
import { DEMO_SOCKET, type DemoState } from "../../../../src/shared/live/demo.ts";
import { ProductProcess } from "../../../support/product-process.ts";
import { until } from "../../../support/until.ts";
import { quietLog } from "../../../unit/control/fleet/fixtures.ts";

setDefaultTimeout(180_000);
const routes = adminRoutes({} as AdminControl, quietLog());
const directory = mkdtempSync(join(tmpdir(), "nb-answers-"));

let isBroken = false;
const backend = () =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => new Response("ok", { status: isBroken || url.includes("/broken") ? 500 : 200 }),
  });
const backends = [backend(), backend(), backend()];
const urls = backends.map(({ port }) => `http://127.0.0.1:${port}`);

const demo = Bun.serve({
  unix: join(directory, "demo.sock"),
  fetch: () => {
    const servers = [{ name: "fast", url: urls[0], condition: "well" as const }];
    return Response.json({ rate: 100, rates: [100, 400], servers } satisfies DemoState);
  },
});

const COMMON = {
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  HISTORY: "on",
  LEARNING_SAMPLES: "on",
  HEALTH_CHECK_INTERVAL_SECONDS: "1",
  OUTLIER_EJECTION: "off",
};
/** One pool that `ml` balances, as `SERVERS` makes it. */
const single = new ProductProcess(
  { ...COMMON, SERVERS: urls.slice(0, 2).join(","), LB_STRATEGY: "ml" },
  { prelude: `export ${DEMO_SOCKET}=${directory}/demo.sock` },
);
/** Pools and routes of every kind. */
const several = new ProductProcess({ ...COMMON, CONFIG_FILE: "neurabalancer.yaml" });
writeFileSync(
  join(several.directory, "neurabalancer.yaml"),
  `pools:
  shop: {servers: ["${urls[0]}", "${urls[1]}"], balancing: {strategy: ml}}
  next: {servers: ["${urls[1]}"], balancing: {strategy: ml}}
  plain: {servers: ["${urls[2]}"], balancing: {strategy: round_robin}}
routes:
  - {name: moved, path: /moved, redirect: {status: 308, host: other.test, path: /there}}
  - {name: fixed, path: /fixed, respond: {status: 410, body: gone}}
  - {name: split, path: /split, split: [{pool: shop, weight: 3}, {pool: next, weight: 1}], mirror: {pool: plain, percent: 10}}
  - {name: asked, path: /asked, pool: plain, forward_auth: {pool: next, path: /who}, rewrite: {prefix: /}}
  - {name: rest, pool: shop}
rate_limits:
  clients: {rate: 2/h, key: client_ip, routes: [fixed]}
  uploads: {concurrent: 100, key: [client_ip, route]}
`,
);
const products = { single, several };

beforeAll(async () => {
  for (const product of Object.values(products)) {
    await product.started();
    await until(async () => (await product.admin("/health/ready")).status === 200);
  }
}, 240_000);
afterAll(async () => {
  await Promise.all(Object.values(products).map((product) => product.end()));
  await Promise.all([...backends, demo].map((server) => server.stop(true)));
  rmSync(directory, { recursive: true, force: true });
});

/** The operations that were asked, and answered as they say. */
const answered = new Set<string>();

/** Asks, and holds the answer to what the operation says. @returns it. */
async function ask(product: ProductProcess, method: string, target: string, body?: unknown): Promise<unknown> {
  const path = target.replace(/\?.*/s, "");
  const route = routes.find((one) => patternOf(one).test(path));
  const operation = route && operationOf(route, method);
  if (route === undefined || operation === undefined) throw new Error(`no operation is ${method} ${path}`);
  const sent = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await product.admin(target, { method, ...(body === undefined ? {} : sent) });
  const answer = await response.json();
  const schema = response.ok ? operation.response : (operation.others?.[response.status] ?? problemSchema);
  const problems = schema?.safeParse(answer).error?.issues ?? [];
  expect({ method, target, problems, answer }).toEqual({ method, target, problems: [], answer: expect.anything() });
  const isProblem = !response.ok && operation.others?.[response.status] === undefined;
  const media = isProblem ? "application/problem+json; charset=utf-8" : "application/json; charset=utf-8";
  expect([target, response.headers.get("content-type")]).toEqual([target, media]);
  if (response.ok) answered.add(nameOf(method, route.path));
  return answer;
}

const nameOf = (method: string, path: string) => `${method} ${path}`;
const isJson = ({ media = "application/json" }: AnyOperation) => media === "application/json";

/** Some of each: answered, failed, refused, and those that a route answers itself. */
async function traffic(product: ProductProcess): Promise<void> {
  const paths = ["/", "/broken", "/split", "/asked", "/moved", "/fixed", "/x%00", "/a?b=c"];
  for (let i = 0; i < 10; i++) {
    for (const path of paths) {
      const response = await fetch(`http://127.0.0.1:${product.port}${path}`, { redirect: "manual" });
      await response.arrayBuffer();
    }
  }
}

describe.each(Object.entries(products))("an instance with %s", (name, product) => {
  const get = <T>(target: string) => ask(product, "GET", target) as Promise<T>;

  test("says what happens as it is described", async () => {
    await traffic(product);
    for (const path of ["/health/live", "/health/ready", "/api/v1/servers", "/api/v1/pools", "/api/v1/routes"]) {
      await get(path);
    }
    const [{ id }] = await get<{ id: number }[]>("/api/v1/servers");
    await get(`/api/v1/servers/${id}`);
    for (const pool of (await get<{ pools: { name: string }[] }>("/api/v1/pools")).pools) {
      await get(`/api/v1/pools/${pool.name}`);
    }
    for (const route of (await get<{ routes: { name: string }[] }>("/api/v1/routes")).routes) {
      await get(`/api/v1/routes/${encodeURIComponent(route.name)}`);
    }
    for (const path of ["settings", "status", "certificates", "timeline", "live/recent", "live/recent?servers=all"]) {
      await get(`/api/v1/${path}`);
    }
    await get("/api/v1/openapi.json");
  });

  test("explains requests as it is described", async () => {
    const list = () => get<{ requests: { request_id: string }[] }>("/api/v1/requests?limit=40");
    const { requests } = await until(async () => {
      const said = await list();
      return said.requests.length > 20 ? said : null;
    });
    for (const { request_id } of requests) await get(`/api/v1/explain/${encodeURIComponent(request_id)}`);
    for (const reason of ["failed", "slow"]) await get(`/api/v1/requests?reason=${reason}`);
    const { errors } = await get<{ errors: unknown[] }>("/api/v1/errors");
    expect(errors.length).toBeGreaterThan(0);
    await get("/api/v1/explain/nobody-asked-this");
  });

  test("says what it learns as it is described", async () => {
    type Said = { rung?: string; models?: unknown; pools?: Record<string, { models?: unknown; servers?: unknown }> };
    await until(async () => {
      const said = await get<Said & { servers?: unknown }>("/api/v1/ml");
      const pools = said.pools === undefined ? [said] : Object.values(said.pools);
      return pools.every(({ models, servers }) => models && servers);
    });
    await get("/api/v1/status");
    if (name === "several") await get("/api/v1/ml?pool=shop");
    const pool = name === "several" ? "?pool=shop" : "";
    for (const order of ["pause", "resume", "rollback"]) await ask(product, "POST", `/api/v1/ml/${order}${pool}`, {});
    await until(async () => (await get<{ models: unknown[] }>(`/api/v1/ml/models${pool}`)).models.length > 0);
    await get("/api/v1/ml/models");
    await get("/api/v1/ml/verdicts");
    const { pools } = await get<{ pools: unknown[] }>("/api/v1/classes");
    expect(pools.length).toBeGreaterThan(0);
    await get(`/api/v1/classes${pool}`);
    await get("/api/v1/classes?pool=nobody");
  });

  test("answers questions about history as it is described", async () => {
    await until(async () => (await get<{ total: { requests: number } }>("/api/v1/stats")).total.requests > 0);
    for (const query of ["?by=minute", "?by=hour&group=pool,server,address,route,status", "?since=1d&group=none"]) {
      await get(`/api/v1/stats${query}`);
    }
    await until(async () => (await get<{ requests: unknown[] }>("/api/v1/stats/requests")).requests.length > 0);
    await get("/api/v1/stats/requests?order=slowest&reason=failed");
    for (const path of ["events", "stats/servers", "stats/incident", "stats/incident?since=1m"]) {
      await get(`/api/v1/${path}`);
    }
    await get("/api/v1/stats?since=never");
    await get(`/api/v1/expectations?pool=${name === "several" ? "shop" : "default"}`);
    await get("/api/v1/expectations?pool=nobody");
  });

  test("answers changes as it is described, whether they are made or tried", async () => {
    const [{ id }, other] = await get<{ id: number; pool: string }[]>("/api/v1/servers");
    const pool = (await get<{ pools: { name: string }[] }>("/api/v1/pools")).pools[0].name;
    for (const query of ["?dry_run=true", ""]) {
      await ask(product, "PATCH", `/api/v1/servers/${id}${query}`, { weight: 2, reason: "try" });
      await ask(product, "PATCH", `/api/v1/servers/${id}${query}`, {
        state: "maintenance",
        duration: "1h",
        reason: "x",
      });
      await ask(product, "POST", `/api/v1/servers${query}`, { url: "http://127.0.0.1:9", pool });
      await ask(product, "PATCH", `/api/v1/pools/${pool}${query}`, { options: { RETRY_BUDGET_PERCENT: 30 } });
      await ask(product, "PATCH", `/api/v1/settings${query}`, { LOG_LEVEL: "debug" });
    }
    await get("/api/v1/servers");
    await get(`/api/v1/servers/${id}`);
    await ask(product, "PATCH", `/api/v1/servers/${id}`, { weight: 2 });
    if (name === "several") {
      await ask(product, "PATCH", "/api/v1/routes/split?dry_run=true", { split: { shop: 1, next: 1 } });
      await ask(product, "PATCH", "/api/v1/routes/split", { split: { shop: 1, next: 1 } });
      await get("/api/v1/cluster");
      await get("/api/v1/limits");
      await ask(product, "PATCH", "/api/v1/limits/clients?dry_run=true", { rate: "3/h" });
      await ask(product, "PATCH", "/api/v1/limits/clients", { mode: "dry_run", burst: 5 });
      await ask(product, "PATCH", "/api/v1/limits/nobody", { mode: "off" });
      const limit = await get<{ mode: string; burst: number; configured: object; refused: number }>(
        "/api/v1/limits/clients",
      );
      expect(limit).toMatchObject({ mode: "dry_run", burst: 5, configured: { mode: "enforce", burst: 2 } });
      expect(limit.refused).toBeGreaterThan(0);
      const canary = "/api/v1/routes/rest/canary";
      for (const end of ["promote", "rollback"]) {
        await ask(product, "POST", `${canary}?dry_run=true`, { pool: "plain" });
        await ask(product, "POST", canary, { pool: "plain", percent: 50 });
        await traffic(product);
        await get(canary);
        await get("/api/v1/canaries");
        await ask(product, "PATCH", canary, { auto: false });
        await ask(product, "POST", `${canary}/${end}?dry_run=true`, {});
        await ask(product, "POST", `${canary}/${end}`, { reason: "enough" });
        await get("/api/v1/canaries");
        await ask(product, "PATCH", "/api/v1/routes/rest", { split: null });
      }
      await ask(product, "DELETE", canary);
      await ask(product, "DELETE", canary);
    }
    await ask(product, "DELETE", `/api/v1/servers/${other.id}?dry_run=true`);
    await ask(product, "DELETE", `/api/v1/servers/${other.id}?reason=gone`);
    const { overrides } = await get<{ overrides: { id: string }[] }>("/api/v1/overrides");
    expect(overrides.length).toBeGreaterThan(4);
    await get(`/api/v1/overrides/${overrides[0].id}`);
    await ask(product, "DELETE", `/api/v1/overrides/${overrides[0].id}`);
    await ask(product, "DELETE", "/api/v1/overrides?dry_run=true");
    await ask(product, "DELETE", "/api/v1/overrides");
    expect((await get<{ entries: unknown[] }>("/api/v1/audit")).entries.length).toBeGreaterThan(6);
    await ask(product, "POST", "/api/v1/config/validate", { env: "NOBODY_KNOWS_THIS=1\n" });
    await ask(product, "POST", "/api/v1/config/reload", {});
  });

  test("refuses as it is described", async () => {
    await ask(product, "PATCH", "/api/v1/servers/4294967", { weight: 2 });
    await ask(product, "PATCH", "/api/v1/settings", { NOBODY: 1, LOG_LEVEL: "loud" });
    await ask(product, "POST", "/api/v1/servers", { url: "" });
    await ask(product, "DELETE", "/api/v1/overrides/00");
    await ask(product, "POST", "/api/v1/certificates/nobody.test/renew", {});
    await ask(product, "POST", "/api/v1/ml/promote?pool=nobody", { version: 7 });
    await ask(product, "GET", "/api/v1/demo");
  });
});

test("canaries are told of as it is described, from their first step to their end", async () => {
  const canary = "/api/v1/routes/rest/canary";
  for (const end of ["rollback", "promote"]) {
    for (const query of ["?dry_run=true", ""]) {
      await ask(several, "POST", `${canary}${query}`, { pool: "next", steps: [5, 50], auto: false });
    }
    await ask(several, "GET", "/api/v1/canaries");
    await ask(several, "GET", canary);
    await ask(several, "PATCH", canary, { percent: 10 });
    await ask(several, "POST", `${canary}/${end}?dry_run=true`, {});
    await ask(several, "POST", `${canary}/${end}`, {});
    await ask(several, "DELETE", canary);
  }
});

test("one that the demo has started passes on what that says", async () => {
  await ask(single, "GET", "/api/v1/demo");
  await ask(single, "POST", "/api/v1/demo", { rate: 400 });
});

test("without a healthy server it is not ready, and says so as it is described", async () => {
  isBroken = true;
  const notReady = async () => (await single.admin("/health/ready")).status === 503;
  await until(notReady);
  expect(await ask(single, "GET", "/health/ready")).toMatchObject({ status: "not_ready", healthy: 0 });
});

test("every operation that answers in JSON was asked", () => {
  const all = routes.flatMap(({ path, methods }) =>
    Object.entries(methods).flatMap(([method, operation]) => (isJson(operation) ? [nameOf(method, path)] : [])),
  );
  // The tests of ACME have a CA that a certificate may be asked of.
  const elsewhere = ["POST /api/v1/certificates/<name>/renew"];
  expect(all.filter((name) => !answered.has(name))).toEqual(elsewhere);
});
