/** Servers that are told by the PROXY protocol whose connections they have. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server } from "node:tls";
import { probeTrust, startProbe } from "../../../../src/health/probe/probe.ts";
import { readProxyHeader } from "../../../../src/shared/proxy-protocol/reader.ts";
import { type Authority, type Certificate, createAuthority } from "../../../support/certificates.ts";
import { cleanUp, get, TestProxy } from "../../../support/proxy-harness.ts";
import { Wire } from "../../../support/wire.ts";

let authority: Authority;
let certificate: Certificate;
beforeAll(() => {
  authority = createAuthority();
  certificate = authority.issue("IP:127.0.0.1", "DNS:localhost");
});
const closing: (() => void)[] = [];
afterEach(() => {
  cleanUp();
  for (const close of closing.splice(0)) close();
});

/** A server that takes a header off each connection, with TLS behind it or without. */
async function server(tls: boolean) {
  const clients: string[] = [];
  const requests: string[] = [];
  let inner: Server | undefined;
  const serve = (socket: Socket, client: string): void => {
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      requests.push(`${client} ${data.toString("latin1").split(" ")[1]}`);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  };
  const outer = createServer((socket) => {
    socket.on("error", () => {});
    const look = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      const read = readProxyHeader(chunk);
      if (read.kind !== "header") {
        socket.destroy();
        return;
      }
      socket.off("readable", look);
      clients.push(read.address);
      if (read.length < chunk.length) socket.unshift(chunk.subarray(read.length));
      if (inner === undefined) serve(socket, read.address);
      else inner.emit("connection", socket);
    };
    socket.on("readable", look);
  });
  if (tls) {
    inner = createTlsServer({ cert: certificate.cert, key: certificate.key }, (socket) =>
      serve(socket, clients.at(-1) ?? ""),
    );
    inner.on("tlsClientError", () => {});
  }
  await new Promise<void>((resolve) => outer.listen(0, "127.0.0.1", resolve));
  closing.push(() => outer.close());
  return { clients, requests, port: (outer.address() as AddressInfo).port };
}

describe.each([
  ["v1", false],
  ["v2", false],
  ["v1", true],
  ["v2", true],
] as const)("UPSTREAM_PROXY_PROTOCOL=%s (TLS: %p)", (version, tls) => {
  const told = { upstreamProxyProtocol: version } as const;

  async function proxied(nativeSockets = true) {
    const backend = await server(tls);
    const proxy = new TestProxy([{ port: backend.port, tls, hostname: "localhost" }], {
      settings: { ...told, upstreamCaPem: authority.cert, trustedProxies: ["127.0.0.1"], nativeSockets },
    });
    return { ...backend, proxy };
  }

  async function ask(client: Wire, path: string, address: string): Promise<number> {
    await client.send(get(path, `X-Forwarded-For: ${address}\r\n`));
    return (await client.message()).status;
  }

  test.each([true, false])(
    "each connection is one client's, and kept for him alone (our own sockets: %p)",
    async (own) => {
      const { proxy, clients, requests } = await proxied(own);
      const client = await Wire.connect(proxy.port);
      for (const [path, address] of [
        ["/1", "203.0.113.1"],
        ["/2", "203.0.113.2"],
        ["/3", "203.0.113.1"],
        ["/4", "2001:db8::1"],
        ["/5", "203.0.113.2"],
      ]) {
        expect(await ask(client, path, address)).toBe(200);
      }
      client.destroy();
      expect(clients).toEqual(["203.0.113.1", "203.0.113.2", "2001:db8::1"]);
      if (!tls) {
        expect(requests).toEqual([
          "203.0.113.1 /1",
          "203.0.113.2 /2",
          "203.0.113.1 /3",
          "2001:db8::1 /4",
          "203.0.113.2 /5",
        ]);
      }
    },
  );

  test("when as many are kept as may be, the one that waited longest goes", async () => {
    const { proxy, clients } = await proxied();
    proxy.change({ upstreamMaxIdle: 2 });
    const client = await Wire.connect(proxy.port);
    for (const n of [1, 2, 3, 2, 3, 1]) expect(await ask(client, "/", `203.0.113.${n}`)).toBe(200);
    client.destroy();
    expect(clients).toEqual([1, 2, 3, 1].map((n) => `203.0.113.${n}`));
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(2);
  });

  test("a check says that it comes from here", async () => {
    const { port, clients } = await server(tls);
    for (const accepts of [true, false]) {
      const { result } = startProbe({
        target: { address: "127.0.0.1", port, hostname: "localhost", tls },
        path: "/health",
        timeoutMs: 5000,
        trust: probeTrust(authority.cert),
        version: "1",
        wantBody: true,
        accepts,
        proxyProtocol: version,
      });
      expect(await result).toMatchObject({ kind: "response", status: 200, body: "ok" });
    }
    expect(clients).toEqual(["", ""]);
  });
});

test("a change makes connections anew", async () => {
  const backend = await server(false);
  const proxy = new TestProxy([{ port: backend.port }], { settings: { upstreamProxyProtocol: "v1" } });
  const client = await Wire.connect(proxy.port);
  const ask = async (): Promise<number> => {
    await client.send(get());
    return (await client.message()).status;
  };
  expect([await ask(), await ask()]).toEqual([200, 200]);
  expect(proxy.counter("UPSTREAM_CONNECTS")).toBe(1);
  proxy.change({ upstreamProxyProtocol: "v2" });
  expect(await ask()).toBe(200);
  expect(backend.clients).toEqual(["127.0.0.1", "127.0.0.1"]);
  // The server does not understand what comes without a header.
  proxy.change({ upstreamProxyProtocol: "off" });
  expect(await ask()).toBe(502);
  client.destroy();
});
