/** `forward_auth`: another server says whether a request may pass. */
import { afterEach, describe, expect, test } from "bun:test";
import type { ForwardAuth, RouteSpec } from "../../../../../src/protocol/route.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../../support/proxy-harness.ts";
import { type TestSettings, toPool } from "../../../../support/proxy-settings.ts";
import { singleValue, valuesOf, type Wire, type WireMessage } from "../../../../support/wire.ts";

afterEach(cleanUp);

const AUTH: ForwardAuth = {
  pool: "auth",
  path: "/verify?from=lb",
  requestHeaders: [],
  responseHeaders: ["x-user", "x-groups"],
  timeoutMs: 10_000,
};

/** A proxy that asks the servers of `auth` before it passes anything on to `server`. */
function asking(
  server: Backend,
  auth: readonly (Backend | { port: number })[],
  spec: Partial<ForwardAuth> = {},
  settings: Partial<TestSettings> = {},
  route: Partial<RouteSpec> = {},
): TestProxy {
  return new TestProxy([server, ...auth.map(({ port }) => ({ port, pool: 1 }))], {
    settings,
    pools: [
      { row: 0, name: "default" },
      { row: 1, name: "auth" },
    ],
    routes: [{ ...toPool("default"), ...route, forwardAuth: { ...AUTH, ...spec } }],
  });
}

/** Answers everything, and keeps what it was asked. */
async function asked(answer: string | Uint8Array = ok("fine")): Promise<{ backend: Backend; requests: WireMessage[] }> {
  const requests: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    requests.push(request);
    return answer;
  });
  return { backend, requests };
}

const denial = (status: number, fields: string, body = "no") =>
  `HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;

describe("the question", () => {
  test("says what is asked for, by whom, and has the client's fields without those of body and connection", async () => {
    const auth = await asked(ok("yes"));
    const server = await asked();
    const proxy = asking(server.backend, [auth.backend]);
    const fields =
      "Content-Length: 2\r\nContent-Type: text/plain\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n" +
      "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nX-Forwarded-Uri: /forged\r\nX-Forwarded-Method: FORGED\r\nX-Own: 2\r\n";
    const answer = await proxy.ask(`${get("/a/b?c=%2e&d", fields, "POST")}hi`);
    expect([answer.status, answer.body.toString()]).toEqual([200, "fine"]);
    const [question] = auth.requests;
    expect(question.startLine).toBe("GET /verify?from=lb HTTP/1.1");
    expect(question.body.length).toBe(0);
    const has = Object.fromEntries(
      ["Host", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For"].map(
        (name) => [name, singleValue(question, name)],
      ),
    );
    expect(has).toEqual({
      Host: "a.example",
      "X-Forwarded-Method": "POST",
      "X-Forwarded-Uri": "/a/b?c=%2e&d",
      "X-Forwarded-Proto": "http",
      "X-Forwarded-Host": "a.example",
      "X-Forwarded-For": "127.0.0.1",
    });
    expect(singleValue(question, "Authorization")).toBe("Bearer t");
    expect(singleValue(question, "Cookie")).toBe("a=b");
    expect(singleValue(question, "X-Own")).toBe("2");
    for (const name of ["Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "X-Hop"]) {
      expect(valuesOf(question, name)).toEqual([]);
    }
    expect(singleValue(question, "X-Request-Id")).toBe(singleValue(server.requests[0], "X-Request-Id"));
    expect(server.requests[0].startLine).toBe("POST /a/b?c=%2e&d HTTP/1.1");
    expect(server.requests[0].body.toString()).toBe("hi");
    expect(proxy.inFlight).toBe(0);
  });

  test("has only the fields that are chosen, and those that say who asks for what", async () => {
    const auth = await asked(ok());
    const proxy = asking((await asked()).backend, [auth.backend], { requestHeaders: ["authorization"] });
    await proxy.ask(get("/", "Authorization: a\r\nCookie: b\r\nX-Own: c\r\n"));
    const [question] = auth.requests;
    expect(singleValue(question, "authorization")).toBe("a");
    expect(valuesOf(question, "cookie").concat(valuesOf(question, "x-own"))).toEqual([]);
    expect(singleValue(question, "x-forwarded-uri")).toBe("/");
    expect(singleValue(question, "x-request-id")).toBeDefined();
  });

  test("from a trusted peer extends what it said of the client, but not which request it is", async () => {
    const auth = await asked(ok());
    const proxy = asking((await asked()).backend, [auth.backend], {}, { trustedProxies: ["127.0.0.0/8"] });
    const fields =
      "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Uri: /its-own\r\nx_forwarded_method: PUT\r\n";
    await proxy.ask(get("/real", fields));
    const [question] = auth.requests;
    expect(singleValue(question, "x-forwarded-for")).toBe("203.0.113.9, 127.0.0.1");
    expect(singleValue(question, "x-forwarded-proto")).toBe("https");
    expect(singleValue(question, "x-forwarded-uri")).toBe("/real");
    expect(singleValue(question, "x-forwarded-method")).toBe("GET");
    expect(valuesOf(question, "x_forwarded_method")).toEqual([]);
  });

  test.each([
    ["an absolute target", "GET http://b.example HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example", "/"],
    [
      "an absolute target with a query alone",
      "GET http://b.example?x HTTP/1.1\r\nHost: a.example\r\n\r\n",
      "b.example",
      "/?x",
    ],
    ["all of the server", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", "*"],
  ])("of %s", async (_what, request, host, uri) => {
    const auth = await asked(ok());
    const server = await asked();
    const proxy = asking(server.backend, [auth.backend]);
    expect((await proxy.ask(request)).status).toBe(200);
    expect(singleValue(auth.requests[0], "host")).toBe(host);
    expect(singleValue(auth.requests[0], "x-forwarded-uri")).toBe(uri);
    expect(singleValue(server.requests[0], "host")).toBe(host);
  });

  test("is about the path that was asked for, whatever its route makes of it, and names its own pool's host", async () => {
    const auth = await asked(ok());
    const server = await asked();
    const rewrite = { path: { kind: "prefix", value: "/new" }, host: "rewritten.example" } as const;
    const proxy = new TestProxy([server.backend, { port: auth.backend.port, pool: 1 }], {
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "auth", settings: { upstreamHost: "auth.internal" } },
      ],
      routes: [{ ...toPool("default"), rewrite, forwardAuth: AUTH }],
    });
    await proxy.ask(get("/old/x"));
    await proxy.ask(get("/api/v1/request/y?z"));
    expect(server.requests.map(({ startLine }) => startLine)).toEqual([
      "GET /new/old/x HTTP/1.1",
      "GET /new/y?z HTTP/1.1",
    ]);
    expect(singleValue(server.requests[0], "host")).toBe("rewritten.example");
    const told = auth.requests.map((question) =>
      ["host", "x-forwarded-host", "x-forwarded-uri"].map((name) => singleValue(question, name)),
    );
    expect(told).toEqual([
      ["auth.internal", "a.example", "/old/x"],
      ["auth.internal", "a.example", "/y?z"],
    ]);
  });

  test("comes before what a route responds itself, and not before its redirect to https", async () => {
    const auth = await Backend.answering(({ fields }) =>
      fields.some(([, value]) => value === "/no") ? denial(403, "") : ok(),
    );
    const action = { kind: "respond", status: 200, contentType: "text/plain", body: "fixed" } as const;
    const proxy = new TestProxy([{ port: auth.port, pool: 1 }], {
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "auth" },
      ],
      routes: [{ action, forwardAuth: AUTH }],
    });
    const answers = [await proxy.ask(get("/no")), await proxy.ask(get("/yes"))];
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(["403 no", "200 fixed"]);
    const received = auth.received;
    proxy.change({}, { routes: [{ action, forwardAuth: AUTH, httpsRedirect: true }] });
    expect((await proxy.ask(get("/no"))).status).toBeGreaterThanOrEqual(300);
    expect(auth.received).toBe(received);
  });

  test("of a client of HTTP/1.0 without a host names the server itself", async () => {
    const auth = await asked(ok());
    const proxy = asking((await asked()).backend, [auth.backend]);
    expect((await proxy.ask("GET /x HTTP/1.0\r\n\r\n")).status).toBe(200);
    expect(singleValue(auth.requests[0], "host")).toBe(`127.0.0.1:${auth.backend.port}`);
  });
});

describe("who may pass", () => {
  test("takes the fields along that the answer has; the client's own of these names never pass", async () => {
    const auth = await asked(ok("", "X-User: ann\r\nX-Groups: a\r\nX-Groups: b\r\nX-Other: no\r\n"));
    const server = await asked();
    const proxy = asking(server.backend, [auth.backend]);
    await proxy.ask(get("/", "X-User: root\r\nx_user: root\r\nX-GROUPS: wheel\r\nX-Other: mine\r\n"));
    const [request] = server.requests;
    expect(valuesOf(request, "x-user")).toEqual(["ann"]);
    expect(valuesOf(request, "x-groups")).toEqual(["a", "b"]);
    expect(valuesOf(request, "x_user")).toEqual([]);
    expect(valuesOf(request, "x-other")).toEqual(["mine"]);
  });

  test.each(["X-User", "x_user", "X-GROUPS", "x-role", "X-Drop"])(
    "may not say %s behind the body either",
    async (name) => {
      const auth = await asked(ok("", "X-User: ann\r\n"));
      const server = await asked();
      const proxy = asking(
        server.backend,
        [auth.backend],
        {},
        {},
        {
          requestHeaders: { remove: ["x-drop"], set: [{ name: "X-Role", value: "guest" }], add: [] },
        },
      );
      const post = get("/", "Transfer-Encoding: chunked\r\nTrailer: x-any\r\n", "POST");
      const refused = await proxy.ask(`${post}1\r\na\r\n0\r\n${name}: root\r\n\r\n`);
      expect([refused.status, refused.body.toString()]).toEqual([400, expect.stringContaining("trailer")]);
      const passed = await proxy.ask(`${post}1\r\na\r\n0\r\nX-Any: 1\r\n\r\n`);
      expect([passed.status, server.requests.length, server.requests[0].trailers]).toEqual([200, 1, "X-Any: 1\r\n"]);
    },
  );

  test("has none of these fields when the answer has none", async () => {
    const server = await asked();
    const proxy = asking(server.backend, [(await asked("HTTP/1.1 204 No Content\r\n\r\n")).backend]);
    await proxy.ask(get("/", "X-User: root\r\nX-Groups: wheel\r\n"));
    expect(valuesOf(server.requests[0], "x-user").concat(valuesOf(server.requests[0], "x-groups"))).toEqual([]);
  });

  test("keeps them when another server is asked", async () => {
    const seen: string[] = [];
    const broken = await Backend.start(async (connection) => {
      seen.push(...valuesOf(await connection.message(), "x-user"));
      connection.destroy();
    });
    const auth = await asked(ok("", "X-User: ann\r\n"));
    const proxy = new TestProxy([broken, broken, { port: auth.backend.port, pool: 1 }], {
      settings: { retryAttempts: 1 },
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "auth" },
      ],
      routes: [{ ...toPool("default"), forwardAuth: AUTH }],
    });
    expect((await proxy.ask(get("/", "X-User: root\r\n"))).status).toBe(502);
    expect(seen).toEqual(["ann", "ann"]);
    expect(auth.requests.length).toBe(1);
  });

  test("an answer whose fields cannot stand in a request is none", async () => {
    const server = await asked();
    const proxy = asking(server.backend, [(await asked(ok("", "X-User: a\x01b\r\n"))).backend]);
    expect(await codeOf(await proxy.ask(get()))).toEqual([503, "auth_unavailable"]);
    expect(server.requests).toEqual([]);
  });

  test("a large body waits, and what does not fit waits at the client", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const auth = await Backend.start(async (connection) => {
      for (;;) {
        await connection.message();
        await held;
        await connection.send(ok());
      }
    });
    const server = await Backend.answering(({ body }) => ok(`${body.length}`));
    const proxy = asking(server, [auth]);
    const client = await proxy.connect();
    const body = Buffer.alloc(8_000_000, 97);
    await client.send(get("/", `Content-Length: ${body.length}\r\n`, "PUT"));
    const sending = client.pump(body);
    await eventually(() => auth.received > 0);
    expect(server.connections.length).toBe(0);
    release();
    const answer = await client.message();
    await sending;
    expect(answer.body.toString()).toBe(`${body.length}`);
    client.destroy();
    await eventually(() => proxy.inFlight === 0);
  });

  test("a client that waits for 100 (Continue) hears of it from its server", async () => {
    const server = await Backend.start(async (connection) => {
      expect(singleValue(await connection.head(), "expect")).toBe("100-continue");
      await connection.send("HTTP/1.1 100 Continue\r\n\r\n");
      expect((await connection.take(2)).toString()).toBe("hi");
      await connection.send(ok("done"));
    });
    const auth = await asked(ok());
    const proxy = asking(server, [auth.backend]);
    const client = await proxy.connect();
    await client.send(get("/", "Content-Length: 2\r\nExpect: 100-continue\r\n", "POST"));
    expect((await client.message({ noBody: true })).status).toBe(100);
    await client.send("hi");
    expect((await client.message()).body.toString()).toBe("done");
    expect(valuesOf(auth.requests[0], "expect")).toEqual([]);
    client.destroy();
  });

  test("a tunnel is opened only then", async () => {
    const server = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello");
      await connection.end();
      connection.destroy();
    });
    const auth = await asked(ok());
    const proxy = asking(server, [auth.backend]);
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"));
    expect((await client.message({ noBody: true })).status).toBe(101);
    expect((await client.take(5)).toString()).toBe("hello");
    expect(valuesOf(auth.requests[0], "upgrade")).toEqual([]);
    client.destroy();
    await eventually(() => proxy.inFlight === 0);
  });

  test("requests of one connection are asked about one after the other", async () => {
    const auth = await Backend.answering(({ fields }) => {
      const uri = fields.find(([name]) => name.toLowerCase() === "x-forwarded-uri")?.[1];
      return uri === "/no" ? denial(403, "") : ok();
    });
    const server = await Backend.answering(({ startLine }) => ok(startLine));
    const proxy = asking(server, [auth]);
    const client = await proxy.connect();
    await client.send(get("/1") + get("/no") + get("/2"));
    const answers = [await client.message(), await client.message(), await client.message()];
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([
      "200 GET /1 HTTP/1.1",
      "403 no",
      "200 GET /2 HTTP/1.1",
    ]);
    expect(auth.connections.length).toBe(1);
    client.destroy();
  });
});

async function codeOf(answer: WireMessage): Promise<[number, string]> {
  return [answer.status, JSON.parse(answer.body.toString()).error.code];
}

describe("who may not", () => {
  test.each([
    [
      "401 with a challenge",
      denial(401, 'WWW-Authenticate: Basic realm="x"\r\n'),
      401,
      "www-authenticate",
      'Basic realm="x"',
    ],
    [
      "a redirect to the login",
      denial(302, "Location: https://login/?rd=%2F\r\nSet-Cookie: s=1\r\n", ""),
      302,
      "location",
      "https://login/?rd=%2F",
    ],
    ["an error", denial(500, "X-Why: broken\r\n"), 500, "x-why", "broken"],
    ["304", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304, "etag", "x"],
  ])("gets the answer that says so: %s", async (_what, response, status, name, value) => {
    const server = await asked();
    const auth = await asked(response);
    const proxy = asking(server.backend, [auth.backend]);
    const client = await proxy.connect();
    for (let i = 0; i < 2; i++) {
      await client.send(get("/"));
      const answer = await client.message({ noBody: status === 304 });
      expect([answer.status, singleValue(answer, name)]).toEqual([status, value]);
    }
    expect(server.requests).toEqual([]);
    expect(auth.backend.connections.length).toBe(1); // both connections are used again
    client.destroy();
    await eventually(() => proxy.inFlight === 0);
  });

  test("gets all of a large answer, also in chunks, no faster than it reads", async () => {
    const body = Buffer.alloc(3_000_000, 98);
    const auth = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n");
      await connection.send(`${body.length.toString(16)}\r\n`);
      await connection.pump(body);
      await connection.send("\r\n0\r\n\r\n");
    });
    const proxy = asking((await asked()).backend, [auth]);
    const answer = await proxy.ask(get());
    expect([answer.status, answer.body.length]).toEqual([403, body.length]);
    await eventually(() => proxy.inFlight === 0);
  });

  test("asked for a head alone: the body stays away, and what follows is read right", async () => {
    const auth = await Backend.answering(({ fields }) =>
      fields.some(([, value]) => value === "HEAD") ? denial(401, "", "the body of a GET") : ok(),
    );
    const server = await Backend.answering(({ startLine }) => ok(startLine));
    const proxy = asking(server, [auth]);
    const client = await proxy.connect();
    await client.send(get("/a", "", "HEAD"));
    const answer = await client.message({ noBody: true });
    expect([answer.status, singleValue(answer, "content-length")]).toEqual([401, "17"]);
    await client.send(get("/b"));
    expect((await client.message()).body.toString()).toBe("GET /b HTTP/1.1");
    client.destroy();
  });

  test("and still sends its body: it is answered, and none of the body reaches anybody", async () => {
    const server = await asked();
    const auth = await asked(denial(401, ""));
    const proxy = asking(server.backend, [auth.backend]);
    const client = await proxy.connect();
    const body = Buffer.alloc(2_000_000, 99);
    await client.send(get("/", `Content-Length: ${body.length}\r\n`, "PUT"));
    const sending = client.pump(body);
    expect((await client.message()).status).toBe(401);
    await sending;
    expect(server.requests).toEqual([]);
    expect(auth.backend.received).toBeLessThan(1000);
    client.destroy();
    await eventually(() => proxy.inFlight === 0);
  });

  test("an answer that breaks off shows that it is not all", async () => {
    const auth = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nhalf");
      connection.destroy();
    });
    const proxy = asking((await asked()).backend, [auth]);
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.head()).status).toBe(403);
    expect((await client.take(4)).toString()).toBe("half");
    await client.end();
    await eventually(() => proxy.inFlight === 0);
    client.destroy();
  });

  test("is logged and counted with the server that said so", async () => {
    const auth = await asked(denial(403, ""));
    const proxy = asking((await asked()).backend, [auth.backend], {}, { accessLog: true, logFormat: "json" });
    await proxy.ask(get("/x"));
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ status: 403, server_id: 2, bytes: 2 });
  });
});

describe("nobody says", () => {
  const silent = () => Backend.start((connection) => connection.message());

  test("in time: nothing passes", async () => {
    const server = await asked();
    const proxy = asking(server.backend, [await silent()], { timeoutMs: 100 });
    const answer = await proxy.ask(get());
    expect(await codeOf(answer)).toEqual([503, "auth_unavailable"]);
    expect(server.requests).toEqual([]);
    expect(proxy.inFlight).toBe(0);
  });

  test("because nobody is there: nothing passes", async () => {
    const server = await asked();
    const proxy = asking(server.backend, [{ port: 1 }], {}, { retryAttempts: 2 });
    expect(await codeOf(await proxy.ask(get()))).toEqual([503, "auth_unavailable"]);
    expect(proxy.memory.servers.consecutiveFailures[1]).toBe(3);
    expect([server.requests.length, proxy.inFlight]).toEqual([0, 0]);
  });

  test("because its pool has no server: nothing passes", async () => {
    const server = await asked();
    const proxy = asking(server.backend, []);
    expect(await codeOf(await proxy.ask(get()))).toEqual([503, "auth_unavailable"]);
    expect(server.requests).toEqual([]);
  });

  test("because its servers are full: nothing waits", async () => {
    const auth = await silent();
    const server = await asked();
    const proxy = new TestProxy([server.backend, { port: auth.port, pool: 1, hardLimit: 1 }], {
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "auth" },
      ],
      routes: [{ ...toPool("default"), forwardAuth: AUTH }],
    });
    const first = await proxy.connect();
    await first.send(get());
    await eventually(() => proxy.inFlight === 1);
    expect(await codeOf(await proxy.ask(get()))).toEqual([503, "auth_unavailable"]);
    first.destroy();
    await eventually(() => proxy.inFlight === 0);
  });

  test.each([
    ["no HTTP", "nonsense\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"],
  ])("but %s: nothing passes", async (_what, response) => {
    const server = await asked();
    const proxy = asking(server.backend, [(await asked(response)).backend]);
    expect(await codeOf(await proxy.ask(get()))).toEqual([503, "auth_unavailable"]);
    expect(server.requests).toEqual([]);
  });

  test("but another server does: it is asked as well", async () => {
    const dead = await Backend.start((connection) => connection.destroy());
    const alive = await asked(ok());
    const proxy = asking(
      (await asked()).backend,
      [dead, alive.backend],
      {},
      { retryAttempts: 1, retryBudgetPercent: 100 },
    );
    for (let i = 0; i < 4; i++) expect((await proxy.ask(get())).status).toBe(200);
    expect(alive.requests.length).toBe(4);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
  });

  test("on a kept connection that was closed meanwhile: a fresh one is made", async () => {
    const auth = await Backend.start(async (connection, index) => {
      await connection.message();
      await connection.send(ok());
      if (index > 0) return;
      await connection.message();
      connection.destroy();
    });
    const proxy = asking((await asked()).backend, [auth], {}, { retryAttempts: 0 });
    for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).status).toBe(200);
    expect(auth.connections.length).toBe(2);
    expect(proxy.memory.servers.consecutiveFailures[1]).toBe(0);
  });

  test("and the client leaves: the question ends with it", async () => {
    const connections: Wire[] = [];
    const auth = await Backend.start(async (connection) => {
      connections.push(connection);
      await connection.message();
    });
    const server = await asked();
    const proxy = asking(server.backend, [auth], {}, { accessLog: true, logFormat: "json" });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => auth.received > 0);
    client.destroy();
    await eventually(() => proxy.inFlight === 0 && connections[0].ended !== null);
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ status: 499, error: "client_aborted" });
    expect(server.requests).toEqual([]);
  });
});
