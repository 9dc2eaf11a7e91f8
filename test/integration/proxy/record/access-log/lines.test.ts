/** The access log as it is written for real requests: one exact line each, in both formats. */
import { afterEach, describe, expect, test } from "bun:test";
import { ACCESS_LOG_FIELD_NAMES } from "../../../../../src/shared/access-log-fields.ts";
import { ServerState } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../../support/proxy-harness.ts";
import { singleValue } from "../../../../support/wire.ts";

afterEach(cleanUp);

const LOGGING = { accessLog: true };
const answering = () => Backend.answering(({ startLine }) => (startLine.includes("/fail") ? FAILED : ok("12345")));
const FAILED = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";

describe("JSON", () => {
  test("every field of a proxied request", async () => {
    const epochMs = Date.UTC(2026, 10, 30); // when the proxy's clock was zero
    const proxy = new TestProxy([await answering()], { settings: LOGGING, epochOffsetMs: () => epochMs });
    const before = epochMs + performance.now();
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await proxy.ask(get('/a?b="c\\', `traceparent: 00-${trace}-b7ad6b7169203331-01\r\n`));
    const [line] = await proxy.logLines(1);
    const entry = JSON.parse(line);
    expect(Object.keys(entry)).toEqual([
      "ts",
      "request_id",
      "method",
      "path",
      "status",
      "duration",
      "duration_ms",
      "remote_ip",
      "server_id",
      "upstream",
      "bytes",
      "queue_ms",
      "connect_ms",
      "first_byte_ms",
      "host",
      "trace_id",
      "trace_flags",
    ]);
    expect(entry).toMatchObject({
      method: "GET",
      path: '/a?b="c\\',
      status: 200,
      remote_ip: "127.0.0.1",
      server_id: 1,
      bytes: 5,
      trace_id: trace,
    });
    expect(entry.request_id).toMatch(/^[0-9a-f]{32}$/);
    expect(entry.duration_ms).toBeGreaterThan(0);
    expect(Number(entry.duration.slice(0, -1)) * 1000).toBeCloseTo(entry.duration_ms, 2);
    expect(Date.parse(entry.ts)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(entry.ts)).toBeLessThanOrEqual(epochMs + performance.now());
    expect(line).toMatch(/^\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",.*"duration":"\d+\.\d{6}s",/);
  });

  test("failures say what failed, whose fault it was and how often it was tried", async () => {
    const proxy = new TestProxy([{ port: 1 }], { settings: LOGGING });
    const answer = await proxy.ask(get("/x"));
    const entry = JSON.parse((await proxy.logLines(1))[0]);
    expect(entry).toMatchObject({ status: 502, attempts: 3, error: "connect_refused", error_source: "upstream" });
    expect(entry.request_id).toBe(singleValue(answer, "x-request-id"));
    expect(entry.request_id).toBe(JSON.parse(answer.body.toString()).error.request_id);
  });

  test("what no server was asked for has no times of the request before it", async () => {
    const proxy = new TestProxy([await answering()], { settings: LOGGING });
    const client = await proxy.connect();
    await client.send(get());
    await client.message();
    proxy.setState(0, ServerState.DOWN);
    await client.send(get());
    expect((await client.message()).status).toBe(503);
    const [served, refused] = (await proxy.logLines(2)).map((line) => JSON.parse(line));
    expect(served.first_byte_ms).toBeGreaterThan(0);
    expect(refused.server_id).toBe(0);
    for (const field of ["connect_ms", "first_byte_ms", "upstream"]) expect(refused).not.toHaveProperty(field);
  });

  test("requests that were refused, given up or cut off have their line too", async () => {
    const backend = await Backend.start(async (server) => {
      const { startLine } = await server.message();
      if (startLine.includes("half")) await server.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      if (startLine.includes("half")) server.finish();
    });
    const proxy = new TestProxy([backend], { settings: LOGGING });
    const refused = await proxy.ask("BAD\r\n\r\n");
    expect(refused.body.length).toBeGreaterThan(0);
    expect(JSON.parse((await proxy.logLines(1))[0])).toMatchObject({
      path: "",
      status: 400,
      bytes: refused.body.length,
      error_source: "client",
      server_id: 0,
    });
    const gone = await proxy.connect();
    await gone.send(get("/gone"));
    await eventually(() => proxy.inFlight === 1);
    gone.reset();
    expect(JSON.parse((await proxy.logLines(2))[1])).toMatchObject({
      path: "/gone",
      status: 499,
      error: "client_aborted",
    });
    const cut = await proxy.connect();
    await cut.send(get("/half"));
    await cut.end();
    expect(JSON.parse((await proxy.logLines(3))[2])).toMatchObject({
      status: 200,
      bytes: 4,
      error: "response_truncated",
    });
  });

  test("unknown methods and trusted addresses appear as they are", async () => {
    const proxy = new TestProxy([await answering()], { settings: { ...LOGGING, trustedProxies: ["127.0.0.1"] } });
    await proxy.ask(get("/", "X-Forwarded-For: 6.6.6.6, 2001:db8::7\r\nX-Request-Id: abc-1\r\n", "BREW"));
    expect(JSON.parse((await proxy.logLines(1))[0])).toMatchObject({
      method: "BREW",
      remote_ip: "2001:db8::7",
      request_id: "abc-1",
    });
  });

  test("tunnels are logged at their end, with what went to the client", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n12345678");
      await server.end();
      server.finish();
    });
    const proxy = new TestProxy([backend], { settings: LOGGING });
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"));
    await client.message();
    await client.take(8);
    client.finish();
    expect(JSON.parse((await proxy.logLines(1))[0])).toMatchObject({ status: 101, bytes: 8 });
  });

  test("what the client says of itself, and where its request went", async () => {
    const backend = await answering();
    const settings = { ...LOGGING, accessLogFields: ACCESS_LOG_FIELD_NAMES };
    const proxy = new TestProxy([backend], { settings });
    const client = await proxy.connect();
    const long = `Mozilla/5.0 ${"x".repeat(5000)}`;
    for (const fields of ['user-AGENT: curl/8 "q"\r\nReferer: http://a.test/?b\r\n', `User-Agent: ${long}\r\n`]) {
      await client.send(get("/", fields));
      await client.message();
    }
    const [first, second] = (await proxy.logLines(2)).map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      user_agent: 'curl/8 "q"',
      referer: "http://a.test/?b",
      protocol: "HTTP/1.1",
      upstream: `127.0.0.1:${backend.port}`,
      queue_ms: 0,
    });
    expect(first.host).not.toBe("");
    expect(first.connect_ms).toBeGreaterThan(0);
    expect(first.first_byte_ms).toBeGreaterThan(first.connect_ms);
    expect(first.duration_ms).toBeGreaterThanOrEqual(first.first_byte_ms);
    expect(second.connect_ms).toBe(0); // a kept connection
    expect(second.user_agent).toBe(`${long.slice(0, 512)}...`);
    expect(second).not.toHaveProperty("referer");
    expect(second).not.toHaveProperty("tls_version");
  });

  test("ACCESS_LOG_PROBES: paths of our own have a line where it is wanted, or where they are refused", async () => {
    const proxy = new TestProxy([await answering()], { settings: LOGGING });
    await proxy.ask(get("/health/live"));
    await proxy.ask(get("/metrics"));
    await proxy.ask(get("/health/ready", "User-Agent: prober\r\n", "POST"));
    const refused = JSON.parse((await proxy.logLines(1))[0]);
    expect(refused).toMatchObject({
      method: "POST",
      path: "/health/ready",
      status: 405,
      user_agent: "prober",
      error: "method_not_allowed",
      server_id: 0,
      trace_id: "",
    });
    expect(refused).not.toHaveProperty("upstream");
    proxy.change({ accessLogProbes: true });
    await proxy.ask(get("/health/live?x"));
    const client = await proxy.connect();
    await client.send(get("/metrics", "", "HEAD"));
    const lines = (await proxy.logLines(3)).map((line) => JSON.parse(line));
    expect(lines.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
      "POST /health/ready 405",
      "GET /health/live?x 200",
      "HEAD /metrics 200",
    ]);
    expect(lines[1].bytes).toBeGreaterThan(0);
    expect(lines[2].bytes).toBe(0);
  });
});

describe("text", () => {
  test("a line for people", async () => {
    const proxy = new TestProxy([await answering()], { settings: { ...LOGGING, logFormat: "text" } });
    await proxy.ask(get("/a?b"));
    expect((await proxy.logLines(1))[0]).toMatch(
      /^\S+Z 127\.0\.0\.1 "GET \/a\?b" 200 0\.\d{6}s 5B server=1 request_id=[0-9a-f]{32}$/,
    );
  });

  test("ACCESS_LOG_FORMAT and ACCESS_LOG_FIELDS say what lines look like, also after a change", async () => {
    const settings = { ...LOGGING, accessLogFields: ["path", "referer"] as const };
    const proxy = new TestProxy([await answering()], { settings });
    const fields = "Referer: http://a.test/\r\nUser-Agent: curl/8\r\n";
    await proxy.ask(get("/1", fields));
    proxy.change({ accessLogFormat: "common" });
    await proxy.ask(get("/2", fields));
    proxy.change({ accessLogFormat: "combined" });
    await proxy.ask(get("/3", fields));
    await proxy.ask("BAD\r\n\r\n");
    proxy.change({ accessLogFormat: "json", logFormat: "text" });
    await proxy.ask(get("/4", fields));
    const lines = await proxy.logLines(5);
    expect(lines[0]).toBe('{"path":"/1","referer":"http://a.test/"}');
    const date = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
    expect(lines[1]).toMatch(new RegExp(`^127\\.0\\.0\\.1 - - ${date} "GET /2 HTTP/1\\.1" 200 5$`));
    expect(lines[2]).toMatch(/ "GET \/3 HTTP\/1\.1" 200 5 "http:\/\/a\.test\/" "curl\/8"$/);
    expect(lines[3]).toMatch(/ "-" 400 \d+ "-" "-"$/);
    expect(lines[4]).toBe('{"path":"/4","referer":"http://a.test/"}');
  });

  test("the format can change while it runs, without a lost line", async () => {
    const proxy = new TestProxy([await answering()], { settings: LOGGING });
    await proxy.ask(get("/json"));
    proxy.change({ logFormat: "text" });
    await proxy.ask(get("/text"));
    proxy.change({ accessLog: false });
    await proxy.ask(get("/none"));
    proxy.change({ accessLog: true, logFormat: "json" });
    await proxy.ask(get("/json-again"));
    const lines = await proxy.logLines(3);
    expect(lines.map((line) => /\/[a-z-]+/.exec(line)?.[0])).toEqual(["/json", "/text", "/json-again"]);
  });
});

describe("sampling", () => {
  test("a share of what succeeds, and all that fails", async () => {
    const proxy = new TestProxy([await answering()], { settings: { ...LOGGING, accessLogSample: 0.5 } });
    const client = await proxy.connect();
    for (let i = 0; i < 200; i++) {
      await client.send(get(i < 10 ? "/fail" : "/fine"));
      await client.message();
    }
    await eventually(() => proxy.counter("ACCESS_LOG_LINES") > 50);
    const lines = await proxy.logLines(proxy.counter("ACCESS_LOG_LINES"));
    expect(lines.filter((line) => line.includes('"status":500')).length).toBe(10);
    const fine = lines.length - 10;
    expect(fine).toBeGreaterThan(50);
    expect(fine).toBeLessThan(140);
  });

  test("0 logs failures only", async () => {
    const proxy = new TestProxy([await answering()], { settings: { ...LOGGING, accessLogSample: 0 } });
    for (const path of ["/fine", "/fail", "/fine"]) await proxy.ask(get(path));
    const lines = await proxy.logLines(1);
    expect(lines.map((line) => JSON.parse(line).path)).toEqual(["/fail"]);
  });
});
