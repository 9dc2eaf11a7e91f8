/** Probes of servers that speak HTTP/2, by gRPC's own question, and of those that only have to accept connections. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer as createHttpServer } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type ProbeRequest, probeTrust, startProbe } from "../../../../src/health/probe/probe.ts";
import { type Authority, createAuthority } from "../../../support/certificates.ts";
import { startGrpcHealthServer } from "../../../support/grpc/health-server.ts";
import { Flag, Frame, Http2TestServer } from "../../../support/http2/server.ts";
import { freePort } from "../../../support/ports/free-port.ts";

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});
afterAll(() => {
  for (const close of closing) close();
});

function ask(port: number, more: Partial<ProbeRequest> & { tls?: boolean; http2?: boolean } = {}) {
  const { tls = false, http2 = true, ...rest } = more;
  return startProbe({
    target: { address: "127.0.0.1", port, hostname: "localhost", tls, http2 },
    path: "/health",
    timeoutMs: 60_000,
    trust: probeTrust(authority.cert),
    version: "1",
    wantBody: false,
    accepts: false,
    ...rest,
  }).result;
}

async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("over HTTP/2", () => {
  const respond = (stream: ServerHttp2Stream, headers: Record<string, unknown>): void => {
    stream.respond({ ":status": headers[":path"] === "/health" ? 200 : 404, "x-asked": "yes" });
    stream.end(`asked for ${headers[":path"]} of ${headers[":authority"]}`);
  };

  test.each([false, true])("a status, and a body where it is wanted (known to accept: %p)", async (accepts) => {
    const server = createHttp2Server();
    server.on("stream", respond);
    const port = await listen(server);
    expect(await ask(port, { accepts })).toEqual({ kind: "response", status: 200, body: "" });
    expect(await ask(port, { accepts, path: "/other" })).toMatchObject({ status: 404 });
    const body = `asked for /health of localhost:${port}`;
    expect(await ask(port, { accepts, wantBody: true })).toEqual({ kind: "response", status: 200, body });
    expect(await ask(port, { accepts, wantBody: "for /health" })).toEqual({ kind: "response", status: 200, body });
  });

  test("over TLS it is agreed on", async () => {
    const { cert, key } = authority.issue("DNS:localhost");
    const server = createSecureServer({ cert, key });
    server.on("stream", respond);
    expect(await ask(await listen(server), { tls: true })).toEqual({ kind: "response", status: 200, body: "" });
    const other = createTlsServer({ cert, key }, (socket) => socket.on("error", () => {}));
    expect(await ask(await listen(other), { tls: true })).toEqual({
      kind: "error",
      cause: "tls",
      reason: "the server does not agree on HTTP/2 (ALPN h2)",
    });
  });

  test("a server of HTTP/1.1 does not speak it", async () => {
    const server = createHttpServer((_, response) => response.end("ok"));
    expect(await ask(await listen(server))).toEqual({
      kind: "error",
      cause: "response",
      reason: "answer is not HTTP/2",
    });
  });

  test("what is wrong with an answer is said", async () => {
    const server = await Http2TestServer.start();
    closing.push(() => server.stop());
    const outcomes: unknown[] = [];
    for (const act of [
      () => server.streams.at(-1)?.reset(7),
      () => server.connections.at(-1)?.goaway(0, 11),
      () => server.streams.at(-1)?.data("no head"),
      () => server.connections.at(-1)?.socket.destroy(),
      () => server.streams.at(-1)?.headers([["x-no", "status"]]),
      () => {
        for (let i = 0; i < 9; i++) server.streams.at(-1)?.headers([[":status", "103"]]);
      },
      () => server.connections.at(-1)?.send(Frame.HEADERS, Flag.END_HEADERS, 1, Buffer.from([0xff])),
    ]) {
      server.onStream = act;
      const result = await ask(server.port);
      outcomes.push(result.kind === "error" ? `${result.cause}: ${result.reason}` : result);
    }
    expect(outcomes).toEqual([
      "closed: the request was refused by HTTP/2 error 7",
      "closed: the connection was ended by HTTP/2 error 11",
      "response: answer is not valid HTTP/2",
      "closed: closed before a complete answer",
      "response: answer is not valid HTTP/2",
      "response: more than 8 interim answers",
      "response: answer is not valid HTTP/2",
    ]);
  });

  test("a body without end does no harm where it is not wanted, and has a bound where it is", async () => {
    const server = await Http2TestServer.start();
    closing.push(() => server.stop());
    server.onStream = (stream) => {
      stream.headers([[":status", "200"]]);
      stream.data(Buffer.alloc(1024 * 1024, "x"));
    };
    expect(await ask(server.port)).toEqual({ kind: "response", status: 200, body: "" });
    expect(await ask(server.port, { wantBody: "y", timeoutMs: 500 })).toMatchObject({ kind: "error" });
  });
});

describe("by grpc.health.v1", () => {
  const grpcServer = async (health: Parameters<typeof startGrpcHealthServer>[0]): Promise<number> => {
    const { port, stop } = await startGrpcHealthServer(health);
    closing.push(stop);
    return port;
  };
  const check = async (port: number, grpcService?: string): Promise<string> => {
    const result = await ask(port, { type: "grpc", ...(grpcService && { grpcService }) });
    return result.kind === "error" ? `${result.cause}: ${result.reason}` : result.kind;
  };

  test("as the server says, of all of it or of one service", async () => {
    const port = await grpcServer({ "": 1, "shop.v1.Orders": 2, "shop.v1.Stock": 1, "shop.v1.New": 0 });
    expect(await check(port)).toBe("response");
    expect(await check(port, "shop.v1.Stock")).toBe("response");
    expect(await check(port, "shop.v1.Orders")).toBe("status: NOT_SERVING");
    expect(await check(port, "shop.v1.New")).toBe("status: UNKNOWN");
    expect(await check(port, "shop.v1.None")).toBe("status: the service is unknown (grpc-status 5)");
  });

  test("a server that does not offer it", async () => {
    expect(await check(await grpcServer(null))).toBe(
      "status: the server does not offer grpc.health.v1.Health (grpc-status 12)",
    );
    const server = createHttp2Server((_, response) => {
      response.writeHead(404);
      response.end();
    });
    expect(await check(await listen(server))).toBe("status: status 404 instead of an answer of gRPC");
  });
});

describe("by a connection alone", () => {
  test.each([false, true])("one that is made is enough (known to accept: %p)", async (accepts) => {
    const port = await listen(createServer((socket) => socket.on("error", () => {})));
    expect(await ask(port, { type: "tcp", http2: false, accepts })).toMatchObject({ kind: "response" });
  });

  test("with TLS, the handshake", async () => {
    const { cert, key } = authority.issue("DNS:localhost");
    const server = createTlsServer({ cert, key }, (socket) => socket.on("error", () => {}));
    expect(await ask(await listen(server), { type: "tcp", tls: true, http2: false })).toMatchObject({
      kind: "response",
    });
    const plain = await listen(createServer((socket) => socket.end("no TLS\r\n").on("error", () => {})));
    expect(await ask(plain, { type: "tcp", tls: true, http2: false })).toMatchObject({ kind: "error", cause: "tls" });
  });

  test("nobody there", async () => {
    expect(await ask(freePort(), { type: "tcp", http2: false })).toMatchObject({ kind: "error", cause: "refused" });
  });
});
