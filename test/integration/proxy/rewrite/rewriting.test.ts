/** What reaches the other side: everything as it came, but for what a proxy must remove, replace or add. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";
import { singleValue, valuesOf, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

/** A proxy, and the request that its server saw last. */
async function observed(settings: ConstructorParameters<typeof TestProxy>[1] = {}, answer: string | Buffer = ok()) {
  const seen: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    seen.push(request);
    return answer;
  });
  const proxy = new TestProxy([backend], settings);
  return {
    proxy,
    backend,
    async sent(request: string): Promise<WireMessage> {
      await proxy.ask(request);
      return seen[seen.length - 1];
    },
  };
}

const TRUSTING = { settings: { trustedProxies: ["127.0.0.0/8"] } };

describe("transparency", () => {
  test.each([
    "/",
    "//",
    "/a/../b/./c//d",
    "/%2e%2E/%2F%41?q=%zz",
    "/?",
    "/a?b=c&b=d;e?f/g=%00",
    "/~!$&'()*+,;=:@-._|^`{}\"<>[]\\",
  ])("the target %p reaches the server byte for byte", async (target) => {
    const { sent } = await observed();
    expect((await sent(get(target))).startLine).toBe(`GET ${target} HTTP/1.1`);
  });

  test("so does a long one", async () => {
    const target = `/${"long".repeat(2000)}`;
    const { sent } = await observed();
    expect((await sent(get(target))).startLine).toBe(`GET ${target} HTTP/1.1`);
  });

  test("methods, even unknown ones, pass", async () => {
    const { sent } = await observed();
    for (const method of ["PATCH", "PROPFIND", "M-SEARCH", "get", "X!#$%&'*+-.^_`|~1"]) {
      expect((await sent(get("/", "Content-Length: 0\r\n", method))).startLine).toBe(`${method} / HTTP/1.1`);
    }
  });

  test("OPTIONS * stays what it is", async () => {
    const { sent } = await observed();
    expect((await sent(get("*", "", "OPTIONS"))).startLine).toBe("OPTIONS * HTTP/1.1");
  });

  test("field lines keep their order, case, inner space and bytes", async () => {
    const lines =
      'X-B: 1\r\naCCept:  a , b\r\nX-B: 2\r\nCookie: a=1; b="\\"\r\nX-Empty:\r\nX-Latin: \xe9\xff\x80\r\nX-b:\t3 \r\nTE-2: x\r\n';
    const { sent } = await observed();
    expect((await sent(get("/", lines))).head).toStartWith(`GET / HTTP/1.1\r\nHost: a.example\r\n${lines}`);
  });

  test("so do the server's, reason phrase included", async () => {
    const lines =
      "Set-Cookie: a=1\r\nx-One: 1\r\nSet-Cookie: b=2; Path=/\r\nSERVER: \xe9\r\nX-One:  2\r\nContent-Length: 0\r\n";
    const { proxy } = await observed({}, `HTTP/1.1 299 Fa\xdfon de parler\r\n${lines}\r\n`);
    expect((await proxy.ask(get())).head).toStartWith(`HTTP/1.1 299 Fa\xdfon de parler\r\n${lines}`);
  });

  test("an absolute target becomes a path, and its authority the Host", async () => {
    const { sent } = await observed();
    const one = await sent("GET http://b.example:81/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n");
    expect(one.startLine).toBe("GET /x?y HTTP/1.1");
    expect(valuesOf(one, "host")).toEqual(["b.example:81"]);
    expect((await sent("GET http://b.example HTTP/1.1\r\nHost: a\r\n\r\n")).startLine).toBe("GET / HTTP/1.1");
    expect((await sent("GET HTTP://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n")).startLine).toBe("GET /?q HTTP/1.1");
  });
});

describe("hop-by-hop fields", () => {
  test("are removed from requests, with those that Connection lists", async () => {
    const { sent } = await observed();
    const request = await sent(
      get(
        "/",
        "Connection: close, X-Private,x-OTHER\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n" +
          "X-Private: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-Other: 2\r\nX-Kept: 3\r\nX-Private: 4\r\n" +
          "Proxy-Authorization: Basic x\r\nX-Privates: 5\r\n",
      ),
    );
    const names = request.fields.map(([name]) => name);
    expect(names.slice(0, 3)).toEqual(["Host", "X-Kept", "X-Privates"]);
    expect(names.slice(3)).not.toContain("Connection");
  });

  test.each([
    ["TE: trailers\r\n"],
    ["TE: trailers\r\nConnection: TE\r\n"],
    ["Connection: te, close\r\nTE: gzip;q=0.5, Trailers\r\n"],
    ["TE: deflate\r\nTE: x ,trailers\r\n"],
  ])("%j: servers are told that trailers are welcome, and that this is for them alone", async (lines) => {
    const { sent } = await observed();
    const request = await sent(get("/", lines));
    expect(valuesOf(request, "te")).toEqual(["trailers"]);
    expect(valuesOf(request, "connection")).toEqual(["TE"]);
    const upgrade = await sent(get("/", `${lines}Connection: Upgrade\r\nUpgrade: x\r\n`));
    expect(valuesOf(upgrade, "connection")).toEqual(["TE, Upgrade"]);
    expect(valuesOf(upgrade, "upgrade")).toEqual(["x"]);
  });

  test.each(["TE: gzip\r\n", "TE:\r\n", "TE: trailersx, xtrailers\r\n", "TE: gzip;trailers\r\n"])(
    "%j says nothing of trailers",
    async (lines) => {
      const { sent } = await observed();
      const request = await sent(get("/", lines));
      expect([...valuesOf(request, "te"), ...valuesOf(request, "connection")]).toEqual([]);
    },
  );

  test("a client of HTTP/1.0 can have no trailers", async () => {
    const { sent } = await observed();
    expect(valuesOf(await sent("GET / HTTP/1.0\r\nTE: trailers\r\n\r\n"), "te")).toEqual([]);
  });

  test("a length and a coding with tabs around them reach the server without", async () => {
    const { sent } = await observed();
    const length = await sent(`${get("/", "Content-Length:\t2 \t\r\nX-A: b\r\n", "POST")}ok`);
    expect(length.head).toContain("X-A: b\r\nContent-Length: 2\r\n");
    expect(valuesOf(length, "content-length").length).toBe(1);
    const chunked = await sent(`${get("/", "Transfer-Encoding:\tchunked\r\n", "POST")}2\r\nok\r\n0\r\n\r\n`);
    expect(chunked.head).toContain("\r\nTransfer-Encoding: chunked\r\n");
    expect(chunked.body.toString()).toBe("ok");
  });

  test("are removed from responses, with those that Connection lists", async () => {
    const { proxy } = await observed(
      {},
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=5\r\nX-Private: 1\r\nX-Kept: 2\r\n" +
        "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nContent-Length: 0\r\n\r\n",
    );
    const names = (await proxy.ask(get())).fields.map(([name]) => name);
    expect(names).toEqual(["X-Kept", "Content-Length", "Date"]);
  });

  test("Connection cannot remove what frames the message", async () => {
    const { proxy, backend } = await observed();
    const refused = await proxy.ask(get("/", "Connection: content-length\r\nContent-Length: 0\r\n"));
    expect(refused.status).toBe(400);
    expect((await proxy.ask(get("/", "Connection: host\r\n"))).status).toBe(400);
    expect(backend.received).toBe(0);
  });

  test("426 keeps its Upgrade field; load reports are for the balancer only", async () => {
    const { proxy } = await observed(
      {},
      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" +
        "endpoint-load-metrics: TEXT cpu_utilization=0.5\r\nContent-Length: 0\r\n\r\n",
    );
    const answer = await proxy.ask(get());
    expect(singleValue(answer, "upgrade")).toBe("websocket");
    expect(valuesOf(answer, "endpoint-load-metrics")).toEqual([]);
    expect(proxy.memory.workers[0].orcaCpuPercent[0]).toBe(50);
  });
});

describe("added fields", () => {
  test("Date on responses where the server sent none; Via is the server's alone", async () => {
    const { proxy } = await observed({}, ok("", "Via: 1.0 inner\r\n"));
    const answer = await proxy.ask(get());
    expect(valuesOf(answer, "via")).toEqual(["1.0 inner"]);
    expect(Math.abs(Date.parse(singleValue(answer, "date") ?? "") - Date.now())).toBeLessThan(60_000);
    const dated = await observed({}, ok("", "Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n"));
    expect(valuesOf(await dated.proxy.ask(get()), "date")).toEqual(["Tue, 01 Jan 2030 00:00:00 GMT"]);
  });

  test("an untrusted client's forwarding fields are replaced", async () => {
    const { sent } = await observed();
    const request = await sent(
      get(
        "/",
        "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n" +
          "X-Forwarded-Port: 1\r\nX-Real-IP: 3.3.3.3\r\nForwarded: for=4.4.4.4\r\nX-Request-Id: mine\r\nVia: 1.1 before\r\n",
      ),
    );
    expect(valuesOf(request, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf(request, "x-forwarded-proto")).toEqual(["http"]);
    expect(valuesOf(request, "x-forwarded-host")).toEqual(["a.example"]);
    expect(valuesOf(request, "x-forwarded-port")).toEqual([]);
    expect(valuesOf(request, "x-real-ip")).toEqual([]);
    expect(valuesOf(request, "forwarded")).toEqual(['for=127.0.0.1;host="a.example";proto=http']);
    expect(valuesOf(request, "via")).toEqual(["1.1 before", "1.1 neurabalancer"]);
    expect(singleValue(request, "x-request-id")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("and so is whatever else of that family an application might believe", async () => {
    const { sent } = await observed();
    const names = [
      "X-Forwarded-Prefix",
      "x-forwarded-ssl",
      "X_Forwarded_Scheme",
      "X-Forwarded-Server",
      "X-Forwarded-By",
      "X-Forwarded-Anything-That-Comes-To-Mind",
      "X-Forwarded",
      "X-Real-Port",
      "X-Original-URL",
      "X-Original-Forwarded-For",
      "X-Rewrite-Url",
      "X-Client-IP",
      "Client_Ip",
      "X-Cluster-Client-IP",
      "Front-End-Https",
    ];
    const lines = names.map((name) => `${name}: evil\r\nX-Kept: 1\r\n`).join("");
    const request = await sent(get("/", lines));
    expect(request.head).not.toContain("evil");
    expect(valuesOf(request, "x-kept").length).toBe(names.length);
    const trusting = await observed(TRUSTING);
    expect((await trusting.sent(get("/", lines))).head.match(/evil/g)?.length).toBe(names.length);
  });

  test("Via is left out where servers are not to know", async () => {
    const { sent } = await observed({ settings: { upstreamVia: false } });
    expect(valuesOf(await sent(get()), "via")).toEqual([]);
    expect(valuesOf(await sent(get("/", "Via: 1.1 before\r\n")), "via")).toEqual(["1.1 before"]);
    const trusting = await observed({ settings: { upstreamVia: false, trustedProxies: ["127.0.0.0/8"] } });
    expect(valuesOf(await trusting.sent(get()), "via")).toEqual([]);
  });

  test("whether Via is written is each pool's own affair, on one connection, and before and after a reload", async () => {
    const backend = await Backend.answering(({ head }) => ok(/\r\nVia: /.test(head) ? "via" : "none"));
    const pool = (row: number, name: string, upstreamVia: boolean) => ({ row, name, settings: { upstreamVia } });
    const routes = [
      {
        number: 16,
        name: "quiet",
        match: { hosts: [], paths: [{ kind: "prefix" as const, value: "/quiet" }], methods: [], headers: [] },
        ...toPool("quiet"),
      },
      { number: 17, name: "rest", ...toPool("default") },
    ];
    for (const trustedProxies of [[], ["127.0.0.0/8"]]) {
      const proxy = new TestProxy([backend, { port: backend.port, pool: 3 }], {
        settings: { trustedProxies },
        pools: [pool(0, "default", true), pool(3, "quiet", false)],
        routes,
      });
      const client = await proxy.connect();
      const ask = async (path: string) => {
        await client.send(get(path));
        return (await client.message()).body.toString();
      };
      for (let i = 0; i < 2; i++) expect([await ask("/"), await ask("/quiet")]).toEqual(["via", "none"]);
      proxy.change({}, { pools: [pool(0, "default", false), pool(3, "quiet", true)] });
      for (let i = 0; i < 2; i++) expect([await ask("/"), await ask("/quiet")]).toEqual(["none", "via"]);
    }
  });

  test("a trusted proxy that knows only Forwarded is believed, and servers are told in their words", async () => {
    const { sent, proxy } = await observed({
      settings: { ...TRUSTING.settings, accessLog: true, strategy: "consistent_hash" },
    });
    const request = await sent(
      get("/", 'Forwarded: for=6.6.6.6, for="[2001:db8::7]:4711";proto=https;host="shop.example:8443"\r\n'),
    );
    expect(valuesOf(request, "x-forwarded-for")).toEqual(["6.6.6.6, 2001:db8::7, 127.0.0.1"]);
    expect(valuesOf(request, "forwarded").length).toBe(2);
    const one = await sent(get("/", "Forwarded: For=203.0.113.7;Proto=HTTPS;Host=shop.example\r\n"));
    expect(valuesOf(one, "x-forwarded-proto")).toEqual(["https"]);
    expect(valuesOf(one, "x-forwarded-host")).toEqual(["shop.example"]);
    const lines = await proxy.logLines(2);
    expect(lines.map((line) => JSON.parse(line).remote_ip)).toEqual(["2001:db8::7", "203.0.113.7"]);
  });

  test.each([
    ["X-Forwarded-For: 203.0.113.7:51234\r\n", "203.0.113.7"],
    ["X-Forwarded-For: 6.6.6.6, [2001:db8::1]:443\r\n", "2001:db8::1"],
    ["X-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.8\r\n", "203.0.113.7"],
    ["X-Forwarded-For:\r\nForwarded: for=203.0.113.8\r\n", "203.0.113.8"],
    ["Forwarded: for=unknown\r\n", "127.0.0.1"],
  ])("%j: the log says %s", async (lines, address) => {
    const { sent, proxy } = await observed({ settings: { ...TRUSTING.settings, accessLog: true } });
    await sent(get("/", lines));
    expect(JSON.parse((await proxy.logLines(1))[0]).remote_ip).toBe(address);
  });

  test("a trusted proxy's are kept and extended", async () => {
    const { sent } = await observed(TRUSTING);
    const request = await sent(
      get(
        "/",
        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n" +
          "X-Forwarded-Port: 443\r\nX-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Request-Id: theirs-1\r\n",
      ),
    );
    expect(valuesOf(request, "x-forwarded-for")).toEqual(["1.1.1.1, 2.2.2.2, 127.0.0.1"]);
    expect(valuesOf(request, "x-forwarded-proto")).toEqual(["https"]);
    expect(valuesOf(request, "x-forwarded-host")).toEqual(["shop"]);
    expect(valuesOf(request, "x-forwarded-port")).toEqual(["443"]);
    expect(valuesOf(request, "x-real-ip")).toEqual(["1.1.1.1"]);
    expect(valuesOf(request, "forwarded")).toEqual(["for=1.1.1.1", 'for=127.0.0.1;host="a.example";proto=http']);
    expect(valuesOf(request, "x-request-id")).toEqual(["theirs-1"]);
  });

  test("a trusted proxy that says nothing gets the same fields as anybody", async () => {
    const { sent } = await observed(TRUSTING);
    const request = await sent(get());
    expect(valuesOf(request, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf(request, "x-forwarded-proto")).toEqual(["http"]);
    expect(singleValue(request, "x-request-id")).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each(['a"b', "a b", "x".repeat(129), ""])(
    "a trusted request id %p that cannot be logged is replaced",
    async (id) => {
      const { sent } = await observed(TRUSTING);
      expect(singleValue(await sent(get("/", `X-Request-Id: ${id}\r\n`)), "x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    },
  );

  test("ids differ from request to request", async () => {
    const { sent } = await observed();
    const ids = new Set<string | undefined>();
    for (let i = 0; i < 50; i++) ids.add(singleValue(await sent(get()), "x-request-id"));
    expect(ids.size).toBe(50);
  });

  test("a connection whose requests name different hosts forwards each its own", async () => {
    const { proxy, backend } = await observed();
    const client = await proxy.connect();
    await client.send(get("/") + get("/").replace("a.example", "b.example:80"));
    await client.message();
    await client.message();
    await client.send("GET / HTTP/1.0\r\n\r\n");
    await client.message();
    expect(backend.connections.length).toBe(1);
  });
});

describe("paths of its own", () => {
  const admin = async ({ path }: { path: string }) => ({
    status: 200,
    type: "text/x",
    body: Buffer.from(`asked for ${path}`),
    retryAfter: null,
  });

  test("health, metrics and servers are answered here", async () => {
    const { proxy, backend } = await observed({ admin });
    const live = await proxy.ask(get("/health/live"));
    expect(JSON.parse(live.body.toString())).toMatchObject({ status: "ok", ts: expect.stringMatching(/^20\d\d-/) });
    const ready = await proxy.ask(get("/health/ready?x"));
    expect(JSON.parse(ready.body.toString())).toEqual({ status: "ready", total: 1, healthy: 1 });
    expect((await proxy.ask(get("/metrics?x=1"))).body.toString()).toBe("asked for /metrics");
    expect((await proxy.ask(get("/api/v1/servers"))).body.toString()).toBe("asked for /api/v1/servers");
    const head = await proxy.ask(get("/health/live", "", "HEAD"), { noBody: true });
    expect(Number(singleValue(head, "content-length"))).toBeGreaterThan(10);
    const wrong = await proxy.ask(get("/metrics", "", "DELETE"));
    expect([wrong.status, singleValue(wrong, "allow")]).toEqual([405, "GET, HEAD"]);
    expect(backend.received).toBe(0);
  });

  test("a control process that does not answer is 503", async () => {
    const { proxy } = await observed({ admin: () => Promise.reject(new Error("gone")) });
    expect((await proxy.ask(get("/metrics"))).status).toBe(503);
  });

  test("pipelined local answers come in their turn", async () => {
    const { proxy } = await observed({ admin }, ok("proxied"));
    const client = await proxy.connect();
    await client.send(get("/metrics") + get("/x") + get("/health/live") + get("/api/v1/servers"));
    expect((await client.message()).body.toString()).toBe("asked for /metrics");
    expect((await client.message()).body.toString()).toBe("proxied");
    expect((await client.message()).body.toString()).toContain("ok");
    expect((await client.message()).body.toString()).toBe("asked for /api/v1/servers");
  });

  test.each([
    ["/api/v1/request", "/"],
    ["/api/v1/request/", "/"],
    ["/api/v1/request?a=b", "/?a=b"],
    ["/api/v1/request/x/y?z", "/x/y?z"],
    ["/api/v1/request//x", "//x"],
    ["/api/v1/requests", "/api/v1/requests"],
    ["/health", "/health"],
    ["/health/live/", "/health/live/"],
    ["/metricsx", "/metricsx"],
  ])("%s is proxied as %s", async (path, expected) => {
    const { sent } = await observed();
    expect((await sent(get(path))).startLine).toBe(`GET ${expected} HTTP/1.1`);
  });

  test("RESERVED_PATHS=false proxies them all", async () => {
    const { sent } = await observed({ settings: { reservedPaths: false } });
    for (const path of ["/health/live", "/metrics", "/api/v1/servers", "/api/v1/request/x"]) {
      expect((await sent(get(path))).startLine).toBe(`GET ${path} HTTP/1.1`);
    }
  });
});
