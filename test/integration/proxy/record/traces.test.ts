/** What a worker takes down of sampled requests, over real connections: one record each, with all of their attempts. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { RouteSpec } from "../../../../src/protocol/route.ts";
import { NO_POOL } from "../../../../src/shared/memory/layout/history.ts";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { METHODS, Route } from "../../../../src/shared/memory/series-table.ts";
import { type Certificate, createSelfSigned } from "../../../support/certificates.ts";
import {
  Backend,
  cleanUp,
  eventually,
  get,
  ok,
  type ProxyOptions,
  type Target,
  TestProxy,
} from "../../../support/proxy-harness.ts";
import { type TestSettings, toPool } from "../../../support/proxy-settings.ts";
import { type TracedRequest, TraceReader } from "../../../support/trace-records.ts";
import { singleValue, Wire, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const PARENT = `traceparent: 00-${TRACE}-${SPAN}-01\r\n`;
const ALWAYS: Partial<TestSettings> = { tracing: { ratio: 1, parentBased: true, propagates: true } };
const POOLS = [
  { row: 0, name: "default" },
  { row: 1, name: "other" },
];

let certificate: Certificate;
beforeAll(() => {
  certificate = createSelfSigned("DNS:localhost");
});

/** A proxy that samples everything, unless the settings say otherwise, and what it takes down. */
function traced(targets: readonly Target[], options: ProxyOptions = {}) {
  const proxy = new TestProxy(targets, { ...options, settings: { ...ALWAYS, ...options.settings } });
  const reader = new TraceReader(proxy.memory.traces[0]);
  const taken: TracedRequest[] = [];
  /** The records that there are when there are so many, which is all that come. */
  const records = async (count: number): Promise<TracedRequest[]> => {
    await eventually(() => {
      taken.push(...reader.take());
      return taken.length >= count && proxy.inFlight === 0;
    });
    taken.push(...reader.take());
    expect(taken.length).toBe(count);
    return taken;
  };
  return { proxy, records };
}

/** Answers with `answer`, and keeps what it was asked. */
async function asked(
  answer: (request: WireMessage) => string | Uint8Array | Promise<string | Uint8Array> = () => ok("fine"),
) {
  const requests: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    requests.push(request);
    return answer(request);
  });
  return { backend, requests };
}

/** The span that a server was told. */
const spanOf = (request: WireMessage): string => (singleValue(request, "traceparent") ?? "").slice(36, 52);
const failing = (status: number) => () => `HTTP/1.1 ${status} Oops\r\nContent-Length: 2\r\n\r\nno`;
const kinds = ({ attempts }: TracedRequest): string[] => attempts.map(({ kind }) => kind);

describe("a sampled request", () => {
  test("leaves one record with what it was", async () => {
    const { backend, requests } = await asked(() => ok("12345"));
    const { proxy, records } = traced([backend], { routes: [{ ...toPool("default"), number: 20, name: "shop" }] });
    const fields = `${PARENT}tracestate: a=1\r\ntracestate: b=2\r\nUser-Agent: test/1\r\nContent-Length: 3\r\n`;
    await proxy.ask(`${get("/a/b?c=d&e", fields, "PUT")}abc`);
    const [record] = await records(1);
    expect(record).toMatchObject({
      traceId: TRACE,
      parentId: SPAN,
      ...{ requestBytes: 3, responseBytes: 5, route: 20, status: 200, pool: 0, failure: "" },
      ...{ secure: false, http10: false, tunnel: false, waitMs: 0, count: 1, port: proxy.port },
    });
    expect(METHODS[record.method]).toBe("PUT");
    expect(record.texts).toEqual({
      method: "",
      path: "/a/b",
      query: "c=d&e",
      host: "a.example",
      userAgent: "test/1",
      client: "127.0.0.1",
      requestId: singleValue(requests[0], "x-request-id") ?? "",
      traceState: "a=1,b=2",
    });
    const [attempt] = record.attempts;
    expect(attempt).toMatchObject({
      ...{ kind: "FIRST", reused: false, responded: true, server: 1, status: 200, failure: "", responseBytes: 5 },
      ...{ inFlight: 0, candidates: 1, score: Number.NaN, arm: -1, tlsMs: Number.NaN },
    });
    expect(attempt.spanId).toBe(spanOf(requests[0]));
    expect(attempt.spanId).not.toBe(record.spanId);
    expect(attempt.connectMs).toBeGreaterThanOrEqual(0);
    expect(attempt.headMs).toBeGreaterThanOrEqual(attempt.connectMs);
    expect(record.startMs).toBeLessThanOrEqual(attempt.startMs);
    expect(attempt.startMs + attempt.headMs).toBeLessThanOrEqual(attempt.endMs + 0.01);
    expect(attempt.endMs).toBeLessThanOrEqual(record.endMs);
  });

  test("has no parent where none came, and texts are cut where their room ends", async () => {
    const { backend } = await asked();
    const { proxy, records } = traced([backend]);
    const state = Array.from({ length: 20 }, (_, i) => `v${i}=${"x".repeat(20)}`).join(",");
    await proxy.ask(
      get(`/${"p".repeat(600)}?${"q".repeat(300)}`, `User-Agent: ${"u".repeat(300)}\r\ntracestate: ${state}\r\n`),
    );
    await proxy.ask(get("/", `${PARENT}tracestate: ${state}\r\n`, "PATCH"));
    const [long, odd] = await records(2);
    expect(long.parentId).toBe("0".repeat(16));
    expect(long.traceId).toBe(long.texts.requestId);
    const { path, query, userAgent, traceState } = long.texts;
    expect([path.length, query, userAgent, traceState]).toEqual([512, "q".repeat(256), "u".repeat(192), ""]);
    expect([odd.method, odd.texts.method]).toEqual([METHODS.indexOf("PATCH"), ""]);
    // No half of a member.
    expect(state.startsWith(`${odd.texts.traceState},`)).toBe(true);
    expect(odd.texts.traceState.length).toBeGreaterThan(200);
  });

  test("says which method it had that is not known, and which version", async () => {
    const { backend } = await asked();
    const { proxy, records } = traced([backend]);
    await proxy.ask("BREW / HTTP/1.0\r\nHost: pot.example:81\r\n\r\n");
    await proxy.ask("GET http://other.example?q HTTP/1.1\r\nHost: other.example\r\n\r\n");
    const [old, absolute] = await records(2);
    expect(old).toMatchObject({ method: 0, http10: true, texts: { method: "BREW", host: "pot.example:81" } });
    expect(absolute.texts).toMatchObject({ path: "", query: "q", host: "other.example" });
  });

  test("is the only kind that leaves one", async () => {
    const { backend } = await asked();
    const { proxy, records } = traced([backend], {
      settings: { tracing: { ratio: 0, parentBased: true, propagates: true } },
    });
    await proxy.ask(get());
    await proxy.ask(get("/", PARENT.replace(/1\r\n$/, "0\r\n")));
    await proxy.ask(get("/", PARENT));
    proxy.change({ tracing: null });
    await proxy.ask(get("/", PARENT));
    const [record] = await records(1);
    expect(record.traceId).toBe(TRACE);
  });

  test("leaves one each on a connection that lives on, also when they come at once", async () => {
    const { backend, requests } = await asked();
    const { proxy, records } = traced([backend]);
    const client = await proxy.connect();
    const paths = ["/1", "/2", "/3", "/4"];
    await client.send(get("/0"));
    await client.message();
    await client.send(paths.map((path) => get(path)).join(""));
    for (const _ of paths) expect((await client.message()).status).toBe(200);
    const taken = await records(5);
    expect(taken.map(({ texts }) => texts.path)).toEqual(["/0", ...paths]);
    expect(taken.map(({ attempts: [{ spanId }] }) => spanId)).toEqual(requests.map(spanOf));
    expect(taken.map(({ attempts: [{ reused }] }) => reused)).toEqual([false, true, true, true, true]);
    expect(taken.map(({ attempts: [{ connectMs }] }) => connectMs).slice(1)).toEqual([0, 0, 0, 0]);
    expect(new Set(taken.map(({ traceId }) => traceId)).size).toBe(5);
  });

  test("says that its client spoke TLS, to which port, and what TLS with the server took", async () => {
    const backend = await Backend.answering(() => ok(), { tls: certificate });
    const { proxy, records } = traced([{ port: backend.port, tls: true, hostname: "localhost" }], {
      settings: {
        upstreamCaPem: certificate.cert,
        tls: { port: 0, certificates: [{ certPem: certificate.cert, keyPem: certificate.key, names: ["localhost"] }] },
      },
    });
    const client = await Wire.connectTls(proxy.tlsPort);
    await client.send(get() + get());
    await client.message();
    await client.message();
    const [first, second] = await records(2);
    expect([first.secure, first.port]).toEqual([true, proxy.tlsPort]);
    const [made] = first.attempts;
    expect(made.tlsMs).toBeGreaterThan(0);
    expect(made.connectMs).toBeGreaterThanOrEqual(made.tlsMs);
    expect(second.attempts[0]).toMatchObject({ reused: true, connectMs: 0, tlsMs: Number.NaN });
  });
});

describe("attempts", () => {
  test("are all there when another server is asked after a failure, siblings with spans of their own", async () => {
    const refused: Target = { port: 1 };
    const { backend, requests } = await asked();
    const { proxy, records } = traced([refused, backend], { settings: { strategy: "round_robin" } });
    for (let i = 0; i < 4; i++) expect((await proxy.ask(get())).status).toBe(200);
    const retried = (await records(4)).filter(({ count }) => count > 1);
    expect(retried.length).toBeGreaterThan(0);
    for (const record of retried) {
      const [first, second] = record.attempts;
      expect(kinds(record)).toEqual(["FIRST", "RETRY"]);
      expect(first).toMatchObject({ server: 1, status: 0, failure: "connect_refused", responded: false });
      expect(first.connectMs).toBeNaN();
      expect(second).toMatchObject({ server: 2, status: 200, failure: "", responded: true });
      expect(first.spanId).not.toBe(second.spanId);
      expect(requests.map(spanOf)).toContain(second.spanId);
      expect(first.endMs).toBeLessThanOrEqual(second.startMs);
    }
  });

  test("are there whose response was passed over", async () => {
    const bad = await asked(failing(503));
    const good = await asked();
    const { proxy, records } = traced([bad.backend, good.backend], {
      settings: { retryOnStatus: [503], retryBudgetPercent: 100 },
    });
    for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).status).toBe(200);
    const [record] = (await records(2)).filter(({ count }) => count > 1);
    expect(record.attempts).toMatchObject([
      { kind: "FIRST", server: 1, status: 503, failure: "", responded: false, spanId: spanOf(bad.requests[0]) },
      { kind: "RETRY", server: 2, status: 200, failure: "", responded: true },
    ]);
  });

  test("are there that lost against another one", async () => {
    const slow = await asked(async () => {
      await Bun.sleep(60_000);
      return ok("slow");
    });
    const fast = await asked(() => ok("fast"));
    const { proxy, records } = traced([slow.backend, fast.backend], {
      settings: { hedgeAfterMs: 100, hedgeBudgetPercent: 100 },
    });
    for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).body.toString()).toBe("fast");
    // On a busy machine the fast one may be late, too, and its request be sent to the slow one beside it.
    const [record] = (await records(2)).filter(({ attempts }) => attempts[0].server === 1);
    expect(record.attempts).toMatchObject([
      { kind: "FIRST", server: 1, status: 0, failure: "", responded: false },
      { kind: "HEDGE", server: 2, status: 200, responded: true },
    ]);
    expect(slow.requests.map(spanOf)).toContain(record.attempts[0].spanId);
    expect(fast.requests.map(spanOf)).toContain(record.attempts[1].spanId);
  });

  test("beyond the room of a record are counted", async () => {
    const { proxy, records } = traced(
      Array.from({ length: 12 }, () => ({ port: 1 })),
      { settings: { retryAttempts: 20 } },
    );
    expect((await proxy.ask(get())).status).toBe(502);
    const [record] = await records(1);
    expect([record.count, record.attempts.length, record.status]).toEqual([21, 8, 502]);
  });

  test("say what the model made of them, where it chose", async () => {
    const { proxy, records } = traced([(await asked()).backend, (await asked()).backend], {
      settings: { strategy: "ml" },
    });
    await proxy.ask(get());
    const [
      {
        attempts: [attempt],
      },
    ] = await records(1);
    expect(attempt.candidates).toBe(2);
    expect(attempt.arm).toBeGreaterThanOrEqual(0);
  });
});

describe("ejected servers", () => {
  test("are counted where the others were chosen from, and told of where panic has them used", async () => {
    const { proxy, records } = traced([(await asked()).backend, (await asked()).backend]);
    await proxy.ask(get());
    proxy.setState(0, ServerState.EJECTED);
    await proxy.ask(get());
    proxy.setState(1, ServerState.EJECTED, true);
    await proxy.ask(get());
    const attempts = (await records(3)).flatMap((record) => record.attempts);
    expect(attempts).toMatchObject([
      { candidates: 2, ejected: 0, state: ServerState.UP },
      { candidates: 1, ejected: 1, state: ServerState.UP, server: 2 },
      { candidates: 2, ejected: 2, state: ServerState.EJECTED },
    ]);
  });
});

describe("beside the request", () => {
  const aside = (route: Partial<RouteSpec>) => [{ ...toPool("default"), number: 20, name: "shop", ...route }];
  const AUTH = { pool: "other", path: "/verify", requestHeaders: [], responseHeaders: [], timeoutMs: 10_000 };

  test("the question whether it may pass is an attempt, and its server is told of that", async () => {
    const server = await asked();
    const auth = await asked(({ fields }) => (fields.some(([, value]) => value === "/no") ? failing(403)() : ok()));
    const { proxy, records } = traced([server.backend, { port: auth.backend.port, pool: 1 }], {
      pools: POOLS,
      routes: aside({ forwardAuth: AUTH }),
    });
    expect((await proxy.ask(get("/", `${PARENT}tracestate: a=1\r\n`))).status).toBe(200);
    expect((await proxy.ask(get("/no"))).status).toBe(403);
    const [passed, denied] = await records(2);
    expect(passed.attempts).toMatchObject([
      { kind: "AUTHORISE", server: 2, status: 200, responded: false, spanId: spanOf(auth.requests[0]) },
      { kind: "FIRST", server: 1, status: 200, responded: true, spanId: spanOf(server.requests[0]) },
    ]);
    expect(singleValue(auth.requests[0], "traceparent")).toStartWith(`00-${TRACE}-`);
    expect(singleValue(auth.requests[0], "tracestate")).toBe("a=1");
    expect(denied).toMatchObject({ status: 403, attempts: [{ kind: "AUTHORISE", status: 403, responded: true }] });
  });

  test("a mirrored copy is one, also when it outlives its request", async () => {
    const server = await asked();
    const held = Promise.withResolvers<void>();
    const shadow = await asked(async () => {
      await held.promise;
      return ok("later");
    });
    const { proxy, records } = traced([server.backend, { port: shadow.backend.port, pool: 1 }], {
      pools: POOLS,
      routes: aside({ mirror: { pool: "other", percent: 100 } }),
    });
    const reader = new TraceReader(proxy.memory.traces[0]);
    expect((await proxy.ask(get())).status).toBe(200);
    await eventually(() => shadow.requests.length === 1);
    expect(reader.take()).toEqual([]);
    held.resolve();
    const [record] = await records(1);
    expect(record.attempts).toMatchObject([
      { kind: "FIRST", server: 1, status: 200, responded: true, spanId: spanOf(server.requests[0]) },
      { kind: "MIRROR", server: 2, status: 200, responded: false, spanId: spanOf(shadow.requests[0]) },
    ]);
    expect(record.endMs).toBeLessThan(record.attempts[1].endMs);
  });

  test("a worker that ends writes what waits for its copy", async () => {
    const shadow = await Backend.start((connection) => connection.message());
    const { proxy, records } = traced([(await asked()).backend, { port: shadow.port, pool: 1 }], {
      pools: POOLS,
      routes: aside({ mirror: { pool: "other", percent: 100 } }),
    });
    expect((await proxy.ask(get())).status).toBe(200);
    await eventually(() => shadow.connections.length === 1);
    await proxy.server.closeLogs(1000);
    shadow.stop();
    const [record] = await records(1);
    expect(kinds(record)).toEqual(["FIRST", "MIRROR"]);
    expect(record.attempts[1].endMs).toBeGreaterThanOrEqual(record.endMs);
  });
});

describe("the end", () => {
  test("of a tunnel is when it closes", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello");
    });
    const { proxy, records } = traced([backend]);
    const reader = new TraceReader(proxy.memory.traces[0]);
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"));
    expect((await client.message()).status).toBe(101);
    expect((await client.take(5)).toString()).toBe("hello");
    expect(reader.take()).toEqual([]);
    client.destroy();
    const [record] = await records(1);
    expect(record).toMatchObject({
      status: 101,
      tunnel: true,
      responseBytes: 5,
      attempts: [{ status: 101, responded: true }],
    });
  });

  test("is a client that went away, before its response and in it", async () => {
    const backend = await Backend.start(async (server) => {
      const { startLine } = await server.message();
      if (startLine.includes("/half")) await server.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    const { proxy, records } = traced([backend]);
    for (const path of ["/", "/half"]) {
      const client = await proxy.connect();
      await client.send(get(path));
      await eventually(() => proxy.inFlight === 1);
      if (path === "/half") await client.take(10);
      client.reset();
      await eventually(() => proxy.inFlight === 0);
    }
    const [before, within] = await records(2);
    expect(before).toMatchObject({
      status: 499,
      failure: "client_aborted",
      attempts: [{ status: 0, responded: false }],
    });
    expect(within).toMatchObject({
      status: 200,
      failure: "client_aborted",
      attempts: [{ status: 200, responded: true }],
    });
  });

  test("is a response of our own, with no attempt, or with those that failed", async () => {
    const { proxy, records } = traced([{ port: 1 }]);
    expect((await proxy.ask(get())).status).toBe(502);
    const [record] = await records(1);
    expect(record).toMatchObject({ status: 502, failure: "connect_refused" });
    expect(record.attempts.every(({ failure, responded }) => failure === "connect_refused" && !responded)).toBe(true);
  });

  test("is a refusal over the body", async () => {
    const { proxy, records } = traced([(await asked()).backend], { settings: { maxBodyBytes: 10 } });
    expect((await proxy.ask(get("/", "Content-Length: 11\r\n", "POST"))).status).toBe(413);
    const [record] = await records(1);
    expect(record).toMatchObject({ status: 413, failure: "body_too_large", count: 0, attempts: [] });
  });

  test("is the 503 of a connection too many, in the client's trace as its line has it", async () => {
    const settings = { maxConnections: 1, accessLog: true };
    const { proxy, records } = traced([(await asked()).backend], { settings });
    const held = await proxy.connect();
    await held.send(get());
    expect((await held.message()).status).toBe(200);
    const fields = `${PARENT}tracestate: a=1\r\nUser-Agent: test/1\r\n`;
    const shed = await proxy.ask(get("/a?b", fields, "PURGE"));
    const own = await proxy.ask(get("/c"));
    expect([shed.status, own.status]).toEqual([503, 503]);
    const [, record, root] = await records(3);
    expect(record).toMatchObject({
      ...{ traceId: TRACE, parentId: SPAN, status: 503, failure: "overloaded", pool: NO_POOL, route: Route.PROXY },
      ...{ count: 0, attempts: [], responseBytes: shed.body.length, port: proxy.port },
      texts: { method: "PURGE", path: "/a", query: "b", userAgent: "test/1", client: "127.0.0.1", traceState: "a=1" },
    });
    const [, line, rootLine] = (await proxy.logLines(3)).map((text) => JSON.parse(text));
    expect(line).toMatchObject({ trace_id: TRACE, span_id: record.spanId, trace_flags: "01" });
    expect(line.request_id).toBe(record.texts.requestId);
    expect(root).toMatchObject({ traceId: rootLine.request_id, parentId: "0".repeat(16) });
    expect(rootLine).toMatchObject({ trace_id: root.traceId, span_id: root.spanId, trace_flags: "01" });
  });

  test("of a path of our own that is refused is no span: its line has the client's trace alone", async () => {
    const { proxy, records } = traced([(await asked()).backend], { settings: { accessLog: true } });
    expect((await proxy.ask(get("/health/live", PARENT, "DELETE"))).status).toBe(405);
    const [line] = (await proxy.logLines(1)).map((text) => JSON.parse(text));
    expect(line).toMatchObject({ trace_id: TRACE, trace_flags: "01" });
    expect(line).not.toHaveProperty("span_id");
    await records(0);
  });

  test("of one that waited says how long", async () => {
    const first = Promise.withResolvers<void>();
    const { backend, requests } = await asked(async () => {
      await first.promise;
      return ok();
    });
    const { proxy, records } = traced([{ port: backend.port, hardLimit: 1 }]);
    const answers = [proxy.ask(get("/1")), proxy.ask(get("/2"))];
    await eventually(() => requests.length === 1 && proxy.counter("QUEUE_LENGTH") === 1);
    first.resolve();
    await Promise.all(answers);
    const [one, two] = await records(2);
    expect(one.waitMs).toBe(0);
    expect(two.waitMs).toBeGreaterThan(0);
    expect([one.pool, one.route]).toEqual([0, Route.PROXY]);
    expect(one.pool).not.toBe(NO_POOL);
  });
});
