/** Clients that are still sending when they are answered: they are let, within bounds, so that they read the response. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue } from "../../../support/wire.ts";

afterEach(cleanUp);

const post = (fields: string, path = "/") => get(path, fields, "POST");
const LARGE = Buffer.alloc(48_000_000);
const UPLOAD = `Content-Length: ${LARGE.length}\r\n`;
const SHORT_MS = 500;

const echoing = () => Backend.answering(({ startLine }) => ok(startLine));

describe("whoever reads only when everything is sent learns what became of it", () => {
  test.each([
    ["413", post(UPLOAD), { maxBodyBytes: 1000 }],
    ["413", `${post("Transfer-Encoding: chunked\r\n")}${LARGE.length.toString(16)}\r\n`, { maxBodyBytes: 1000 }],
    ["400", post("Transfer-Encoding: chunked\r\n"), {}],
    ["400", `POST / HTTP/1.1\r\n${UPLOAD}\r\n`, {}],
    ["431", post(`${UPLOAD}X: ${"x".repeat(40_000)}\r\n`), {}],
    ["405", post(UPLOAD, "/health/live"), {}],
    ["200", get("/health/live", UPLOAD), {}],
    ["200", get("/metrics", UPLOAD), {}],
    ["501", post("Transfer-Encoding: gzip, chunked\r\n"), {}],
  ] as const)("%s: %.40j", async (status, head, settings) => {
    const proxy = new TestProxy([await echoing()], { settings });
    const client = await proxy.connect();
    client.socket.pause();
    await client.send(head);
    await client.pump(LARGE);
    client.socket.resume();
    expect(`${(await client.message()).status}`).toBe(status);
    expect(await client.end()).toBe("end");
    client.destroy();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  });

  test("503, without a server and over the connection limit", async () => {
    const proxy = new TestProxy([], { settings: { maxConnections: 1 } });
    const clients = [await proxy.connect(), await proxy.connect()];
    for (const client of clients) {
      client.socket.pause();
      await client.send(post(UPLOAD));
      await client.pump(LARGE);
      client.socket.resume();
      expect((await client.message()).status).toBe(503);
      expect(await client.end()).toBe("end");
      client.destroy();
    }
  });

  test("408 of a body that stopped, and then came after all", async () => {
    const proxy = new TestProxy([await echoing()], { settings: { requestBodyTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    client.socket.pause();
    await client.send(post(UPLOAD));
    await eventually(() => proxy.inFlight === 1);
    await eventually(() => proxy.inFlight === 0);
    await client.pump(LARGE);
    client.socket.resume();
    expect((await client.message()).status).toBe(408);
    expect(await client.end()).toBe("end");
  });

  test("an answer that is larger than what the client's system takes, too", async () => {
    const body = Buffer.alloc(24_000_000, "x");
    const proxy = new TestProxy([], {
      admin: async () => ({ status: 200, type: "text/plain", body, retryAfter: null }),
    });
    const client = await proxy.connect();
    client.socket.pause();
    await client.send(get("/metrics", UPLOAD));
    await client.pump(LARGE);
    client.socket.resume();
    expect((await client.message()).body.length).toBe(body.length);
    expect(await client.end()).toBe("end");
  });
});

describe("instead of 100 (Continue)", () => {
  test.each([
    ["ours", { maxBodyBytes: 1000 }, 413],
    ["the server's", {}, 417],
  ] as const)("a final answer, %s, says that the connection ends, and ends it", async (_, settings, status) => {
    const backend = await Backend.start(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
    });
    const proxy = new TestProxy([backend], { settings });
    const client = await proxy.connect();
    await client.send(post(`Expect: 100-continue\r\n${UPLOAD}`));
    const answer = await client.message();
    expect(answer.status).toBe(status);
    expect(singleValue(answer, "connection")).toBe("close");
    expect(await client.end()).toBe("end");
    // Nothing of the body came: the server's connection waits for it, and must not carry another request.
    if (status === 417) expect(await backend.connections[0].end()).toBe("reset");
    client.destroy();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  });
});

describe("bounds", () => {
  test.each([
    ["floods", 65_536, 0],
    ["drips", 1, 20],
  ])("a client that %s is cut off in time, and does not grow the process", async (_, bytes, everyMs) => {
    const proxy = new TestProxy([], { settings: { requestBodyTimeoutMs: bytes === 1 ? 1500 : 1000 } });
    const client = await proxy.connect();
    await client.send(post(UPLOAD));
    expect((await client.message()).status).toBe(503);
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const piece = Buffer.alloc(bytes);
    let open = true;
    void eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0).then(
      () => {
        open = false;
      },
      () => {},
    );
    let sent = 0;
    for (; open && client.ended !== "reset"; sent += bytes) {
      if (client.socket.writableLength === 0) client.socket.write(piece);
      await Bun.sleep(everyMs);
    }
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(sent).toBeGreaterThan(10 * bytes);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test("a client that neither sends nor closes is let go, and can still read its answer", async () => {
    const proxy = new TestProxy([], { settings: { requestBodyTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    client.socket.pause();
    await client.send(post(UPLOAD));
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 1);
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    client.socket.resume();
    expect((await client.message()).status).toBe(503);
    expect(await client.end()).toBe("end");
  });

  test("a client that gets on is waited for, although all of it takes longer than a pause may", async () => {
    const proxy = new TestProxy([], { settings: { requestBodyTimeoutMs: 1500 } });
    const client = await proxy.connect();
    client.socket.pause();
    const started = performance.now();
    await client.send(post(UPLOAD));
    while (performance.now() - started < 4000) {
      await client.pump(LARGE.subarray(0, 1_500_000));
      await Bun.sleep(100);
    }
    expect(proxy.counter("CONNECTIONS_OPEN")).toBe(1);
    client.socket.resume();
    expect((await client.message()).status).toBe(503);
    expect(await client.end()).toBe("end");
  });

  test("a client that pauses now and then is waited for", async () => {
    const proxy = new TestProxy([], { settings: { requestBodyTimeoutMs: 20_000 } });
    const client = await proxy.connect();
    client.socket.pause();
    await client.send(post(UPLOAD));
    for (let i = 0; i < 5; i++) {
      await Bun.sleep(600);
      await client.pump(LARGE.subarray(0, 1_000_000));
    }
    client.socket.resume();
    expect((await client.message()).status).toBe(503);
    expect(await client.end()).toBe("end");
  });
});
