/** The PROXY protocol of clients' connections: plain ones and TLS, on our own sockets and on the runtime's. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ProxySettings, TlsCertificate } from "../../../../src/protocol/worker.ts";
import { proxyHeader } from "../../../../src/shared/proxy-protocol/writer.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { Wire } from "../../../support/wire.ts";

const certificates: TlsCertificate[] = [];
beforeAll(() => {
  const authority = createAuthority();
  for (const name of ["shop.test", "blog.test"]) {
    const { cert, key } = authority.issue(`DNS:${name}`);
    certificates.push({ certPem: cert, keyPem: key, names: [name] });
  }
});
afterEach(cleanUp);

const FROM = { on: true, from: ["127.0.0.1"] };
const V1 = "PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\r\n";
const V2 = proxyHeader("v2", "2001:db8::7", "10.0.0.1", 80);

async function opened(port: number, localAddress = "127.0.0.1"): Promise<Socket> {
  const socket = connectTcp({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

interface Kind {
  readonly name: string;
  readonly settings: () => Partial<ProxySettings>;
  readonly secure: boolean;
  readonly asks?: true;
}

const tls = (count: number) => ({ tls: { port: 0, certificates: certificates.slice(0, count) } });
const KINDS: readonly Kind[] = [
  { name: "our own sockets", settings: () => ({ nativeSockets: true }), secure: false },
  { name: "the runtime's sockets", settings: () => ({ nativeSockets: false }), secure: false },
  { name: "TLS", settings: () => ({ nativeSockets: true, ...tls(1) }), secure: true },
  { name: "TLS by server name", settings: () => ({ nativeSockets: true, ...tls(2) }), secure: true },
  { name: "TLS while a CA may ask", settings: () => ({ nativeSockets: true, ...tls(1) }), secure: true, asks: true },
  { name: "TLS, without sockets of our own", settings: () => ({ nativeSockets: false, ...tls(1) }), secure: true },
  {
    name: "TLS by server name, without sockets of our own",
    settings: () => ({ nativeSockets: false, ...tls(2) }),
    secure: true,
  },
];

describe.each(KINDS.map((kind) => [kind.name, kind] as const))("%s", (_, { settings, secure, asks }) => {
  async function listening(more: Partial<ProxySettings> = {}) {
    const backend = await Backend.answering((request) => ok(request.head));
    const proxy = new TestProxy([backend], { settings: { proxyProtocol: FROM, ...settings(), ...more } });
    const [{ certPem, keyPem }] = certificates;
    if (asks) proxy.server.setChallenges([{ kind: "tls-alpn-01", name: "shop.test", certPem, keyPem }]);
    return { backend, proxy, port: secure ? proxy.tlsPort : proxy.port };
  }

  /** Sends `packets`, and then speaks as the listener wants. */
  async function behind(port: number, packets: readonly (string | Uint8Array)[], localAddress?: string): Promise<Wire> {
    const socket = await opened(port, localAddress);
    for (const packet of packets) {
      socket.write(packet);
      await Bun.sleep(3);
    }
    if (!secure) return new Wire(socket);
    const over = connectTls({ socket, rejectUnauthorized: false, servername: "blog.test" });
    const wire = new Wire(over);
    await new Promise<void>((resolve, reject) => {
      over.once("secureConnect", resolve);
      over.once("error", reject);
      over.once("close", () => reject(new Error("closed in the handshake")));
      socket.once("close", () => reject(new Error("closed in the handshake")));
    });
    return wire;
  }

  /** Whose request the server takes it for. */
  async function clientOf(wire: Wire): Promise<string> {
    await wire.send(get());
    const { body } = await wire.message();
    return /x-forwarded-for: (.*)\r/i.exec(body.toString("latin1"))?.[1] ?? "";
  }

  test.each([
    ["version 1", [V1], "203.0.113.7"],
    ["version 2", [V2], "2001:db8::7"],
    ["in pieces", [V1.slice(0, 3), V1.slice(3, 30), V1.slice(30)], "203.0.113.7"],
    ["in pieces, version 2", [V2.subarray(0, 13), V2.subarray(13, 20), V2.subarray(20)], "2001:db8::7"],
    ["the proxy's own", ["PROXY UNKNOWN\r\n"], "127.0.0.1"],
    ["the proxy's own, version 2", [proxyHeader("v2", "", "10.0.0.1", 80)], "127.0.0.1"],
  ] as const)("a trusted peer says whose connection it is (%s)", async (_how, packets, client) => {
    const { port, proxy } = await listening();
    const wire = await behind(port, packets);
    expect(await clientOf(wire)).toBe(client);
    expect(await clientOf(wire)).toBe(client);
    wire.destroy();
    expect(proxy.counter("PROXY_HEADERS_REFUSED")).toBe(0);
  });

  test("a header and what is behind it may come at once", async () => {
    const { port } = await listening();
    if (secure) {
      const wire = await behind(port, [V1]);
      expect(await clientOf(wire)).toBe("203.0.113.7");
      wire.destroy();
      return;
    }
    const wire = new Wire(await opened(port));
    await wire.send(V1 + get("/1") + get("/2"));
    for (const path of ["/1", "/2"]) {
      expect((await wire.message()).body.toString()).toMatch(
        new RegExp(`GET ${path} .*x-forwarded-for: 203.0.113.7`, "is"),
      );
    }
    wire.destroy();
  });

  test("whoever is not trusted is served as he comes, and refused if he sends a header", async () => {
    const { port, proxy } = await listening();
    const wire = await behind(port, [], "127.0.0.2");
    expect(await clientOf(wire)).toBe("127.0.0.2");
    wire.destroy();
    for (const header of [V1, V2]) {
      const bad = new Wire(await opened(port, "127.0.0.2"));
      await bad.send(header, get());
      await bad.end();
      expect(bad.text).not.toContain("200 OK");
      bad.destroy();
    }
    expect(proxy.counter("PROXY_HEADERS_REFUSED")).toBe(0);
  });

  test("a trusted peer without a right header is refused at once, and one that is silent in time", async () => {
    const { port, proxy, backend } = await listening({ requestHeadTimeoutMs: 100 });
    for (const start of [get(), "PROXY TCP4 1.2.3.4\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]) {
      const wire = new Wire(await opened(port));
      await wire.send(start);
      expect(await wire.end()).toBe("reset");
    }
    const silent = [await opened(port), await opened(port)].map((socket) => new Wire(socket));
    await silent[1].send("PROXY TCP4 ");
    for (const wire of silent) await wire.end();
    const left = new Wire(await opened(port));
    await left.send("PROXY TCP4 ");
    left.finish();
    await left.end();
    await eventually(() => proxy.counter("PROXY_HEADERS_REFUSED") === 6);
    expect(proxy.counter("CONNECTIONS_OPEN")).toBe(0);
    expect(backend.connections).toHaveLength(0);
  });

  test("one that goes while it is waited for leaves nothing behind", async () => {
    const { port, proxy } = await listening();
    for (let i = 0; i < 20; i++) {
      const socket = await opened(port);
      socket.write("PROXY ");
      if (i % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    // Of a reset the runtime may hear first.
    await eventually(() => proxy.counter("PROXY_HEADERS_REFUSED") >= 10);
    const wire = await behind(port, [V1]);
    expect(await clientOf(wire)).toBe("203.0.113.7");
    wire.destroy();
  });

  test("limits and lists of clients go by the address that was said", async () => {
    const { port } = await listening({
      maxConnectionsPerClient: 1,
      clientAccess: { allow: null, deny: ["198.51.100.0/24"] },
    });
    const statusOf = async (address: string): Promise<[number, Wire]> => {
      const wire = await behind(port, [proxyHeader("v2", address, "10.0.0.1", 80)]);
      await wire.send(get());
      return [(await wire.message()).status, wire];
    };
    const [first, one] = await statusOf("203.0.113.1");
    const [second, two] = await statusOf("203.0.113.2");
    const [third, three] = await statusOf("203.0.113.1");
    const [denied, four] = await statusOf("198.51.100.9");
    expect([first, second, third, denied]).toEqual([200, 200, 503, 403]);
    for (const wire of [one, two, three, four]) wire.destroy();
  });
});

test("a listener decides for itself, and a reload opens it anew", async () => {
  const backend = await Backend.answering((request) => ok(request.head));
  const listener = { host: "127.0.0.1", port: 0, tls: false };
  const proxy = new TestProxy([backend], {
    settings: {
      proxyProtocol: { on: false, from: ["127.0.0.1"] },
      listeners: [listener, { ...listener, proxyProtocol: true }],
    },
  });
  const [plain, told] = proxy.server.listeners;
  const statusAt = async (port: number, header: string): Promise<number | string> => {
    const wire = await Wire.connect(port);
    await wire.send(header + get());
    const status = await wire.message().then(
      (message) => message.status,
      () => "refused",
    );
    wire.destroy();
    return status;
  };
  expect([await statusAt(plain.port, ""), await statusAt(plain.port, V1)]).toEqual([200, 400]);
  expect([await statusAt(told.port, ""), await statusAt(told.port, V1)]).toEqual(["refused", 200]);
  proxy.change({ listeners: [plain, { ...told, proxyProtocol: false }] });
  expect(await statusAt(told.port, "")).toBe(200);
});
