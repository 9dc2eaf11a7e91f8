/** What a route does beside choosing a server, over the wire. */
import { afterEach, describe, expect, test } from "bun:test";
import type { RedirectAction, RouteSpec } from "../../../../src/protocol/route.ts";
import { MAX_ADDED_BYTES } from "../../../../src/shared/fixed-fields.ts";
import { FIRST_ROUTE_NUMBER, readSeries } from "../../../../src/shared/memory/series-table.ts";
import { createSelfSigned } from "../../../support/certificates.ts";
import { Backend, cleanUp, get, ok, type ProxyOptions, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, valuesOf, Wire, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const NUMBER = FIRST_ROUTE_NUMBER;
const REDIRECT: RedirectAction = { kind: "redirect", status: 302, scheme: null, host: null, port: null, path: null };
const LOGGED = { settings: { accessLog: true } };

/** A proxy with one route that is so, and what its server saw. */
async function withRoute(route: Partial<RouteSpec>, options: ProxyOptions = {}, answer: string | Buffer = ok()) {
  const seen: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    seen.push(request);
    return answer;
  });
  const proxy = new TestProxy([backend], {
    ...options,
    routes: [{ number: NUMBER, name: "the-route", ambiguousPaths: "refuse", ...route }],
  });
  return { proxy, backend, seen };
}

function tls(): ProxyOptions {
  const { cert, key } = createSelfSigned("DNS:a.example");
  return { settings: { tls: { port: 0, certificates: [{ certPem: cert, keyPem: key, names: ["a.example"] }] } } };
}

describe("headers", () => {
  test("both ways are changed, and what the proxy says itself stays", async () => {
    const { proxy, seen } = await withRoute(
      {
        requestHeaders: {
          remove: ["cookie", "x-secret"],
          set: [{ name: "X-User", value: "nobody" }],
          add: [{ name: "X-Many", value: "2" }],
        },
        responseHeaders: {
          remove: ["server"],
          set: [{ name: "X-Frame-Options", value: "DENY" }],
          add: [{ name: "Set-Cookie", value: "seen=1" }],
        },
      },
      {},
      ok("hello", "Server: s\r\nX-Frame-Options: ALLOW\r\nSet-Cookie: a=b\r\n"),
    );
    const answer = await proxy.ask(
      get("/", "Cookie: c\r\nX_Secret: s\r\nX-User: root\r\nX-Many: 1\r\nX-User: admin\r\n"),
    );
    const [request] = seen;
    expect(valuesOf(request, "X-User")).toEqual(["nobody"]);
    expect(valuesOf(request, "X-Many")).toEqual(["1", "2"]);
    expect(request.head).not.toMatch(/cookie|secret/i);
    expect(singleValue(request, "X-Forwarded-For")).toBe("127.0.0.1");
    expect(valuesOf(answer, "X-Frame-Options")).toEqual(["DENY"]);
    expect(valuesOf(answer, "Set-Cookie")).toEqual(["a=b", "seen=1"]);
    expect([answer.body.toString(), valuesOf(answer, "Server")]).toEqual(["hello", []]);
  });

  test("a body comes through whole, whatever its size and framing", async () => {
    const body = "b".repeat(300_000);
    const edits = { remove: [], set: [{ name: "X-Set", value: "1" }], add: [] };
    const { proxy, seen } = await withRoute(
      { requestHeaders: edits, responseHeaders: edits },
      {},
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    const answer = await proxy.ask(get("/", `Content-Length: ${body.length}\r\n`, "POST") + body);
    expect([seen[0].body.length, singleValue(seen[0], "X-Set")]).toEqual([body.length, "1"]);
    expect([answer.body.length, singleValue(answer, "X-Set")]).toEqual([body.length, "1"]);
  });

  test("a head of the greatest length gets the greatest additions, and a path in its normal form", async () => {
    const long = (name: string) => ({ name, value: "v".repeat(MAX_ADDED_BYTES - name.length - 4) });
    const edits = (name: string) => ({ remove: [], set: [], add: [long(name)] });
    const { proxy, seen } = await withRoute(
      {
        requestHeaders: edits("X-Long"),
        responseHeaders: edits("X-Long"),
        rewrite: { path: { kind: "prefix", value: `/${"p".repeat(4000)}` }, host: "h".repeat(200) },
      },
      { settings: { maxHeaderBytes: 65_536 } },
      `HTTP/1.1 200 OK\r\nX: ${"y".repeat(65_000)}\r\nContent-Length: 1\r\n\r\nz`,
    );
    const start = `POST /./${"a/".repeat(10_000)} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 90000\r\nX: `;
    const head = `${start}${"x".repeat(65_536 - start.length - 4)}\r\n\r\n`;
    const answer = await proxy.ask(head + "b".repeat(90_000));
    expect([answer.status, answer.body.toString(), singleValue(answer, "X-Long")?.length]).toEqual([200, "z", 8182]);
    expect([seen[0].body.length, singleValue(seen[0], "X-Long")?.length]).toEqual([90_000, 8182]);
    expect(seen[0].startLine.length).toBe("POST / HTTP/1.1".length + 4000 + 20_000 + 1);
  });

  test("errors of ours are changed, too", async () => {
    const { proxy } = await withRoute({
      responseHeaders: { remove: [], set: [{ name: "X-Site", value: "a" }], add: [] },
    });
    proxy.setTargets([]);
    const answer = await proxy.ask(get());
    expect([answer.status, singleValue(answer, "X-Site"), singleValue(answer, "Retry-After")]).toEqual([503, "a", "1"]);
  });

  test("a tunnel's head is changed", async () => {
    const backend = await Backend.start(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello");
    });
    const routes = [{ responseHeaders: { remove: [], set: [], add: [{ name: "X-Set", value: "1" }] } }];
    const proxy = new TestProxy([backend], { routes });
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
    const head = await client.head();
    expect([head.status, singleValue(head, "X-Set")]).toEqual([101, "1"]);
    await client.takeThrough("hello");
  });
});

describe("rewrites", () => {
  const match = { hosts: [], paths: [{ kind: "prefix", value: "/api" } as const], methods: [], headers: [] };
  const rewrite = { path: { kind: "prefix", value: "/v2" } as const, host: "inside.example" };

  test("prefix and host, and the client's host is told", async () => {
    const { proxy, seen } = await withRoute({ match, rewrite });
    await proxy.ask(get("/api/x%2fy?q=/api"));
    await proxy.ask("GET http://a.example/%61pi HTTP/1.1\r\nHost: other\r\n\r\n");
    expect(seen.map(({ startLine }) => startLine)).toEqual(["GET /v2/x%2fy?q=/api HTTP/1.1", "GET /v2 HTTP/1.1"]);
    for (const request of seen) {
      expect(valuesOf(request, "Host")).toEqual(["inside.example"]);
      expect(singleValue(request, "X-Forwarded-Host")).toBe("a.example");
    }
  });

  test("a request of HTTP/1.0 without a host gets it, too", async () => {
    const { proxy, seen } = await withRoute({ match, rewrite });
    await proxy.ask("GET /api HTTP/1.0\r\n\r\n");
    expect(valuesOf(seen[0], "Host")).toEqual(["inside.example"]);
  });

  test("/api/v1/request is not part of the path", async () => {
    const { proxy, seen } = await withRoute({ match, rewrite });
    await proxy.ask(get("/api/v1/request/api/x"));
    expect(seen[0].startLine).toBe("GET /v2/x HTTP/1.1");
  });

  test("the pool's host is its servers', unless the route has another", async () => {
    const options = { pools: [{ row: 0, name: "default", settings: { upstreamHost: "pool.example:81" } }] };
    const { proxy, seen } = await withRoute({}, options);
    await proxy.ask(get());
    expect(valuesOf(seen[0], "Host")).toEqual(["pool.example:81"]);
    const other = await withRoute({ match, rewrite }, options);
    await other.proxy.ask(get("/api"));
    expect(valuesOf(other.seen[0], "Host")).toEqual(["inside.example"]);
  });

  test("what a server may read out of the new prefix is refused, unless the route allows it", async () => {
    const { proxy, seen } = await withRoute({ match, rewrite });
    const refused = await proxy.ask(get("/api/..%2fadmin"));
    expect([refused.status, JSON.parse(refused.body.toString()).error.code]).toEqual([400, "ambiguous_path"]);
    const allowing = await withRoute({ match, rewrite, ambiguousPaths: "allow" });
    expect((await allowing.proxy.ask(get("/api/..%2fadmin"))).status).toBe(200);
    expect([seen.length, allowing.seen[0].startLine]).toEqual([0, "GET /v2/..%2fadmin HTTP/1.1"]);
  });

  test("OPTIONS * stays what it is", async () => {
    const { proxy, seen } = await withRoute({ rewrite });
    await proxy.ask(get("*", "", "OPTIONS"));
    expect(seen[0].startLine).toBe("OPTIONS * HTTP/1.1");
  });
});

describe("responses of the route's own", () => {
  test("a redirect, logged and counted under its route, on a connection that lives on", async () => {
    const { proxy, seen } = await withRoute({ action: { ...REDIRECT, host: "b.example" } }, LOGGED);
    const client = await proxy.connect();
    for (const method of ["GET", "HEAD", "GET"]) {
      await client.send(get("/x?y", "", method));
      const answer = await client.message({ noBody: method === "HEAD" });
      expect([answer.status, singleValue(answer, "Location"), answer.body.length]).toEqual([
        302,
        "http://b.example/x?y",
        0,
      ]);
      expect(answer.startLine).toBe("HTTP/1.1 302 Found");
      expect(valuesOf(answer, "Cache-Control")).toEqual([]);
    }
    client.destroy();
    const line = JSON.parse((await proxy.logLines(3))[0]);
    expect(line).toMatchObject({ status: 302, path: "/x?y", route: "the-route", server_id: 0 });
    expect(line.request_id).toMatch(/^[0-9a-f]{32}$/);
    const counted: unknown[] = [];
    readSeries(proxy.memory.workers[0], ({ route, method, status, count }) => {
      counted.push([route, method, status, count]);
    });
    expect(counted).toContainEqual([NUMBER, "GET", 302, 2]);
    expect(seen).toEqual([]);
  });

  test("a fixed response", async () => {
    const { proxy } = await withRoute({
      action: { kind: "respond", status: 418, contentType: "text/plain", body: "tea \u00e9" },
      responseHeaders: { remove: [], set: [{ name: "Cache-Control", value: "max-age=1" }], add: [] },
    });
    const answer = await proxy.ask(get());
    expect([answer.status, answer.body.toString(), singleValue(answer, "Cache-Control")]).toEqual([
      418,
      "tea \u00e9",
      "max-age=1",
    ]);
    const head = await proxy.ask(get("/", "", "HEAD"), { noBody: true });
    expect([head.status, singleValue(head, "Content-Length"), head.body.length]).toEqual([418, "6", 0]);
    const old = await proxy.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect([old.status, singleValue(old, "Connection")]).toEqual([418, "keep-alive"]);
  });

  test("one that has no body", async () => {
    const { proxy } = await withRoute({
      action: { kind: "respond", status: 204, contentType: "text/plain", body: "" },
    });
    const client = await proxy.connect();
    for (let i = 0; i < 2; i++) {
      await client.send(get());
      const answer = await client.message();
      expect([answer.status, valuesOf(answer, "Content-Length"), valuesOf(answer, "Content-Type")]).toEqual([
        204,
        [],
        [],
      ]);
    }
  });

  test("a body that is all there is read, and dropped; one that still comes ends the connection", async () => {
    const { proxy } = await withRoute({
      action: { kind: "respond", status: 200, contentType: "text/plain", body: "x" },
    });
    const client = await proxy.connect();
    await client.send(`${get("/", "Content-Length: 5\r\n", "POST")}01234`);
    expect((await client.message()).status).toBe(200);
    await client.send(get("/", "Content-Length: 10\r\n", "POST"));
    const last = await client.message();
    expect([last.status, singleValue(last, "Connection")]).toEqual([200, "close"]);
    client.finish();
    expect(await client.end()).toBe("end");
  });

  test("who waits for 100 (Continue) gets the response at once", async () => {
    const { proxy } = await withRoute({ action: { ...REDIRECT, scheme: "https" } });
    const answer = await proxy.ask(get("/", "Content-Length: 10\r\nExpect: 100-continue\r\n", "POST"));
    expect([answer.status, singleValue(answer, "Connection")]).toEqual([302, "close"]);
  });

  test("a redirect without any host is refused", async () => {
    const { proxy } = await withRoute({ action: { ...REDIRECT, scheme: "https" } });
    const answer = await proxy.ask("GET / HTTP/1.0\r\n\r\n");
    expect([answer.status, JSON.parse(answer.body.toString()).error.code]).toEqual([400, "host_required"]);
  });
});

describe("https", () => {
  test("plain requests are sent there, with the port where we listen; those that came by it are served", async () => {
    const { proxy, seen } = await withRoute({ httpsRedirect: true, hstsMs: 60_000 }, tls());
    const answer = await proxy.ask(get("/x?y"));
    expect([answer.status, singleValue(answer, "Location")]).toEqual([301, `https://a.example:${proxy.tlsPort}/x?y`]);
    expect(valuesOf(answer, "Strict-Transport-Security")).toEqual([]);
    expect((await proxy.ask(`${get("/", "Content-Length: 1\r\n", "POST")}x`)).status).toBe(308);
    expect(seen).toEqual([]);

    const client = await Wire.connectTls(proxy.tlsPort);
    await client.send(get("/x"));
    const served = await client.message();
    expect([served.status, singleValue(served, "Strict-Transport-Security")]).toEqual([200, "max-age=60"]);
    client.destroy();
  });

  test("questions for a certificate, and reserved paths, are not sent away", async () => {
    const { proxy, seen } = await withRoute({ httpsRedirect: true }, tls());
    expect((await proxy.ask(get("/.well-known/acme-challenge/abc_-1"))).status).toBe(200);
    expect((await proxy.ask(get("/.well-known/acme-challenge/../x"))).status).toBe(301);
    expect((await proxy.ask(get("/health/live"))).status).toBe(200);
    expect(seen.map(({ startLine }) => startLine)).toEqual(["GET /.well-known/acme-challenge/abc_-1 HTTP/1.1"]);
  });

  test("/api/v1/request is sent to where the client asked", async () => {
    const { proxy } = await withRoute({ httpsRedirect: true });
    expect(singleValue(await proxy.ask(get("/api/v1/request/x")), "Location")).toBe(
      "https://a.example/api/v1/request/x",
    );
  });

  test.each([
    ["X-Forwarded-Proto: https\r\n", 200],
    ["X-Forwarded-Proto: https, http\r\n", 200],
    ["X-Forwarded-Proto: http\r\n", 301],
    ["Forwarded: for=192.0.2.1;proto=https\r\n", 200],
    ["Forwarded: for=192.0.2.1\r\n", 301],
    ["", 301],
  ])("behind a proxy that is trusted, %j says how the client came: %d", async (fields, status) => {
    const { proxy } = await withRoute(
      { httpsRedirect: true, hstsMs: 60_000 },
      { settings: { trustedProxies: ["127.0.0.1"] } },
    );
    const answer = await proxy.ask(get("/", fields));
    expect([answer.status, valuesOf(answer, "Strict-Transport-Security").length]).toEqual([
      status,
      status === 200 ? 1 : 0,
    ]);
  });

  test("nobody else says so", async () => {
    const { proxy } = await withRoute({ httpsRedirect: true });
    expect((await proxy.ask(get("/", "X-Forwarded-Proto: https\r\n"))).status).toBe(301);
  });

  test("the header replaces the server's, and is the route's to set", async () => {
    const hsts = "Strict-Transport-Security: max-age=1\r\n";
    const given = await withRoute({ hstsMs: 60_000 }, tls(), ok("", hsts));
    const set = await withRoute(
      {
        hstsMs: 60_000,
        responseHeaders: { remove: [], set: [{ name: "Strict-Transport-Security", value: "max-age=2" }], add: [] },
      },
      tls(),
    );
    for (const [{ proxy }, expected] of [
      [given, "max-age=60"],
      [set, "max-age=2"],
    ] as const) {
      const client = await Wire.connectTls(proxy.tlsPort);
      await client.send(get());
      expect(valuesOf(await client.message(), "Strict-Transport-Security")).toEqual([expected]);
      client.destroy();
    }
  });

  test("it comes with what we say ourselves, too: errors, health, and what is no request", async () => {
    const options = tls();
    const { proxy } = await withRoute({ hstsMs: 60_000 }, { settings: { ...options.settings, hstsMs: 60_000 } });
    proxy.setTargets([]);
    for (const [request, status] of [
      [get(), 503],
      [get("/health/live"), 200],
      ["nonsense\r\n\r\n", 400],
    ] as const) {
      const client = await Wire.connectTls(proxy.tlsPort);
      await client.send(request);
      const answer = await client.message();
      expect([answer.status, singleValue(answer, "Strict-Transport-Security")]).toEqual([status, "max-age=60"]);
      client.destroy();
    }
  });
});

describe("error pages", () => {
  const errorPages = [
    {
      statuses: [500, 599],
      contentType: "text/html; charset=utf-8",
      template: "<p>{{status}} {{code}} {{request_id}}</p>",
    } as const,
  ];

  test("for browsers; programs get JSON", async () => {
    const { proxy } = await withRoute({ errorPages });
    proxy.setTargets([]);
    const page = await proxy.ask(get("/", "Accept: text/html,*/*;q=0.8\r\n"));
    expect(page.body.toString()).toMatch(/^<p>503 no_server_available [0-9a-f]{32}<\/p>$/);
    expect(singleValue(page, "Content-Type")).toBe("text/html; charset=utf-8");
    expect(page.body.toString()).toContain(singleValue(page, "X-Request-Id") ?? "none");
    expect(singleValue(page, "Proxy-Status")).toContain("no_server_available");
    const json = await proxy.ask(get("/", "Accept: application/json\r\nAccept: */*;q=0.1\r\n"));
    expect(JSON.parse(json.body.toString()).error.code).toBe("no_server_available");
    const head = await proxy.ask(get("/", "", "HEAD"), { noBody: true });
    expect([head.status, singleValue(head, "Content-Length")]).toEqual([503, `${page.body.length}`]);
  });

  test("after another request has been parsed meanwhile", async () => {
    const silent = await Backend.start(async (server) => {
      await server.message();
      if (server.received > 0) await server.until(() => server.ended !== null);
    });
    const proxy = new TestProxy([silent], { routes: [{ errorPages }], settings: { responseHeadTimeoutMs: 300 } });
    const waiting = proxy.ask(get("/", "Accept: text/html\r\n"));
    await proxy.ask(get("/health/live", "Accept: application/json\r\n"));
    const page = await waiting;
    expect([page.status, page.body.toString().slice(0, 24)]).toEqual([504, "<p>504 response_timeout "]);
  });
});
