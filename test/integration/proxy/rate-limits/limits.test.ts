/** What clients get of rate limits, over the wire. Periods are so long that no test depends on how fast it runs. */
import { afterEach, describe, expect, test } from "bun:test";
import type { RateLimitQuota, RateLimitSpec, WorkerRateLimit } from "../../../../src/protocol/rate-limit.ts";
import { LimitCounter } from "../../../../src/shared/memory/rate-limits/limit-file.ts";
import { mostRefused } from "../../../../src/shared/memory/rate-limits/refused-keys.ts";
import { FIRST_ROUTE_NUMBER } from "../../../../src/shared/memory/series-table.ts";
import { Backend, cleanUp, eventually, get, ok, type ProxyOptions, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, valuesOf, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const HOUR_MS = 3_600_000;
const LOGGED = { settings: { accessLog: true } };

function perHour(requests: number, burst = requests): RateLimitQuota {
  return { kind: "rate", requests, periodMs: HOUR_MS, burst };
}

function limit(more: Partial<RateLimitSpec> = {}): WorkerRateLimit {
  const spec = {
    name: "clients",
    mode: "enforce",
    quota: perHour(2),
    key: [{ kind: "client_ip" }],
    routes: [],
    pools: [],
    clients: [],
    exempt: [],
    ipv4Prefix: 32,
    ipv6Prefix: 64,
    maxKeys: 64,
    whenFull: "forget",
    fields: true,
    shared: null,
    ...more,
  } as const satisfies RateLimitSpec;
  return { ...spec, file: `rate-limit-${spec.name}` };
}

async function limited(limits: readonly WorkerRateLimit[], options: ProxyOptions = {}) {
  const backend = await Backend.answering(() => ok("hello"));
  const proxy = new TestProxy([backend], {
    ...options,
    settings: { trustedProxies: ["127.0.0.1/32"], ...options.settings, rateLimits: limits },
  });
  const from = (address: string, fields = "") => proxy.ask(get("/", `X-Forwarded-For: ${address}\r\n${fields}`));
  const statuses = async (...requests: Promise<{ status: number }>[]) =>
    (await Promise.all(requests)).map(({ status }) => status);
  const counted = (name: keyof typeof LimitCounter, index = 0) =>
    proxy.limit(limits[index]).workers[0].counters[LimitCounter[name]];
  return { backend, proxy, from, statuses, counted };
}

const times = (count: number, ask: () => Promise<{ status: number }>) => Array.from({ length: count }, ask);

describe("requests in a period", () => {
  test("each client has its own; who has had them is refused, and told when to come again", async () => {
    const { proxy, from, backend, counted } = await limited([limit()], LOGGED);
    const first = await from("192.0.2.1");
    expect([first.status, singleValue(first, "RateLimit-Policy"), singleValue(first, "RateLimit")]).toEqual([
      200,
      '"clients";q=2;w=3600',
      '"clients";r=1;t=1800',
    ]);
    const [, again] = /^"clients";r=0;t=(\d+)$/.exec(singleValue(await from("192.0.2.1"), "RateLimit")!)!;
    expect(Number(again)).toBeWithin(1700, 1801);
    const refused = await from("192.0.2.1");
    expect(refused.status).toBe(429);
    expect(refused.head).toStartWith("HTTP/1.1 429 Too Many Requests\r\n");
    expect(singleValue(refused, "RateLimit-Policy")).toBe('"clients";q=2;w=3600');
    const [, wait] = /^"clients";r=0;t=(\d+)$/.exec(singleValue(refused, "RateLimit")!)!;
    expect(singleValue(refused, "Retry-After")).toBe(wait);
    expect(Number(wait)).toBeWithin(1700, 1801);
    expect(singleValue(refused, "Proxy-Status")).toContain('error=http_request_denied; details="rate_limited"');
    expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { code: "rate_limited" } });
    expect((await from("192.0.2.2")).status).toBe(200);
    expect(backend.connections.length).toBeGreaterThan(0);
    expect([counted("ALLOWED"), counted("REFUSED")]).toEqual([3, 1]);
    const lines = (await proxy.logLines(4)).map((line) => JSON.parse(line));
    expect(lines.map(({ rate_limit, error, error_source }) => [rate_limit, error, error_source])).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
      ["clients", "rate_limited", "client"],
      [undefined, undefined, undefined],
    ]);
  });

  test("a refused request with a body ends in order, and its connection takes the next one", async () => {
    const { proxy } = await limited([limit({ quota: perHour(1) })]);
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.message()).status).toBe(200);
    await client.send(get("/", "Content-Length: 5\r\n", "POST"));
    await client.send("hello");
    expect((await client.message()).status).toBe(429);
    await client.send(get());
    expect((await client.message()).status).toBe(429);
    client.destroy();
  });

  test("of a call of gRPC it is status 8", async () => {
    const { proxy } = await limited([limit({ quota: perHour(1) })]);
    const call = get("/a.B/C", "Content-Type: application/grpc\r\nTE: trailers\r\nContent-Length: 0\r\n", "POST");
    await proxy.ask(call);
    const refused = await proxy.ask(call);
    expect([refused.status, singleValue(refused, "grpc-status")]).toEqual([200, "8"]);
    expect(singleValue(refused, "grpc-message")).toContain("rate_limited");
    expect(valuesOf(refused, "Retry-After").length).toBe(1);
  });

  test("what is configured of fields is sent, refusals always tell", async () => {
    const { from } = await limited([limit({ quota: perHour(1), fields: false })]);
    const [first, second] = [await from("192.0.2.1"), await from("192.0.2.1")];
    expect([valuesOf(first, "RateLimit"), valuesOf(first, "RateLimit-Policy")]).toEqual([[], []]);
    expect([valuesOf(second, "RateLimit").length, valuesOf(second, "Retry-After").length]).toEqual([1, 1]);
  });

  test("a server's own fields are passed on beside ours", async () => {
    const backend = await Backend.answering(() => ok("", 'RateLimit: "server";r=9;t=1\r\n'));
    const proxy = new TestProxy([backend], { settings: { rateLimits: [limit()] } });
    expect(valuesOf(await proxy.ask(get()), "RateLimit").sort()).toEqual(['"clients";r=1;t=1800', '"server";r=9;t=1']);
  });
});

describe("whose requests", () => {
  test("IPv6 clients are told apart by their network, IPv4 written as IPv6 is IPv4", async () => {
    const { from, statuses } = await limited([limit({ quota: perHour(1) })]);
    expect(await statuses(from("2001:db8:1:2::1"))).toEqual([200]);
    expect(await statuses(from("2001:db8:1:2:ffff::9"), from("2001:db8:1:3::1"))).toEqual([429, 200]);
    expect(await statuses(from("192.0.2.1"))).toEqual([200]);
    expect(await statuses(from("::ffff:192.0.2.1"))).toEqual([429]);
  });

  test("networks of the size that is configured", async () => {
    const { from, statuses, proxy } = await limited([limit({ quota: perHour(1), ipv4Prefix: 24, ipv6Prefix: 48 })]);
    expect(await statuses(from("192.0.2.1"))).toEqual([200]);
    expect(await statuses(from("192.0.2.200"), from("192.0.3.1"))).toEqual([429, 200]);
    expect(await statuses(from("2001:db8:1:1::1"))).toEqual([200]);
    expect(await statuses(from("2001:db8:1:2::1"))).toEqual([429]);
    const names = mostRefused(proxy.limit(limit()).workers, 9).map(({ name }) => name);
    expect(names.sort()).toEqual(["192.0.2.0/24", "2001:db8:1::/48"]);
  });

  test("a header field, a cookie or a key; without it the client's address counts", async () => {
    const { proxy, from, statuses } = await limited([
      limit({ quota: perHour(1), key: [{ kind: "header", name: "x-user" }] }),
    ]);
    expect(await statuses(from("192.0.2.1", "X-User: ann\r\n"))).toEqual([200]);
    expect(await statuses(from("192.0.2.2", "X-User: ann\r\n"), from("192.0.2.2", "x-user: bob\r\n"))).toEqual([
      429, 200,
    ]);
    expect(await statuses(from("192.0.2.3"))).toEqual([200]);
    expect(await statuses(from("192.0.2.3", "X-User: \r\n"), from("192.0.2.4"))).toEqual([429, 200]);
    const names = mostRefused(proxy.limit(limit()).workers, 9).map(({ name }) => name);
    expect(names.sort()).toEqual(["192.0.2.3", "x-user ann"]);
  });

  test("nothing of an API key or a cookie is shown but the beginning of its digest", async () => {
    const { proxy, from } = await limited([
      limit({
        quota: perHour(1),
        key: [
          { kind: "api_key", name: "x-api-key" },
          { kind: "cookie", name: "session" },
        ],
      }),
    ]);
    const fields = "X-Api-Key: topsecret\r\nCookie: a=b; session=alsosecret\r\n";
    for (let i = 0; i < 3; i++) await from("192.0.2.1", fields);
    const [{ name, count }] = mostRefused(proxy.limit(limit()).workers, 9);
    const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
    expect(name).toBe(`x-api-key sha256:${digest("topsecret")}, session sha256:${digest("alsosecret")}`);
    expect(count).toBe(2);
    // Another session is another key.
    expect((await from("192.0.2.1", "X-Api-Key: topsecret\r\nCookie: session=other\r\n")).status).toBe(200);
  });

  test("all requests together", async () => {
    const { from, statuses } = await limited([limit({ key: [] })]);
    expect(await statuses(from("192.0.2.1"))).toEqual([200]);
    expect(await statuses(from("192.0.2.2"))).toEqual([200]);
    expect(await statuses(from("192.0.2.3"))).toEqual([429]);
  });

  test("only those of some addresses, but for others", async () => {
    const { from, statuses, counted } = await limited([
      limit({ quota: perHour(1), clients: ["192.0.2.0/24", "2001:db8::/32"], exempt: ["192.0.2.7/32"] }),
    ]);
    expect((await statuses(...times(3, () => from("198.51.100.1")))).sort()).toEqual([200, 200, 200]);
    expect((await statuses(...times(3, () => from("192.0.2.7")))).sort()).toEqual([200, 200, 200]);
    expect((await statuses(...times(3, () => from("192.0.2.8")))).sort()).toEqual([200, 429, 429]);
    expect((await statuses(...times(3, () => from("2001:db8::1")))).sort()).toEqual([200, 429, 429]);
    expect(counted("EXEMPT")).toBe(3);
  });

  test("of some routes, each by itself where that is the key", async () => {
    const route = (name: string, path: string, number: number) => ({
      number: FIRST_ROUTE_NUMBER + number,
      name,
      match: { hosts: [], paths: [{ kind: "prefix", value: path } as const], methods: [], headers: [] },
    });
    const { proxy, statuses } = await limited(
      [limit({ quota: perHour(1), routes: ["api", "login"], key: [{ kind: "client_ip" }, { kind: "route" }] })],
      { routes: [route("api", "/api", 0), route("login", "/login", 1), route("rest", "/", 2)] },
    );
    const ask = (path: string) => proxy.ask(get(path));
    expect(await statuses(ask("/api"))).toEqual([200]);
    expect(await statuses(ask("/api/x"), ask("/login"), ask("/"), ask("/"))).toEqual([429, 200, 200, 200]);
  });

  test("of redirects and fixed responses, too", async () => {
    const action = { kind: "respond", status: 200, contentType: "text/plain", body: "hi" } as const;
    const { proxy } = await limited([limit({ quota: perHour(1) })], { routes: [{ action }] });
    const [first, second] = [await proxy.ask(get()), await proxy.ask(get())];
    expect([first.status, singleValue(first, "RateLimit"), second.status]).toEqual([200, '"clients";r=0;t=3600', 429]);
  });

  test("what is refused for another reason counts for none", async () => {
    const { proxy, counted } = await limited([limit()], { routes: [{ clients: { allow: ["10.0.0.0/8"], deny: [] } }] });
    expect((await proxy.ask(get())).status).toBe(403);
    expect([counted("ALLOWED"), counted("REFUSED")]).toEqual([0, 0]);
  });
});

describe("several limits", () => {
  test("all must let a request pass; what one has counted is taken back when another refuses", async () => {
    const wide = limit({ name: "wide", quota: perHour(3) });
    const narrow = limit({ name: "narrow", key: [{ kind: "header", name: "x-user" }], quota: perHour(1) });
    const { from } = await limited([wide, narrow]);
    const first = await from("192.0.2.1", "X-User: ann\r\n");
    expect(singleValue(first, "RateLimit-Policy")).toBe('"wide";q=3;w=3600, "narrow";q=1;w=3600');
    expect(singleValue(first, "RateLimit")).toBe('"wide";r=2;t=1200, "narrow";r=0;t=3600');
    for (let i = 0; i < 5; i++) {
      const refused = await from("192.0.2.1", "X-User: ann\r\n");
      expect([refused.status, singleValue(refused, "RateLimit-Policy")]).toEqual([429, '"narrow";q=1;w=3600']);
    }
    expect(singleValue(await from("192.0.2.1", "X-User: bob\r\n"), "RateLimit")).toStartWith('"wide";r=1;');
  });

  test("one that is tried counts and refuses nothing, one that is off does nothing", async () => {
    const tried = limit({ name: "tried", mode: "dry_run", quota: perHour(1) });
    const off = limit({ name: "off", mode: "off", quota: perHour(1) });
    const { proxy, from, statuses, counted } = await limited([tried, off], LOGGED);
    expect(await statuses(...times(3, () => from("192.0.2.1")))).toEqual([200, 200, 200]);
    expect([counted("ALLOWED"), counted("REFUSED"), counted("WOULD_REFUSE")]).toEqual([1, 0, 2]);
    expect(counted("ALLOWED", 1)).toBe(0);
    const lines = (await proxy.logLines(3)).map((line) => JSON.parse(line).rate_limit);
    expect(lines.sort()).toEqual(["tried", "tried", undefined]);
    expect(valuesOf(await from("192.0.2.2"), "RateLimit")).toEqual([]);
  });

  test("where nothing is limited, nothing is said", async () => {
    const { from } = await limited([]);
    expect(valuesOf(await from("192.0.2.1"), "RateLimit")).toEqual([]);
  });
});

describe("requests at once", () => {
  const uploads = limit({ quota: { kind: "concurrent", requests: 2 }, whenFull: "allow" });

  async function hanging(limits: readonly WorkerRateLimit[]) {
    const waiting: Wire[] = [];
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        await connection.message();
        waiting.push(connection);
      }
    });
    const proxy = new TestProxy([backend], { settings: { rateLimits: limits } });
    const begin = async (count: number) => {
      const client = await proxy.connect();
      await client.send(get());
      await eventually(() => waiting.length === count);
      return client;
    };
    return { proxy, waiting, begin };
  }

  test("as many as are allowed; who is refused may come again, and the end of one makes room", async () => {
    const { proxy, waiting, begin } = await hanging([uploads]);
    const clients = [await begin(1), await begin(2)];
    const refused = await proxy.ask(get());
    expect([refused.status, singleValue(refused, "RateLimit-Policy")]).toEqual([
      429,
      '"clients";q=2;qu="concurrent-requests"',
    ]);
    expect([singleValue(refused, "RateLimit"), singleValue(refused, "Retry-After")]).toEqual(['"clients";r=0', "1"]);
    await waiting[0].send(ok());
    const answer = await clients[0].message();
    expect(singleValue(answer, "RateLimit")).toBe('"clients";r=1');
    const third = await begin(3);
    expect((await proxy.ask(get())).status).toBe(429);
    for (const client of [...clients, third]) client.destroy();
  });

  test("a client that goes away gives its place back", async () => {
    const { proxy, begin, waiting } = await hanging([uploads]);
    const clients = [await begin(1), await begin(2)];
    expect((await proxy.ask(get())).status).toBe(429);
    clients[0].destroy();
    await eventually(() => proxy.limit(uploads).workers[0].held.filter((place) => place !== 0).length === 1);
    const next = await begin(3);
    expect(waiting.length).toBe(3);
    for (const client of [clients[1], next]) client.destroy();
  });

  test("a tunnel is under way until it ends", async () => {
    const one = limit({ quota: { kind: "concurrent", requests: 1 }, whenFull: "allow" });
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    });
    const proxy = new TestProxy([backend], { settings: { rateLimits: [one] } });
    const client = await proxy.connect();
    await client.send(get("/", "Connection: upgrade\r\nUpgrade: x\r\n"));
    expect((await client.message({ noBody: true })).status).toBe(101);
    expect((await proxy.ask(get())).status).toBe(429);
    client.destroy();
    backend.stop();
    await eventually(() => proxy.limit(one).workers[0].held.every((place) => place === 0));
  });

  test("one that a later limit refuses has no place", async () => {
    const rate = limit({ name: "rate", quota: perHour(1) });
    const { from, proxy } = await limited([uploads, rate]);
    expect((await from("192.0.2.1")).status).toBe(200);
    expect((await from("192.0.2.1")).status).toBe(429);
    expect(proxy.limit(uploads).workers[0].held.every((place) => place === 0)).toBe(true);
  });
});

describe("a change while it runs", () => {
  test("what was counted stays for as long as it means the same", async () => {
    const first = limit();
    const { proxy, from, statuses } = await limited([first]);
    expect(await statuses(from("192.0.2.1"), from("192.0.2.1"))).toEqual([200, 200]);
    proxy.change({ rateLimits: [{ ...first, exempt: ["192.0.2.2/32"] }] });
    expect((await from("192.0.2.1")).status).toBe(429);
    proxy.change({ rateLimits: [{ ...first, mode: "off" }] });
    expect((await from("192.0.2.1")).status).toBe(200);
    proxy.change({ rateLimits: [first] });
    expect((await from("192.0.2.1")).status).toBe(429);
    proxy.change({ rateLimits: [{ ...first, quota: perHour(5), file: "rate-limit-other" }] });
    expect(singleValue(await from("192.0.2.1"), "RateLimit")).toStartWith('"clients";r=4;');
    proxy.change({ rateLimits: [] });
    expect(valuesOf(await from("192.0.2.1"), "RateLimit")).toEqual([]);
  });

  test("requests that are under way give back what they had of a limit that is gone", async () => {
    const places = limit({ quota: { kind: "concurrent", requests: 1 }, whenFull: "allow" });
    const gate = Promise.withResolvers<void>();
    const backend = await Backend.answering(async () => {
      await gate.promise;
      return ok();
    });
    const proxy = new TestProxy([backend], { settings: { rateLimits: [places] } });
    const asked = proxy.ask(get());
    await eventually(() => proxy.inFlight === 1);
    proxy.change({ rateLimits: [] });
    gate.resolve();
    expect((await asked).status).toBe(200);
    expect(proxy.limit(places).workers[0].held.every((place) => place === 0)).toBe(true);
  });
});

describe("more keys than there is room for", () => {
  test("a key is forgotten for another one, which is counted", async () => {
    const { from, counted } = await limited([limit({ quota: perHour(10) })]);
    for (let i = 0; i < 200; i++) expect((await from(`10.0.0.${i}`)).status).toBe(200);
    expect(counted("FORGOTTEN")).toBeGreaterThan(100);
  });

  test("or the request is refused, or passes without being counted", async () => {
    const refusing = limit({ whenFull: "refuse" });
    const allowing = limit({ name: "allowing", whenFull: "allow" });
    const one = await limited([refusing]);
    const other = await limited([allowing]);
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      if ((await one.from(`10.0.0.${i}`)).status === 429) refused++;
      expect((await other.from(`10.0.0.${i}`)).status).toBe(200);
    }
    expect(refused).toBe(136);
    expect([one.counted("UNCOUNTED"), other.counted("UNCOUNTED")]).toEqual([136, 136]);
  });
});
