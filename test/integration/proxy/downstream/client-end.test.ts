/** A client's FIN before its response is complete: it has gone, and takes its request with it (`CLIENT_HALF_CLOSE=off`). */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ProxySettings, TlsCertificate } from "../../../../src/protocol/worker.ts";
import type { AdminResponse } from "../../../../src/proxy/downstream/admin-relay.ts";
import { createSelfSigned } from "../../../support/certificates.ts";
import {
  Backend,
  cleanUp,
  eventually,
  get,
  ok,
  type ProxyOptions,
  type Target,
  TEST_SETTINGS,
  TestProxy,
} from "../../../support/proxy-harness.ts";
import { Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

let certificate: TlsCertificate;
beforeAll(() => {
  const { cert, key } = createSelfSigned("DNS:a.example");
  certificate = { certPem: cert, keyPem: key, names: ["a.example"] };
});

const post = (fields: string, path = "/") => get(path, fields, "POST");

/** Reads requests and never answers. */
const silent = () =>
  Backend.start(async (server) => {
    for (;;) await server.message();
  });

/** How clients come: in plain text, and over TLS with one certificate and with several. */
const doors = [
  ["plain", () => null, (proxy: TestProxy) => proxy.connect()],
  ["TLS", () => [certificate], (proxy: TestProxy) => Wire.connectTls(proxy.tlsPort)],
  ["SNI", () => [certificate, certificate], (proxy: TestProxy) => Wire.connectTls(proxy.tlsPort)],
] as const;

describe.each(doors)("%s: a client that has sent FIN", (_, certificates, connect) => {
  const started = (
    targets: readonly Target[],
    settings: Partial<ProxySettings> = {},
    admin?: ProxyOptions["admin"],
  ) => {
    const offered = certificates();
    const tls = offered === null ? null : { port: 0, certificates: [...offered] };
    return new TestProxy(targets, { settings: { ...settings, tls }, admin });
  };

  test("while its answer is waited for has gone: the server is told, its place is free, the log says 499", async () => {
    const backend = await silent();
    const proxy = started([{ port: backend.port, hardLimit: 1 }], { accessLog: true });
    const client = await connect(proxy);
    await client.send(get("/slow"));
    await eventually(() => backend.received > 0);
    client.finish();
    expect(await backend.connections[0].end()).toBe("reset");
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.counter("CLIENT_ABORTS")).toBe(1);
    expect(proxy.counter("RETRIES")).toBe(0);
    backend.script = async (server) => {
      await server.message();
      await server.send(ok("next"));
    };
    const next = await connect(proxy);
    await next.send(get("/next"));
    expect((await next.message()).body.toString()).toBe("next");
    const [line] = await proxy.logLines(2);
    expect(JSON.parse(line)).toMatchObject({ path: "/slow", status: 499, error: "client_aborted" });
  });

  test("while it waits in the queue leaves it at once, and is not served", async () => {
    const backend = await silent();
    const proxy = started([{ port: backend.port, hardLimit: 1 }]);
    const first = await connect(proxy);
    await first.send(get("/first"));
    await eventually(() => backend.received > 0);
    const second = await connect(proxy);
    await second.send(get("/second"));
    const third = await connect(proxy);
    await third.send(post("Content-Length: 300000\r\n", "/third"), Buffer.alloc(200_000));
    const fourth = await connect(proxy);
    await fourth.send(post("Content-Length: 60000\r\n", "/fourth"), ...Array(5).fill(Buffer.alloc(12_000)));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 3);
    second.finish();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 2);
    fourth.finish();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    third.reset();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 0);
    first.finish();
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(backend.connections.map(({ text }) => text).join()).not.toContain("/second");
    expect(backend.connections.map(({ text }) => text).join()).not.toContain("/fourth");
    expect(proxy.counter("CLIENT_ABORTS")).toBe(4);
  });

  test("in the middle of its answer has gone: the server's connection is closed", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    });
    const proxy = started([backend]);
    const client = await connect(proxy);
    await client.send(get());
    expect((await client.head()).status).toBe(200);
    client.finish();
    expect(await backend.connections[0].end()).toBe("reset");
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
  });

  test("in the middle of its body has gone, and no answer is made up for it", async () => {
    const backend = await silent();
    const proxy = started([backend], { accessLog: true });
    const client = await connect(proxy);
    await client.send(`${post("Content-Length: 10\r\n")}half`);
    await eventually(() => backend.received > 0);
    client.finish();
    expect(await backend.connections[0].end()).toBe("reset");
    await client.end();
    expect(client.text).toBe("");
    expect(JSON.parse((await proxy.logLines(1))[0])).toMatchObject({ status: 499, error: "client_aborted" });
  });

  test("behind several requests has gone, with those that wait for their turn", async () => {
    const backend = await silent();
    const proxy = started([backend]);
    const client = await connect(proxy);
    await client.send(get("/1") + get("/2") + get("/3"));
    await eventually(() => backend.received > 0);
    client.finish();
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    await backend.connections[0].end();
    expect(backend.connections.length).toBe(1);
    expect(backend.connections[0].text).not.toContain("/2");
  });

  test("behind more requests than are held has gone, although nothing more of it is read", async () => {
    const backend = await silent();
    const proxy = started([backend]);
    const client = await connect(proxy);
    await client.send(get("/1"));
    await eventually(() => backend.received > 0);
    await client.send(get("/more", `X: ${"x".repeat(8000)}\r\n`).repeat(20));
    client.finish();
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    await backend.connections[0].end();
    expect(proxy.counter("CLIENT_ABORTS")).toBe(1);
  });

  test("after a complete answer ends in order", async () => {
    const backend = await Backend.answering(({ startLine }) => ok(startLine));
    const proxy = started([backend]);
    const client = await connect(proxy);
    await client.send(get("/1") + get("/2"));
    for (const path of ["/1", "/2"]) expect((await client.message()).body.toString()).toContain(path);
    client.finish();
    expect(await client.end()).toBe("end");
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.counter("CLIENT_ABORTS")).toBe(0);
  });

  test("still gets the last bytes of an answer that has come", async () => {
    const body = Buffer.alloc(9_000_000, "x");
    const backend = await Backend.answering(() => ok(body));
    const proxy = started([backend]);
    const client = await connect(proxy);
    client.socket.pause();
    await client.send(get());
    await eventually(() => proxy.counter("BYTES_TO_CLIENTS") > 0);
    // Read until what is left waits in the proxy alone.
    client.socket.resume();
    await client.until(() => proxy.inFlight === 0);
    client.finish();
    expect((await client.message()).body.length).toBe(body.length);
  });

  test("while a local answer is made ends its connection", async () => {
    const { promise, resolve } = Promise.withResolvers<AdminResponse>();
    const proxy = started([], {}, () => promise);
    const client = await connect(proxy);
    await client.send(get("/metrics"));
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 1);
    client.finish();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    resolve({ status: 200, type: "text/plain", body: Buffer.from("late"), retryAfter: null });
    await client.end();
    expect(client.text).toBe("");
    expect(proxy.logged).toEqual([]);
  });

  test("is served as before where clients may half-close", async () => {
    const backend = await Backend.answering(async ({ startLine }) => {
      await Bun.sleep(50);
      return ok(startLine);
    });
    const proxy = started([backend], { clientHalfClose: true });
    const client = await connect(proxy);
    await client.send(get("/1") + get("/2"));
    client.finish();
    for (const path of ["/1", "/2"]) expect((await client.message()).body.toString()).toContain(path);
    expect(await client.end()).toBe("end");
  });
});

describe("more of clients that have gone", () => {
  test("nothing is tried again for them, and a hedge is ended", async () => {
    const backends = [await silent(), await silent()];
    const proxy = new TestProxy(backends, { settings: { hedgeAfterMs: 20, hedgeBudgetPercent: 100 } });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => backends.every(({ received }) => received > 0));
    expect(proxy.inFlight).toBe(2);
    client.finish();
    await eventually(() => proxy.inFlight === 0 && backends.every(({ open }) => open === 0));
    expect(proxy.counter("RETRIES")).toBe(0);
    expect(proxy.counter("CONNECTIONS_OPEN")).toBe(0);
  });

  // The runtime does not look at a socket whose reading is paused.
  test.if(TEST_SETTINGS.nativeSockets)("a FIN behind bytes that the server does not take is seen", async () => {
    const backend = await Backend.start((server) => server.socket.pause());
    const proxy = new TestProxy([backend], { settings: { requestBodyTimeoutMs: 60_000 } });
    const client = await proxy.connect();
    await client.send(post("Content-Length: 1000000000\r\n"));
    const piece = Buffer.alloc(32_768);
    for (let sent = 0, stalled = false; !stalled; sent += piece.length) {
      client.socket.write(piece);
      stalled = await eventually(() => proxy.counter("BYTES_FROM_CLIENTS") >= sent, 500).then(
        () => false,
        () => true,
      );
    }
    expect(proxy.inFlight).toBe(1);
    client.finish();
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.counter("CLIENT_ABORTS")).toBe(1);
  });
});
