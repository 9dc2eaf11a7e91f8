/** What operators change of servers, at the product: every verb, two at a time, under load, and with every strategy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../../../../src/balancing/registry.ts";
import type { ServerStatus } from "../../../../../src/control/fleet/status.ts";
import { until } from "../../../../support/until.ts";
import { Product } from "../../supervisor/product.ts";

let healthy = true;
/** A server that says who it is; `a` can be made ill. */
const backend = (name: string) =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const isIll = name === "a" && !healthy && url.endsWith("/health");
      return new Response(name, { status: isIll ? 503 : 200 });
    },
  });
const backends = { a: backend("a"), b: backend("b"), c: backend("c"), d: backend("d") };
const urlOf = (name: keyof typeof backends) => `http://127.0.0.1:${backends[name].port}`;

const product = new Product({
  SERVERS: ["a", "b", "c"].map((name) => urlOf(name as "a")).join(","),
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  LB_STRATEGY: "round_robin",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.1",
  SLOW_START_SECONDS: "0",
  SHUTDOWN_TIMEOUT_SECONDS: "5",
});

beforeAll(() => product.ready());
afterAll(async () => {
  await product.kill();
  await Promise.all(Object.values(backends).map((server) => server.stop(true)));
});

const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  product.admin(path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
const list = async () => (await (await product.admin("/api/v1/servers")).json()) as ServerStatus[];
const find = async (name: keyof typeof backends) => (await list()).find(({ url }) => url === urlOf(name));
const pathOf = async (name: keyof typeof backends) => `/api/v1/servers/${(await find(name))!.id}`;
const patch = async (name: keyof typeof backends, body: object, headers?: Record<string, string>) =>
  send("PATCH", await pathOf(name), body, headers);
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

/** Requests all the while; what was answered otherwise than with 200 is told. */
async function underLoad(work: () => Promise<void>): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      const response = await product.get("/");
      const name = response.status === 200 ? await response.text() : `failed ${response.status}`;
      seen[name] = (seen[name] ?? 0) + 1;
    }
  };
  const clients = [client(), client(), client(), client()];
  try {
    await work();
  } finally {
    stopped = true;
    await Promise.all(clients);
  }
  return seen;
}

const failed = (seen: Record<string, number>) => Object.keys(seen).filter((name) => name.startsWith("failed"));

describe("a server", () => {
  test("has its weight and capacity changed, and taken back", async () => {
    const changed = await patch("a", { weight: 3, capacity: 10, reason: "a larger machine" });
    expect([changed.status, await changed.json()]).toMatchObject([
      200,
      { weight: 3, hard_limit: 10, weight_origin: "admin API", configured_weight: 1, warnings: [] },
    ]);
    expect(await find("a")).toMatchObject({ weight: 3, hard_limit: 10 });
    expect(await (await patch("a", { weight: null, capacity: null })).json()).toMatchObject({
      weight: 1,
      hard_limit: 0,
      weight_origin: "configuration",
    });
  });

  test("is changed once by two who looked at the same state", async () => {
    const path = await pathOf("a");
    const etag = (await product.admin(path)).headers.get("etag")!;
    const both = [2, 3].map((weight) => send("PATCH", path, { weight }, { "if-match": etag }));
    const responses = await Promise.all(both);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 412]);
    const [won, lost] = responses.toSorted((one, other) => one.status - other.status);
    expect(await codeOf(lost)).toBe("changed_meanwhile");
    expect(lost.headers.get("etag")).toBe(won.headers.get("etag"));
    const { weight } = (await won.json()) as ServerStatus;
    expect((await find("a"))!.weight).toBe(weight);
    const list = `"nonsense", W/${won.headers.get("etag")}`;
    expect((await send("PATCH", path, { weight: null }, { "if-match": list })).status).toBe(200);
    expect((await product.admin(path)).headers.get("etag")).toBe(etag);
  });

  test("stays as it is when the change is only tried", async () => {
    const path = await pathOf("b");
    const tried = await send("PATCH", `${path}?dry_run=true`, { weight: 5, reason: "?" });
    expect([tried.status, await tried.json()]).toMatchObject([
      200,
      { dry_run: true, action: "server.change", before: { weight: 1 }, after: { weight: 5 }, warnings: [] },
    ]);
    expect((await find("b"))!.weight).toBe(1);
  });

  test("in maintenance takes nothing, is checked, counts as no failure, and says why to operators alone", async () => {
    const taken = await patch("a", { state: "maintenance", duration: "1h", reason: "new disks" });
    expect(taken.status).toBe(200);
    const { maintenance, state, state_reason: why } = (await taken.json()) as ServerStatus;
    expect([state, maintenance!.reason]).toEqual(["maintenance", "new disks"]);
    expect(Math.round((Date.parse(maintenance!.until!) - Date.parse(maintenance!.since)) / 60_000)).toBe(60);
    expect(why).toStartWith("in maintenance until ");
    expect(Object.keys(await product.names(30)).sort()).toEqual(["b", "c"]);
    const shownToAll = (await (await product.get("/api/v1/servers")).json()) as ServerStatus[];
    expect(shownToAll.find(({ url }) => url === urlOf("a"))).toMatchObject({
      state: "maintenance",
      reason: "in maintenance",
      maintenance: null,
    });
    healthy = false;
    const { failure } = (await find("a"))!.health_checks;
    await until(async () => (await find("a"))!.health_checks.failure.status >= (failure.status ?? 0) + 4);
    expect((await find("a"))!.state).toBe("maintenance");
    expect(await product.metric(/^neurabalancer_server_state\{.*state="down"/)).toBe(0);
    expect(await product.metric(/^neurabalancer_server_state\{.*state="maintenance"/)).toBe(1);
    expect(await product.metric(/^neurabalancer_degraded\{mode="(panic|no_servers)"/)).toBe(0);
    healthy = true;
    await until(async () => (await patch("a", { state: "active" })).status === 200);
    await until(async () => (await find("a"))!.state === "up");
  });

  test("comes back by itself when the time is over", async () => {
    expect((await patch("b", { state: "drain", duration: "1s" })).status).toBe(200);
    await until(async () => (await find("b"))!.state === "up");
    expect((await find("b"))!.maintenance).toBeNull();
  });

  test("that is the last one is taken out with a warning", async () => {
    for (const name of ["a", "b"] as const) await patch(name, { state: "drain" });
    const tried = await send("PATCH", `${await pathOf("c")}?dry_run=true`, { state: "drain" });
    expect(await tried.json()).toMatchObject({
      warnings: [expect.stringContaining("the last server of pool default")],
    });
    for (const name of ["a", "b"] as const) await patch(name, { state: "active" });
  });

  test("is not changed from the public port", async () => {
    const body = { method: "PATCH", headers: { "content-type": "application/json" }, body: '{"weight":9}' };
    const address = `http://127.0.0.1:${product.port}/api/v1/servers`;
    await fetch(address, { ...body, method: "POST", body: `{"url":"${urlOf("d")}"}` });
    await fetch(`${address}/${(await find("a"))!.id}`, body);
    expect([(await find("a"))!.weight, await find("d")]).toEqual([1, undefined]);
  });
});

describe("under load", () => {
  test("a drain fails no request, whatever the strategy", async () => {
    for (const strategy of STRATEGY_NAMES) {
      const switched = await send("PATCH", "/api/v1/pools/default", { strategy, reason: "every one" });
      expect([strategy, switched.status]).toEqual([strategy, 200]);
      const seen = await underLoad(async () => {
        expect((await patch("a", { state: "drain" })).status).toBe(200);
        await until(async () => (await find("a"))!.active_connections === 0);
        const after = await product.names(20);
        expect({ strategy, seen: after }).toEqual({
          strategy,
          seen: expect.not.objectContaining({ a: expect.anything() }),
        });
        expect((await patch("a", { state: "active" })).status).toBe(200);
      });
      expect([strategy, failed(seen)]).toEqual([strategy, []]);
    }
    expect(await (await send("PATCH", "/api/v1/pools/default", { strategy: null })).json()).toMatchObject({
      strategy: "round_robin",
    });
  }, 120_000);

  test("servers come and go without a failed request", async () => {
    const seen = await underLoad(async () => {
      const added = await send("POST", "/api/v1/servers", { url: urlOf("d"), weight: 2, reason: "more" });
      expect(added.status).toBe(201);
      const { servers } = (await added.json()) as { servers: ServerStatus[] };
      expect(added.headers.get("location")).toBe(`/api/v1/servers/${servers[0].id}`);
      expect(servers).toMatchObject([{ url: urlOf("d"), weight: 2 }]);
      await until(async () => ((await product.names(20)).d ?? 0) > 0);
      expect(await codeOf(await send("POST", "/api/v1/servers", { url: urlOf("d") }))).toBe("duplicate_server");
      const removed = await send("DELETE", `/api/v1/servers/${servers[0].id}?reason=enough`);
      expect([removed.status, await removed.json()]).toMatchObject([200, { removed: true, state: "draining" }]);
      await until(async () => (await find("d")) === undefined);
    });
    expect(failed(seen)).toEqual([]);
    expect(seen.d).toBeGreaterThan(0);
  });
});
