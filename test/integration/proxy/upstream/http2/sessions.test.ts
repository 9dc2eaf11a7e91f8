/** Servers of HTTP/2 behind the whole proxy: how their connections are shared, replaced and given up. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Authority, createAuthority } from "../../../../support/certificates.ts";
import { Flag, Frame, integer, type PeerStream } from "../../../../support/http2/server.ts";
import { get, TestProxy } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { singleValue, Wire } from "../../../../support/wire.ts";
import { bodyOf, closeAll, closing, echo, proxyTo, serve } from "./support.ts";

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});
afterEach(closeAll);

const MAX_CONCURRENT_STREAMS = 3;
const REFUSED_STREAM = 7;
const CANCEL = 8;

describe("connections", () => {
  test("requests of many clients share one, and none gets another's response", async () => {
    const server = await serve();
    const proxy = proxyTo([server]);
    server.onStream = echo;
    expect(bodyOf(await proxy.ask(get("/first")))).toBe("/first");
    const waiting: PeerStream[] = [];
    server.onStream = (stream) => {
      waiting.push(stream);
      if (waiting.length === 50) for (const each of waiting.reverse()) echo(each);
    };
    const paths = Array.from({ length: 50 }, (_, i) => `/${i}`);
    expect((await Promise.all(paths.map((path) => proxy.ask(get(path))))).map(bodyOf)).toEqual(paths);
    expect(server.connections).toHaveLength(1);
    expect(proxy.counter("UPSTREAM_CONNECTS")).toBe(1);
    expect(proxy.counter("UPSTREAM_REUSES")).toBe(50);
    await until(() => proxy.counter("UPSTREAM_IDLE") === 1);
  });

  test("those that come at once wait for one and the same", async () => {
    const server = await serve();
    server.onStream = echo;
    const proxy = proxyTo([server]);
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    expect((await Promise.all(paths.map((path) => proxy.ask(get(path))))).map(bodyOf)).toEqual(paths);
    expect(server.connections).toHaveLength(1);
  });

  test("no more streams than the server allows: another connection is made", async () => {
    const server = await serve({ [MAX_CONCURRENT_STREAMS]: 1 });
    const proxy = proxyTo([server]);
    const waiting: PeerStream[] = [];
    server.onStream = (stream) => void waiting.push(stream);
    const answers = [1, 2, 3].map((i) => proxy.ask(get(`/${i}`)));
    await until(() => waiting.length === 3);
    expect(server.connections).toHaveLength(3);
    for (const stream of waiting) echo(stream);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    server.onStream = echo;
    for (let i = 0; i < 5; i++) expect((await proxy.ask(get("/again"))).status).toBe(200);
    expect(server.connections).toHaveLength(3);
  });

  test("a server that allows none at all", async () => {
    const proxy = proxyTo([await serve({ [MAX_CONCURRENT_STREAMS]: 0 })], { retryAttempts: 0 });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="stream_refused"');
  });

  test("one that nobody uses is closed in order, and a new one made", async () => {
    const server = await serve();
    server.onStream = echo;
    const proxy = proxyTo([server], { upstreamIdleTimeoutMs: 200 });
    expect((await proxy.ask(get())).status).toBe(200);
    const [first] = server.connections;
    await until(() => first.ended !== null);
    expect(first.ended).toBe("end");
    expect(first.framesOf(Frame.GOAWAY).map(({ payload }) => payload.readUInt32BE(4))).toEqual([0]);
    expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.counter("UPSTREAM_IDLE")).toBeLessThanOrEqual(1);
  });

  test("a server that leaves the fleet: what is under way ends, and then its connection", async () => {
    const [old, young] = [await serve(), await serve()];
    const proxy = proxyTo([old]);
    const answer = proxy.ask(get("/slow"));
    const stream = await until(() => old.streams[0]);
    young.onStream = echo;
    proxy.setTargets([{ port: young.port, http2: true, id: 7 }]);
    expect(bodyOf(await proxy.ask(get("/new")))).toBe("/new");
    echo(stream);
    expect(bodyOf(await answer)).toBe("/slow");
    await until(() => stream.peer.ended === "end");
  });

  test("a server that leaves the fleet while its connection is made: that ends with the requests that waited for it", async () => {
    const server = await serve();
    server.onStream = echo;
    const held: Socket[] = [];
    const gate = createTcpServer({ pauseOnConnect: true }, (socket) => void held.push(socket)).listen(0, "127.0.0.1");
    closing.push(() => gate.close());
    await once(gate, "listening");
    const proxy = new TestProxy([{ port: (gate.address() as AddressInfo).port, http2: true }], {
      settings: { upstreamIdleTimeoutMs: 3_600_000 },
    });
    const answer = proxy.ask(get("/waits"));
    const socket = await until(() => held[0]);
    proxy.setTargets([{ port: server.port, http2: true, id: 7 }]);
    const inner = connectTcp(server.port, "127.0.0.1");
    socket.pipe(inner).pipe(socket);
    expect(bodyOf(await answer)).toBe("/waits");
    await until(() => server.connections[0].ended === "end");
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(0);
  });
});

describe("GOAWAY", () => {
  test("what it names goes on, what it does not name is made again elsewhere, whatever the method", async () => {
    const server = await serve();
    const proxy = proxyTo([server], { retryAttempts: 1 });
    server.onStream = echo;
    await proxy.ask(get());
    server.onStream = () => {};
    const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`;
    const answers = [proxy.ask(post("/first"))];
    await until(() => server.streams.length === 2);
    answers.push(proxy.ask(post("/second")));
    await until(() => server.streams.length === 3);
    const [, first, second] = server.streams;
    server.onStream = echo;
    first.peer.goaway(first.id);
    const again = await until(() => server.streams[3]);
    expect(again.peer).not.toBe(second.peer);
    expect(bodyOf(await answers[1])).toBe("/second");
    echo(first);
    expect(bodyOf(await answers[0])).toBe("/first");
    await until(() => first.peer.ended !== null);
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
  });

  test("under load: nothing is lost", async () => {
    const server = await serve();
    // One that is behind the last stream again and again is none the less served.
    const proxy = proxyTo([server], { retryAttempts: 100 });
    let served = 0;
    server.onStream = (stream) => {
      if (++served % 7 === 0) stream.peer.goaway(stream.id);
      echo(stream);
    };
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async (_, client) => {
        const all: number[] = [];
        for (let i = 0; i < 10; i++) all.push((await proxy.ask(get(`/${client}/${i}`))).status);
        return all;
      }),
    );
    expect(statuses.flat()).toEqual(new Array(100).fill(200));
  });
});

describe("a stream that the server resets", () => {
  test("refused: the request is made elsewhere, whatever its method", async () => {
    const [refusing, other] = [await serve(), await serve()];
    refusing.onStream = (stream) => stream.reset(REFUSED_STREAM);
    other.onStream = echo;
    const proxy = proxyTo([refusing, other]);
    for (let i = 0; i < 4; i++) {
      const answer = await proxy.ask("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
      expect([answer.status, bodyOf(answer)]).toEqual([200, "/p"]);
    }
    expect(refusing.connections.length).toBeLessThanOrEqual(1);
  });

  test("before its head, otherwise: only what may be repeated is", async () => {
    const server = await serve();
    server.onStream = (stream) => stream.reset(2);
    const proxy = proxyTo([server], { retryAttempts: 0 });
    const answer = await proxy.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="closed_before_response"');
  });

  test("behind its head: the client sees that it is not all", async () => {
    const server = await serve();
    const proxy = proxyTo([server]);
    const client = await Wire.connect(proxy.port);
    await client.send(get());
    const stream = await until(() => server.streams[0]);
    stream.headers([[":status", "200"]]);
    stream.data("some of it");
    await until(() => client.received > 0);
    stream.reset(2);
    await expect(client.message()).rejects.toThrow();
    expect(proxy.memory.workers[0].failures[0]).toBe(1);
  });
});

describe("a connection that breaks", () => {
  test("with requests on it: those that may be repeated are, once each", async () => {
    const [dying, other] = [await serve(), await serve()];
    other.onStream = echo;
    const proxy = proxyTo([dying, other]);
    const answers = [1, 2, 3, 4].map((i) => proxy.ask(get(`/${i}`)));
    await until(() => dying.streams.length === 2);
    dying.stop();
    expect((await Promise.all(answers)).map(bodyOf)).toEqual(["/1", "/2", "/3", "/4"]);
  });

  test("as the request is sent: nothing to hold against the server", async () => {
    const server = await serve();
    server.onStream = echo;
    const proxy = proxyTo([server], { retryAttempts: 1 });
    await proxy.ask(get());
    let closed = false;
    server.onStream = (stream) => {
      if (closed) echo(stream);
      else stream.peer.socket.destroy();
      closed = true;
    };
    expect((await proxy.ask(get())).status).toBe(200);
    expect(server.connections).toHaveLength(2);
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
  });

  test("in the middle of a response", async () => {
    const server = await serve();
    const proxy = proxyTo([server]);
    const client = await Wire.connect(proxy.port);
    await client.send(get());
    const stream = await until(() => server.streams[0]);
    stream.headers([
      [":status", "200"],
      ["content-length", "100"],
    ]);
    stream.data("not all");
    await until(() => client.received > 0);
    stream.peer.socket.destroy();
    await until(() => client.ended !== null);
    expect(proxy.counter("INTERNAL_ERRORS")).toBe(0);
  });

  test("one on which nobody answers is asked, and then not used any more", async () => {
    const server = await serve();
    const proxy = proxyTo([server], { retryAttempts: 0 });
    server.onStream = echo;
    await proxy.ask(get());
    server.onStream = () => {};
    const [first] = server.connections;
    first.socket.pause();
    proxy.change({ responseHeadTimeoutMs: 300 });
    expect((await proxy.ask(get())).status).toBe(504);
    proxy.change({ responseHeadTimeoutMs: 60_000 });
    server.onStream = echo;
    expect((await proxy.ask(get())).status).toBe(200);
    expect(server.connections).toHaveLength(2);
    first.socket.resume();
    await until(() => first.framesOf(Frame.PING).length > 0);
  });
});

describe("a client that leaves", () => {
  test("ends its stream alone", async () => {
    const server = await serve();
    const proxy = proxyTo([server]);
    const [leaving, staying] = [await Wire.connect(proxy.port), await Wire.connect(proxy.port)];
    await leaving.send(get("/leaving"));
    const left = await until(() => server.streams[0]);
    await staying.send(get("/staying"));
    const stays = await until(() => server.streams[1]);
    leaving.destroy();
    await until(() => left.ended === "reset");
    expect(left.resetCode).toBe(CANCEL);
    echo(stays);
    expect(bodyOf(await staying.message())).toBe("/staying");
    staying.destroy();
    expect(server.connections).toHaveLength(1);
  });

  test("one that does not read holds up nobody else on the connection", async () => {
    const server = await serve();
    const proxy = proxyTo([server]);
    const slow = await Wire.connect(proxy.port);
    slow.socket.pause();
    await slow.send(get("/large"));
    const large = await until(() => server.streams[0]);
    const size = 64 * 1024 * 1024;
    large.headers([
      [":status", "200"],
      ["content-length", `${size}`],
    ]);
    large.data(Buffer.alloc(size, "x"), true);
    await until(() => large.window === 0);
    server.onStream = echo;
    for (let i = 0; i < 10; i++) expect(bodyOf(await proxy.ask(get("/quick")))).toBe("/quick");
    expect(server.connections).toHaveLength(1);
    slow.socket.resume();
    expect((await slow.message()).body.length).toBe(size);
    slow.destroy();
  });
});

describe("what a server may not do", () => {
  test.each([
    [
      "a length that is not that of the content",
      (stream: PeerStream) => {
        stream.headers(
          [
            [":status", "200"],
            ["content-length", "3"],
          ],
          true,
        );
      },
    ],
    [
      "a field that HTTP/2 has not",
      (stream: PeerStream) =>
        stream.headers(
          [
            [":status", "200"],
            ["connection", "close"],
          ],
          true,
        ),
    ],
    ["no status", (stream: PeerStream) => stream.headers([["x-a", "b"]], true)],
    ["101", (stream: PeerStream) => stream.headers([[":status", "101"]])],
    ["content without a head", (stream: PeerStream) => stream.data("content", true)],
    [
      "line ends in a value",
      (stream: PeerStream) =>
        stream.headers(
          [
            [":status", "200"],
            ["x-a", "b\r\nx-c: d"],
          ],
          true,
        ),
    ],
  ])("%s: that stream alone is refused", async (_, act) => {
    const server = await serve();
    server.onStream = act;
    const proxy = proxyTo([server], { retryAttempts: 0 });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="bad_response"');
    server.onStream = echo;
    expect((await proxy.ask(get())).status).toBe(200);
    expect(server.connections).toHaveLength(1);
  });

  test.each([
    [
      "a frame for a stream that was never opened",
      (stream: PeerStream) => stream.peer.send(Frame.DATA, 0, 99, Buffer.from("x")),
    ],
    ["a push", (stream: PeerStream) => stream.peer.send(Frame.PUSH_PROMISE, Flag.END_HEADERS, stream.id, integer(2))],
    [
      "a header block that can't be read",
      (stream: PeerStream) => stream.peer.send(Frame.HEADERS, Flag.END_HEADERS, stream.id, Buffer.from([0xff, 0xff])),
    ],
    [
      "more than the window allows",
      (stream: PeerStream) => {
        stream.headers([[":status", "200"]]);
        for (let i = 0; i < 300; i++) stream.peer.send(Frame.DATA, 0, stream.id, Buffer.alloc(16_384));
      },
    ],
    [
      "a flood of PING",
      (stream: PeerStream) => {
        for (let i = 0; i < 3000; i++) stream.peer.send(Frame.PING, 0, 0, Buffer.alloc(8));
      },
    ],
    [
      "a flood of SETTINGS",
      (stream: PeerStream) => {
        for (let i = 0; i < 3000; i++) stream.peer.send(Frame.SETTINGS, 0, 0);
      },
    ],
    [
      "a flood of what means nothing",
      (stream: PeerStream) => {
        for (let i = 0; i < 3000; i++) stream.peer.send(Frame.PRIORITY, 0, 1, Buffer.alloc(5, 1));
      },
    ],
  ])("%s: the connection ends", async (_, act) => {
    const server = await serve();
    server.onStream = act;
    const proxy = proxyTo([server], { retryAttempts: 0 });
    const client = await Wire.connect(proxy.port);
    await client.send(get());
    await until(() => server.connections[0]?.ended ?? null);
    await until(() => client.received > 0 || client.ended !== null);
    client.destroy();
    server.onStream = echo;
    expect((await proxy.ask(get())).status).toBe(200);
    expect(server.connections).toHaveLength(2);
  });
});

describe("a server that speaks something else", () => {
  test("HTTP/1.1 in clear", async () => {
    const server = createHttpServer((_, response) => response.end("one"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const proxy = new TestProxy([{ port: (server.address() as AddressInfo).port, http2: true }], {
      settings: { retryAttempts: 0 },
    });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="upstream_not_http2"');
  });

  test.each([
    ["another protocol", ["http/1.1"]],
    ["none", undefined],
  ] as const)("TLS that agrees on %s", async (_, protocols) => {
    const { cert, key } = authority.issue("IP:127.0.0.1");
    let received = 0;
    const server = createTlsServer({ cert, key, ...(protocols && { ALPNProtocols: [...protocols] }) }, (socket) => {
      socket.on("error", () => {});
      socket.on("data", () => received++);
    });
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const proxy = new TestProxy([{ port: (server.address() as AddressInfo).port, http2: true, tls: true }], {
      settings: { retryAttempts: 0, upstreamCaPem: authority.cert },
    });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('details="upstream_not_http2"');
    expect(received).toBe(0);
  });

  test("nothing at all, in time", async () => {
    const server = createTlsServer({});
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const proxy = new TestProxy([{ port: (server.address() as AddressInfo).port, http2: true }], {
      settings: { retryAttempts: 0, connectTimeoutMs: 300 },
    });
    expect([502, 504]).toContain((await proxy.ask(get())).status);
  });
});

describe("with a server of somebody else's", () => {
  test.each([false, true])("node:http2 (TLS: %p): large bodies both ways", async (tls) => {
    const options = tls ? (({ cert, key }) => ({ cert, key }))(authority.issue("IP:127.0.0.1")) : {};
    const server = tls ? createSecureServer(options) : createHttp2Server();
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.respond({ ":status": 200, "x-method": headers[":method"] });
      stream.pipe(stream);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const proxy = new TestProxy([{ port: (server.address() as AddressInfo).port, http2: true, tls }], {
      settings: { upstreamCaPem: authority.cert },
    });
    const body = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef");
    const client = await Wire.connect(proxy.port);
    await client.send(`PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    const sent = client.pump(body);
    const answer = await client.message();
    await sent;
    expect([answer.status, singleValue(answer, "x-method")]).toEqual([200, "PUT"]);
    expect(answer.body.equals(body)).toBe(true);
    client.destroy();
  });
});

test("a WebSocket of HTTP/1.1 goes through a server of HTTP/2 (RFC 8441)", async () => {
  const server = await serve();
  const proxy = proxyTo([server]);
  server.onStream = (stream) => stream.headers([[":status", "200"]]);
  const client = await Wire.connect(proxy.port);
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  await client.send(
    `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const { head } = await client.head();
  expect(head).toStartWith("HTTP/1.1 101 ");
  expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  const [stream] = server.streams;
  expect(
    [":method", ":protocol", ":scheme", ":path", "sec-websocket-version"].map((name) => stream.field(name)),
  ).toEqual(["CONNECT", "websocket", "http", "/chat", "13"]);
  expect(stream.field("sec-websocket-key")).toBe("");
  await client.send("to the server");
  await until(() => stream.body.toString() === "to the server");
  stream.data("to the client", true);
  await until(() => client.text === "to the client");
  client.destroy();
});

test("a server without tunnels gets the request without the wish for one", async () => {
  const server = await serve({ 8: 0 });
  const proxy = proxyTo([server]);
  server.onStream = (stream) => stream.headers([[":status", "426"]], true);
  const upgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n";
  expect((await proxy.ask(upgrade)).status).toBe(426);
  expect(server.streams[0].field(":method")).toBe("GET");
  expect(server.streams[0].field("upgrade")).toBe("");
});

test("where servers are told whose connections they have, each is one client's", async () => {
  const server = await serve();
  server.onStream = (stream) => {
    stream.headers([[":status", "200"]]);
    stream.data(stream.peer.proxyLine.split(" ")[2], true);
  };
  const proxy = proxyTo([server], { upstreamProxyProtocol: "v1", trustedProxies: ["127.0.0.1"] });
  for (const address of ["203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.2"]) {
    expect(bodyOf(await proxy.ask(get("/", `X-Forwarded-For: ${address}\r\n`)))).toBe(address);
  }
  expect(server.connections).toHaveLength(2);
});
