import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { routeToAll } from "../../../../src/config/routes/default-route.ts";
import { policyOf } from "../../../../src/control/admin/access/policy.ts";
import type { ShownCluster } from "../../../../src/control/admin/answers/cluster.ts";
import type { LearningOverview } from "../../../../src/control/admin/answers/learning.ts";
import type { ShownStatus } from "../../../../src/control/admin/answers/status.ts";
import { AdminApi } from "../../../../src/control/admin/api.ts";
import { listenForWorkers, listenOnAdminPort } from "../../../../src/control/admin/doors/listener.ts";
import { ApiError } from "../../../../src/control/admin/responses.ts";
import type { RenewalAnswer } from "../../../../src/control/admin/routes/certificates.ts";
import type { AdminControl } from "../../../../src/control/admin/routes/routes.ts";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import type { ServerStatus } from "../../../../src/control/fleet/status.ts";
import type { Explanation } from "../../../../src/shared/explanation/explanation.ts";
import type { ExplainMemoryStatus } from "../../../../src/shared/explanation/recent.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { publishReadiness, readReadiness } from "../../../../src/shared/memory/readiness.ts";
import { operationsOver } from "../../../unit/control/admin/changes/fixture.ts";
import { recordingLogger } from "../processes/fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-admin-"));
const TOKEN = "correct horse battery staple".replaceAll(" ", "-");

const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));

const ENDPOINT = {
  id: 1,
  slot: 0,
  pool: 0,
  url: "http://a:1",
  hostname: "a",
  address: "10.0.0.1",
  port: 1,
  tls: false,
  http2: false,
};
const SHOP = {
  name: "shop",
  total: 2,
  healthy: 1,
  up: 1,
  usable: 1,
  unused: 0,
  panic: false,
  in_use: true,
  queue: { waiting: 0, held: 0, oldest_ms: null },
  holding: {
    state: "off",
    why: "limits of servers are not learned (CONCURRENCY_LIMITS)",
    patience_ms: null,
    relaxation: null,
  },
} as const;
const noted: NotedEvent[] = [];

const MEMORY_STATUS: ExplainMemoryStatus = {
  enabled: true,
  usual_since: null,
  failed_since: null,
  usual_one_in: 1,
  slow_ms: null,
  bytes: 0,
  limit_bytes: 0,
  note: "",
};
const EXPLAINED: Explanation = {
  request_id: "",
  began_at: "2026-01-02T00:00:00.000Z",
  duration_ms: 1,
  waited_ms: 0,
  worker: 0,
  route: "/*",
  pool: "shop",
  method: "GET",
  path: "/",
  client: null,
  status: 200,
  failure: null,
  proxy_status: null,
  kept_as: "usual",
  server: null,
  server_id: null,
  strategy: "round_robin",
  choice: "turn",
  attempt_count: 0,
  stands_for: 1,
  summary: "",
  wait_reason: null,
  attempts: [],
  same_id: [],
  learner: null,
};

const CLUSTER: ShownCluster = {
  cluster: "default",
  id: "0123456789abcdef",
  redis: { state: "off", reason: null },
  shares: [],
  instances: 1,
  numbers_age_ms: null,
  rounds: null,
  majority_ejections: 0,
  training: [],
  members: [],
};

function makeControl() {
  const state = { weight: 1, capacity: 10, state: "up", healthy: 1, draining: false, prometheus: true, broken: false };
  const status = () =>
    ({
      id: 1,
      pool: "default",
      url: "http://a:1",
      alive: true,
      active_connections: 0,
      removed: false,
      hard_limit: state.capacity,
      configured_weight: 1,
      configured_capacity: 10,
      configured_hard_limit: 0,
      maintenance: state.state === "draining" ? { reason: "", since: "", until: null, by: "" } : null,
      ...state,
    }) as unknown as ServerStatus;
  const control: AdminControl = {
    fleet: {
      statuses: () => [status()],
      server: (id) => (id === 1 ? status() : undefined),
      endpoints: () => [ENDPOINT],
      pools: () => [],
    },
    classes: () => ({ pools: [], classes: [] }),
    cluster: async () => CLUSTER,
    operations: operationsOver({
      configured: ({ kind }) => ({ weight: 1, capacity: 10 })[kind as string] ?? "active",
      apply: (overrides) => {
        Object.assign(state, { weight: 1, capacity: 10, state: "up" });
        for (const { kind, value } of overrides) {
          if (kind === "state") state.state = value === "drain" ? "draining" : value;
          else Object.assign(state, { [kind]: value });
        }
      },
      events: { note: (event) => noted.push(event) },
      log,
    }),
    effective: () => [],
    listedPools: () => [],
    configuration: {
      reload: async () => ({ ok: false, problems: ["LB_STRATEGY=x: is no strategy"], warnings: [] }),
      validate: async ({ env }) => ({ ok: true, changes: [env ?? "nothing"], warnings: ["w"], ended: ["e"] }),
    },
    envContext: () => ({ onlyDefault: true, servers: [] }),
    readiness: () => {
      publishReadiness(memory, { total: 2, healthy: state.healthy }, state.healthy > 0);
      memory.header[Header.DRAINING] = state.draining ? 1 : 0;
      return readReadiness(memory, []);
    },
    *metrics() {
      yield;
      if (state.broken) throw new Error("secret detail");
      return Buffer.from("up 1\n");
    },
    prometheusEnabled: () => state.prometheus,
    pools: () => [SHOP],
    routes: () => [{ ...routeToAll("shop", { redirect: false, hstsMs: 0 }), number: 0, errorPages: [] }],
    rateLimits: () => [],
    shownRateLimits: () => [],
    canaries: {
      list: () => [],
      of: () => undefined,
      forget: () => {},
      operate: async (_, __, work) => work(),
      assignmentOf: () => "request",
    },
    status: () => ({ version: "1.2.3" }) as ShownStatus,
    demo: null,
    support: { make: async () => ({ name: "support.tar.gz", bytes: new Uint8Array([1]) }) },
    page: { get: async () => "later" },
    live: {
      full: false,
      watch: () => new Response("event: frame\n\n"),
      unwatched: () => new Response(null),
      *recent() {
        yield;
        return new Blob(["{}"]);
      },
      timeline: () => ({ events: [], last_id: "r-0", forgotten: 0 }),
    },
    learning: {
      overview: async () => ({ rung: "model" }) as LearningOverview,
      models: async (limit) => ({ models: [], limit }),
      verdicts: async (limit, model) => ({ verdicts: [], limit, model }),
      order: async (order, version) => {
        if (order === "rollback") throw new ApiError(409, "not_possible", "there is no champion before this one");
        return `${order} ${version}`;
      },
    },
    explain: {
      explain: async (id) => {
        if (id === "known/1") return { ...EXPLAINED, request_id: id };
        throw new ApiError(404, "unknown_request", `no worker remembers the request ${id}`);
      },
      requests: async () => ({ memory: MEMORY_STATUS, requests: [] }),
      errors: async () => ({ memory: MEMORY_STATUS, counted_since: null, counts: [], errors: [] }),
    },
    certificates: {
      list: () => [{ name: "a.test", expires_at: null, source: "acme", acme: null }],
      renew: (name): RenewalAnswer => {
        if (name === "early.test") return { kind: "early", waitSeconds: 7 };
        return { kind: name === "a.test" ? "taken" : name === "busy.test" ? "busy" : "unknown" };
      },
    },
    history: { ask: async (subject) => Response.json({ subject }) },
    expectations: {
      ask: async ({ pool, strategies, windowMs }) => ({
        ...{
          pool: pool ?? "shop",
          verdict: "nothing",
          sentence: String(windowMs),
          reasons: strategies ?? [],
          notes: [],
        },
        ...{ window: null, ran: null, requests: 0, single_requests: 0, measured: null, expectations: [], left_out: [] },
      }),
    },
    wallMs: () => Date.UTC(2026, 0, 2),
    nowMs: () => performance.now(),
  };
  return { state, control };
}

const { log, lines } = recordingLogger();
const { state, control } = makeControl();
const api = new AdminApi(control, log);
const socket = join(directory, "admin.sock");
const relay = listenForWorkers(api, socket);
const listen = (port: number, token: string | null, name: string) =>
  listenOnAdminPort(api, {
    host: "127.0.0.1",
    port,
    policy: () => policyOf({ token, tokens: null, allowedHosts: null }, "127.0.0.1"),
    socketPath: join(directory, name),
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
  });
const open = await listen(0, null, "open.sock");
const guarded = await listen(0, TOKEN, "guarded.sock");
afterAll(async () => {
  await Promise.all([relay.stop(), open.stop(), guarded.stop()]);
  rmSync(directory, { recursive: true });
});

const viaRelay = (path: string, init: RequestInit = {}) => fetch(`http://x${path}`, { ...init, unix: socket });
const viaPort = (path: string, init: RequestInit = {}, port = open.port) =>
  fetch(`http://127.0.0.1:${port}${path}`, init);
const patch = (id: number | string, body: unknown, headers: Record<string, string> = {}, port = open.port) =>
  viaPort(
    `/api/v1/servers/${id}`,
    {
      method: "PATCH",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    },
    port,
  );
const errorOf = async (response: Response) => ((await response.json()) as { code: string }).code;

test("pools and routes are told on the admin port alone", async () => {
  expect(await (await viaPort("/api/v1/pools")).json()).toEqual({ pools: [SHOP] });
  expect(await (await viaPort("/api/v1/routes")).json()).toMatchObject({
    routes: [{ name: "/*", action: { pool: "shop" } }],
  });
  for (const path of ["/api/v1/pools", "/api/v1/routes"]) {
    expect((await viaRelay(path)).status).toBe(404);
    expect((await viaPort(path, {}, guarded.port)).status).toBe(401);
  }
});

test("a configuration is tried, and read again or refused with every problem", async () => {
  const post = (path: string, body: object) => {
    const headers = { "content-type": "application/json" };
    return viaPort(path, { method: "POST", body: JSON.stringify(body), headers });
  };
  expect(await (await post("/api/v1/config/validate", { env: "A=1" })).json()).toEqual({
    ok: true,
    problems: [],
    warnings: ["w"],
    changes: ["A=1"],
    overrides_lost: ["e"],
  });
  const refused = await post("/api/v1/config/reload", { reason: "try" });
  expect([refused.status, await refused.json()]).toMatchObject([
    422,
    { code: "configuration_rejected", errors: [{ message: "LB_STRATEGY=x: is no strategy" }] },
  ]);
  expect(noted.at(-1)).toMatchObject({ detail: { action: "config.reload", reason: "try" } });
  noted.length = 0;
});

test("what happened is told on the admin port alone", async () => {
  for (const [path, subject] of [
    ["/api/v1/stats", "traffic"],
    ["/api/v1/events", "events"],
    ["/api/v1/stats/requests", "requests"],
    ["/api/v1/stats/servers", "servers"],
    ["/api/v1/stats/incident", "incident"],
  ]) {
    expect(await (await viaPort(`${path}?since=1h`)).json()).toEqual({ subject });
    expect((await viaRelay(path)).status).toBe(404);
    expect((await viaPort(path, {}, guarded.port)).status).toBe(401);
    expect((await viaPort(path, { method: "POST" })).status).toBe(405);
  }
});

describe("learned balancing", () => {
  test("is told on the admin port; ids are taken as they are written, percent-encoded", async () => {
    expect(await (await viaPort("/api/v1/ml")).json()).toEqual({ rung: "model" });
    expect(await (await viaPort("/api/v1/explain/known%2F1")).json()).toMatchObject({ request_id: "known/1" });
    const unknown = await viaPort("/api/v1/explain/abc");
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: "unknown_request" });
    expect((await viaPort("/api/v1/explain/%E0%A4%A")).status).toBe(400);
    expect((await viaPort("/api/v1/explain/abc", {}, guarded.port)).status).toBe(401);
  });

  test("models and verdicts are listed, as many as are asked for", async () => {
    expect(await (await viaPort("/api/v1/ml/models")).json()).toEqual({ models: [], limit: 100 });
    expect(await (await viaPort("/api/v1/ml/verdicts?limit=7&model=3")).json()).toEqual({
      verdicts: [],
      limit: 7,
      model: 3,
    });
    expect((await viaPort("/api/v1/ml/verdicts?limit=99999")).status).toBe(200);
    for (const query of ["limit=0", "limit=x", "limit=", "model=-1", "model=1.5"]) {
      const refused = await viaPort(`/api/v1/ml/verdicts?${query}`);
      expect([query, refused.status]).toEqual([query, 400]);
    }
  });

  test("orders are guarded like changes, and checked; what cannot be done is a conflict", async () => {
    const order = (what: string, body: string, headers: Record<string, string> = {}, port = open.port) =>
      viaPort(
        `/api/v1/ml/${what}`,
        { method: "POST", body, headers: { "content-type": "application/json", ...headers } },
        port,
      );
    expect(await (await order("promote", '{"version":7}')).json()).toEqual({ message: "promote 7" });
    expect(await (await order("pause", "")).json()).toEqual({ message: "pause null" });
    expect(await (await order("train", "{}")).json()).toEqual({ message: "train null" });
    for (const [what, body] of [
      ["promote", "{}"],
      ["promote", '{"version":0}'],
      ["reject", '{"version":"7"}'],
      ["promote", '{"version":7,"now":true}'],
      ["pause", '{"version":7}'],
      ["resume", "["],
    ]) {
      const refused = await order(what, body);
      expect([what, body, refused.status]).toEqual([what, body, 400]);
    }
    const conflict = await order("rollback", "{}");
    expect(conflict.status).toBe(409);
    expect(await conflict.json()).toMatchObject({ code: "not_possible" });
    expect((await order("pause", "{}", { origin: "http://evil.example" })).status).toBe(403);
    expect((await order("pause", "{}", { "content-type": "text/plain" })).status).toBe(415);
    expect((await order("pause", "{}", {}, guarded.port)).status).toBe(401);
    expect((await order("destroy", "{}")).status).toBe(404);
    expect((await viaPort("/api/v1/ml/pause")).status).toBe(405);
    expect((await viaRelay("/api/v1/ml/pause", { method: "POST" })).status).toBe(404);
  });
});

describe("reading", () => {
  test.each([
    ["the relay socket", viaRelay],
    ["the admin port", viaPort],
  ])("%s answers the contract's paths", async (_name, get) => {
    const live = await get("/health/live");
    expect([live.status, await live.json()]).toEqual([200, { status: "ok", ts: "2026-01-02T00:00:00.000Z" }]);
    expect(await (await get("/health/ready")).json()).toEqual({ status: "ready", total: 2, healthy: 1 });
    const servers = await get("/api/v1/servers");
    expect(servers.headers.get("content-type")).toContain("application/json");
    expect(await servers.json()).toMatchObject([{ id: 1, url: "http://a:1", alive: true, active_connections: 0 }]);
    const metrics = await get("/metrics");
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await metrics.text()).toBe("up 1\n");
  });

  test.each(["/metrics", "/api/v1/servers", "/health/live", "/nothing"])(
    "%s is what it says, and no page",
    async (path) => {
      expect((await viaPort(path)).headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  test("readiness fails without a healthy server and while draining", async () => {
    state.healthy = 0;
    const none = await viaPort("/health/ready");
    expect([none.status, await none.json()]).toEqual([503, { status: "not_ready", total: 2, healthy: 0 }]);
    state.healthy = 1;
    state.draining = true;
    expect((await viaPort("/health/ready")).status).toBe(503);
    expect((await viaPort("/health/live")).status).toBe(200);
    state.draining = false;
  });

  test("status and single servers are the admin port's only", async () => {
    expect(await (await viaPort("/api/v1/status")).json()).toEqual({ version: "1.2.3" });
    expect(await (await viaPort("/api/v1/servers/1")).json()).toMatchObject({ id: 1 });
    const inner = ["/api/v1/status", "/api/v1/servers/1", "/api/v1/ml", "/api/v1/explain/known%2F1"];
    for (const path of inner) expect((await viaRelay(path)).status).toBe(404);
  });

  test("HEAD has no body, unknown paths are 404, other methods 405 with Allow", async () => {
    const head = await viaPort("/api/v1/servers", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const unknown = await viaPort("/api/v2");
    expect([unknown.status, await errorOf(unknown)]).toEqual([404, "not_found"]);
    const wrong = await viaPort("/api/v1/status", { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await viaPort("/health/live", { method: "POST" })).status).toBe(405);
    expect((await viaPort("/api/v1/servers/99999999999")).status).toBe(404);
  });

  test("switched off metrics are 404; an exception is a 500 without its details, and logged", async () => {
    state.prometheus = false;
    expect(await errorOf(await viaPort("/metrics"))).toBe("disabled");
    state.prometheus = true;
    state.broken = true;
    const failed = await viaPort("/metrics");
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain("secret detail");
    expect(lines.some((l) => l.level === "error" && (l.err as Error).message === "secret detail")).toBe(true);
    state.broken = false;
  });
});

describe("changing", () => {
  test("weight, capacity and state", async () => {
    const changed = await patch(1, { weight: 2.5, capacity: 40, state: "drain" });
    expect([changed.status, await changed.json()]).toMatchObject([
      200,
      { weight: 2.5, capacity: 40, state: "draining" },
    ]);
    expect(await (await patch(1, { state: "active" })).json()).toMatchObject({ weight: 2.5, state: "up" });
    expect(lines.find(({ action }) => action === "server.change")).toMatchObject({
      message:
        "server a:1 (10.0.0.1) of pool default: weight 1 → 2.5, capacity 10 → 40, state active → drain, by local",
      after: { weight: 2.5, capacity: 40, state: "drain" },
    });
  });

  test("is told to history with who did it, by the address that they came from", async () => {
    let weight = 20; // what is so already is told to nobody
    const actorOf = async (localAddress: string): Promise<string> => {
      noted.length = 0;
      const body = JSON.stringify({ weight: ++weight });
      const head = `PATCH /api/v1/servers/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      const socket = connect({ host: "127.0.0.1", port: open.port, localAddress });
      socket.write(head + body);
      for await (const _ of socket);
      return noted[0].actor!;
    };
    // More than are kept for later, and then those again that were not.
    for (const last of [2, 3, 4, 5, 6, 7, 2, 7]) {
      expect(await actorOf(`127.0.0.${last}`)).toBe(`admin API (127.0.0.${last})`);
    }
    expect(noted[0]).toEqual({
      kind: "change",
      pool: "default",
      server: "a:1",
      address: "10.0.0.1",
      actor: "admin API (127.0.0.7)",
      message: "server a:1 (10.0.0.1) of pool default: weight 27 → 28, by local",
      detail: {
        action: "server.change",
        target: "server a:1 (10.0.0.1) of pool default",
        before: { weight: 27 },
        after: { weight: 28 },
        reason: "",
        kept: true,
      },
    });
    noted.length = 0;
    const init = { method: "POST", body: '{"version":7}', headers: { "content-type": "application/json" } };
    await viaPort("/api/v1/ml/promote?pool=shop", init);
    expect(noted).toEqual([
      {
        kind: "change",
        pool: "shop",
        actor: "admin API (127.0.0.1)",
        message: "ordered by an operator: promote 7, by local",
        detail: {
          action: "learner.promote",
          target: "the models of pool shop",
          before: null,
          after: { order: "promote", model_version: 7 },
          reason: "",
          kept: true,
        },
      },
    ]);
    await patch(1, { weight: 0 });
    await patch(9, { weight: 1 });
    expect(noted).toHaveLength(1);
  });

  test.each([
    ["not JSON", "{", "invalid_json"],
    ["nothing", {}, "invalid_body"],
    ["an unknown field", { wieght: 1 }, "invalid_body"],
    ["a weight of 0", { weight: 0 }, "invalid_body"],
    ["a weight that is text", { weight: "2" }, "invalid_body"],
    ["a weight next to nothing", { weight: 5e-320 }, "invalid_body"],
    ["a weight beyond what SRV records can say", { weight: 65_536 }, "invalid_body"],
    ["a weight without end", '{"weight":1e999}', "invalid_body"],
    ["a capacity that is no whole number", { capacity: 0.5 }, "invalid_body"],
    ["a capacity beyond 32 bits", { capacity: 2 ** 32 }, "invalid_body"],
    ["a fraction of a capacity", { capacity: 1.5 }, "invalid_body"],
    ["an unknown state", { state: "dead" }, "invalid_body"],
    ["a list", [1], "invalid_body"],
  ])("%s is a 400 that changes nothing", async (_name, body, code) => {
    const before = JSON.stringify(state);
    const response = await patch(1, body);
    expect([response.status, await errorOf(response)]).toEqual([400, code]);
    expect(JSON.stringify(state)).toBe(before);
  });

  test("what was sent is repeated in part, however much it was", async () => {
    const long = "x".repeat(60_000);
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`unknown-${at}`, at]));
    const refused = [
      await patch(1, { weight: 1, [long]: 1 }),
      await patch(1, many),
      await patch(1, { state: long }),
      await patch(1, { weight: 1, reason: long }),
      await patch(1, { state: "drain", until: long }),
      await viaPort("/api/v1/settings", {
        method: "PATCH",
        body: JSON.stringify({ [long]: 1, LOG_LEVEL: "loud" }),
        headers: { "content-type": "application/json" },
      }),
      await viaPort("/api/v1/servers", {
        method: "POST",
        body: JSON.stringify({ url: "http://a:1", pool: long.slice(0, 200) }),
        headers: { "content-type": "application/json" },
      }),
      await viaPort(`/api/v1/timeline?kind=${long.slice(0, 9_000)}`),
      await viaPort(`/api/v1/overrides?${long.slice(0, 9_000)}=1`),
      await viaPort(`/api/v1/${long.slice(0, 9_000)}`),
    ];
    for (const response of refused) {
      const text = await response.text();
      expect([response.status >= 400 && response.status < 500, text.length < 8_192, text]).toEqual([true, true, text]);
    }
  });

  test("an unknown server is 404, a huge body 413", async () => {
    expect(await errorOf(await patch(7, { weight: 2 }))).toBe("unknown_server");
    for (const length of [70_000, 5_000_000]) {
      const huge = await patch(1, `{"weight":${" ".repeat(length)}1}`);
      expect([huge.status, await errorOf(huge)]).toEqual([413, "body_too_large"]);
    }
  });

  test("not through the public door", async () => {
    const response = await viaRelay("/api/v1/servers/1", {
      method: "PATCH",
      body: '{"weight":9}',
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(404);
    expect(state.weight).not.toBe(9);
  });

  test.each([
    ["a plain form", { "content-type": "text/plain" }, 415],
    ["a foreign origin", { origin: "https://evil.example" }, 403],
    ["a sandboxed page", { origin: "null" }, 403],
    ["a foreign site", { "sec-fetch-site": "cross-site" }, 403],
    ["a neighbouring port", { origin: "http://127.0.0.1:1" }, 403],
    ["a name that was bound to this address", { host: "evil.example", origin: "http://evil.example" }, 403],
  ])("%s is refused", async (_name, headers, status) => {
    const response = await patch(1, { weight: 9 }, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(state.weight).not.toBe(9);
  });

  test("the page that the admin port serves itself may", async () => {
    const origin = `http://localhost:${open.port}`;
    const headers = { host: `localhost:${open.port}`, origin, "sec-fetch-site": "same-origin" };
    expect((await patch(1, { weight: 3 }, headers)).status).toBe(200);
  });
});

describe("with a token", () => {
  const get = (path: string, headers: Record<string, string> = {}) => viaPort(path, { headers }, guarded.port);

  test("the API and metrics want it, health does not", async () => {
    for (const path of ["/health/live", "/health/ready"]) expect((await get(path)).status).toBe(200);
    expect((await get("/metrics")).status).toBe(401);
    expect((await get("/metrics", { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    const refused = await get("/api/v1/servers");
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="neurabalancer"']);
    expect((await get("/api/v1/status", { authorization: `Bearer ${TOKEN}x` })).status).toBe(401);
    expect((await get("/api/v1/status", { authorization: `Basic ${TOKEN}` })).status).toBe(401);
    expect((await get("/api/v1/status", { authorization: `bearer ${TOKEN}` })).status).toBe(200);
    expect((await patch(1, { weight: 5 }, {}, guarded.port)).status).toBe(401);
    expect((await patch(1, { weight: 5 }, { authorization: `Bearer ${TOKEN}` }, guarded.port)).status).toBe(200);
  });
});

test("a port in use is named, and whose it is", async () => {
  const { message } = await listen(open.port, null, "second.sock").then(
    () => new Error("it listens"),
    (error: Error) => error,
  );
  expect(message).toStartWith(
    `cannot listen on ADMIN_HOST=127.0.0.1 ADMIN_PORT=${open.port}: it is in use by another process: `,
  );
  expect(message).toEndWith(`, process ${process.pid}; choose another port, or ADMIN_PORT=0 for none`);
});
