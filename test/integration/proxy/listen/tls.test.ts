/** TLS on both sides: versions, names, rotation, rubbish in handshakes, and servers that must prove who they are. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { ProxySettings, TlsCertificate } from "../../../../src/protocol/worker.ts";
import { type Authority, type Certificate, createAuthority, createSelfSigned } from "../../../support/certificates.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

let authority: Authority;
let shop: Certificate;
let blog: Certificate;
let wild: Certificate;

beforeAll(() => {
  authority = createAuthority();
  shop = authority.issue("DNS:shop.test", "DNS:localhost", "IP:127.0.0.1");
  blog = authority.issue("DNS:blog.test");
  wild = authority.issue("DNS:*.wild.test");
});
afterEach(cleanUp);

const named = ({ cert, key }: Certificate, ...names: string[]): TlsCertificate => ({
  certPem: cert,
  keyPem: key,
  names,
});
const tls = (...certificates: TlsCertificate[]): Partial<ProxySettings> => ({ tls: { port: 0, certificates } });
const commonName = (wire: Wire): string =>
  ((wire.socket as TLSSocket).getPeerCertificate() as PeerCertificate).subject.CN as string;

async function secured(settings: Partial<ProxySettings> = tls(named(shop, "shop.test"))) {
  const backend = await Backend.answering((request) => ok(request.body.length > 0 ? request.body : request.head));
  const proxy = new TestProxy([backend], { settings });
  return { backend, proxy, port: proxy.tlsPort };
}

describe.each([
  ["one certificate", () => tls(named(shop, "shop.test"))],
  ["several certificates", () => tls(named(shop, "shop.test"), named(blog, "blog.test"))],
])("towards clients, %s", (_, settings) => {
  test.each([
    ["Content-Length: 9000000\r\n", "end"],
    ["", "reset"],
  ] as const)("an answer with %p that is cut: what came arrives, and the cut shows", async (field, how) => {
    const body = Buffer.alloc(3_000_000, "body");
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`HTTP/1.1 200 OK\r\n${field}\r\n`);
      await server.pump(body);
      await server.until(() => server.unacknowledged === 0, undefined, true);
      server.reset();
    });
    const proxy = new TestProxy([backend], { settings: settings() });
    const client = await Wire.connectTls(proxy.tlsPort);
    await client.send(get());
    await client.head();
    // It reads slowly all along.
    const reading = setInterval(() => {
      client.socket.resume();
      setTimeout(() => client.socket.pause(), 1);
    }, 20);
    try {
      expect(await client.end()).toBe(how);
    } finally {
      clearInterval(reading);
    }
    expect(client.unread).toBe(body.length);
    await eventually(() => proxy.inFlight === 0);
  });

  test("a client that does not take the end of its last answer is not kept", async () => {
    const backend = await Backend.answering(() => ok(Buffer.alloc(20_000_000)));
    const proxy = new TestProxy([backend], { settings: { ...settings(), responseBodyTimeoutMs: 300 } });
    const client = await Wire.connectTls(proxy.tlsPort);
    await client.send(get("/", "Connection: close\r\n"));
    await client.until(() => client.received > 0);
    client.socket.pause();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
    client.socket.resume();
    expect(await client.end()).toBe("reset");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("%s, verified, with ALPN", async (version) => {
    const { port } = await secured(settings());
    const client = await Wire.connectTls(port, {
      minVersion: version,
      maxVersion: version,
      ca: authority.cert,
      rejectUnauthorized: true,
      servername: "shop.test",
      ALPNProtocols: ["spdy/3", "http/1.1"],
    });
    const socket = client.socket as TLSSocket;
    expect(socket.getProtocol()).toBe(version);
    expect(socket.alpnProtocol).toBe("http/1.1");
    for (let i = 0; i < 3; i++) {
      await client.send(get(`/${i}`));
      const { body } = await client.message();
      expect(body.toString()).toContain(`GET /${i} `);
      expect(body.toString()).toContain("X-Forwarded-Proto: https\r\n");
      expect(body.toString()).toContain("proto=https");
    }
    client.destroy();
  });

  test("a client of HTTP/1.0 names it in ALPN", async () => {
    const { port } = await secured(settings());
    const client = await Wire.connectTls(port, { servername: "shop.test", ALPNProtocols: ["http/1.0"] });
    expect((client.socket as TLSSocket).alpnProtocol).toBe("http/1.0");
    await client.send("GET /old HTTP/1.0\r\n\r\n");
    expect((await client.message()).body.toString()).toContain("GET /old ");
    client.destroy();
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("the log knows that a client speaks %s", async (version) => {
    const { proxy, port } = await secured({ ...settings(), accessLog: true });
    const client = await Wire.connectTls(port, { minVersion: version, maxVersion: version });
    await client.send(get("/x"));
    await client.message();
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ path: "/x", tls_version: version });
  });

  test("TLS 1.1 is refused", async () => {
    const { port } = await secured(settings());
    const old = Wire.connectTls(port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" });
    await expect(old).rejects.toThrow();
  });

  test("megabytes both ways, unharmed", async () => {
    const { port } = await secured(settings());
    const body = Buffer.alloc(4_000_000);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(i, i);
    const client = await Wire.connectTls(port);
    await client.send(get("/", `Content-Length: ${body.length}\r\n`, "POST"));
    await client.pump(body);
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    expect(digest((await client.message()).body)).toBe(digest(body));
    client.destroy();
  });

  test("an answer until close ends cleanly; a cut-off one does not", async () => {
    const backend = await Backend.start(async (server) => {
      const { startLine } = await server.message();
      if (startLine.includes("cut")) await server.send("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nhalf");
      else await server.send("HTTP/1.1 200 OK\r\n\r\nwhole");
      server.finish();
    });
    const proxy = new TestProxy([backend], { settings: settings() });
    const whole = await Wire.connectTls(proxy.tlsPort);
    await whole.send(get());
    expect((await whole.message()).body.toString()).toBe("whole");
    const cut = await Wire.connectTls(proxy.tlsPort);
    await cut.send(get("/cut"));
    expect((await cut.head()).status).toBe(200);
    await cut.end();
    expect(cut.unread).toBeLessThan(999);
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.logged).toEqual([]);
  });

  test("rubbish, silence and resets in the handshake hurt nobody else", async () => {
    const { proxy, port } = await secured({ ...settings(), requestHeadTimeoutMs: 300 });
    const [rubbish, silent, half, reset] = await Promise.all([1, 2, 3, 4].map(() => Wire.connect(port)));
    await rubbish.send(get());
    await half.send(Buffer.from([22, 3, 1, 2, 0, 1]));
    reset.reset();
    await rubbish.end();
    await silent.end();
    await half.end();
    proxy.change({ requestHeadTimeoutMs: 60_000 });
    const good = await Wire.connectTls(port);
    await good.send(get());
    expect((await good.message()).status).toBe(200);
    good.destroy();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(proxy.counter("TLS_HANDSHAKE_ERRORS")).toBeGreaterThan(0);
    expect(proxy.logged).toEqual([]);
  });

  test("a slow reader of a large answer bounds what is held for it", async () => {
    const backend = await Backend.answering(() => ok(Buffer.alloc(30_000_000)));
    const proxy = new TestProxy([backend], { settings: { ...settings(), responseBodyTimeoutMs: 20_000 } });
    const client = await Wire.connectTls(proxy.tlsPort);
    client.socket.pause();
    await client.send(get());
    await Bun.sleep(300);
    expect(proxy.counter("BYTES_TO_CLIENTS")).toBeLessThan(20_000_000);
    client.socket.resume();
    expect((await client.message()).body.length).toBe(30_000_000);
    client.destroy();
  });
});

describe("names", () => {
  test("each name gets its certificate, others the first", async () => {
    const { port } = await secured(tls(named(shop, "shop.test"), named(blog, "blog.test"), named(wild, "*.wild.test")));
    for (const [servername, expected] of [
      ["shop.test", "shop.test"],
      ["blog.test", "blog.test"],
      ["BLOG.test", "blog.test"],
      ["a.wild.test", "*.wild.test"],
      ["a.b.wild.test", "shop.test"],
      ["unknown.test", "shop.test"],
      ["", "shop.test"],
    ]) {
      const client = await Wire.connectTls(port, servername === "" ? {} : { servername });
      expect(`${servername}: ${commonName(client)}`).toBe(`${servername}: ${expected}`);
      client.destroy();
    }
  });

  test.each([1, 2])(
    "rotation with %i certificates: new ones for new connections, old connections live",
    async (count) => {
      const others = count === 2 ? [named(blog, "blog.test")] : [];
      const { proxy, port } = await secured(tls(named(shop, "shop.test"), ...others));
      const old = await Wire.connectTls(port);
      await old.send(get());
      await old.message();
      for (let i = 0; i < 3; i++) {
        const renewed = authority.issue(`DNS:renewed-${i}.test`);
        proxy.change({ tls: { port, certificates: [named(renewed, "x"), ...others] } });
        const young = await Wire.connectTls(port);
        expect(commonName(young)).toBe(`renewed-${i}.test`);
        await young.send(get());
        expect((await young.message()).status).toBe(200);
        young.destroy();
      }
      await old.send(get());
      expect((await old.message()).status).toBe(200);
      expect(proxy.logged).toEqual([]);
      old.destroy();
    },
  );
});

describe("towards servers", () => {
  /** What a server with this certificate answers to a proxy that knows it by `hostname`. */
  async function upstream(certificate: Certificate, hostname: string, caPem: string) {
    const backend = await Backend.answering((request) => ok(request.body.length > 0 ? request.body : "secret"), {
      tls: certificate,
    });
    const proxy = new TestProxy([{ port: backend.port, tls: true, hostname }], {
      settings: { upstreamCaPem: caPem, retryAttempts: 0 },
    });
    return { backend, proxy };
  }

  test("a certificate for the name, or the address, from a known authority", async () => {
    for (const hostname of ["shop.test", "127.0.0.1"]) {
      const { backend, proxy } = await upstream(shop, hostname, authority.cert);
      for (let i = 0; i < 3; i++) expect((await proxy.ask(get())).body.toString()).toBe("secret");
      expect(backend.connections.length).toBe(1);
      expect(proxy.counter("UPSTREAM_REUSES")).toBe(2);
    }
  });

  test.each([
    ["another name", () => blog, "shop.test", () => authority.cert],
    ["another address", () => blog, "127.0.0.1", () => authority.cert],
    ["an unknown authority", () => shop, "shop.test", () => ""],
    ["another authority of the same name", () => shop, "shop.test", () => createAuthority().cert],
    ["signed by itself", () => createSelfSigned("DNS:shop.test"), "shop.test", () => authority.cert],
  ])("%s: 502, and not a byte is sent", async (_, certificate, hostname, ca) => {
    const { backend, proxy } = await upstream(certificate(), hostname, ca());
    const answer = await proxy.ask(`${get("/", "Content-Length: 6\r\n", "POST")}secret`);
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain("tls_");
    await Bun.sleep(30);
    expect(backend.received).toBe(0);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(0);
    expect(proxy.logged).toEqual([]);
  });

  test("a server that speaks no TLS", async () => {
    const backend = await Backend.start(async (server) => {
      await server.send("HTTP/1.1 400 Bad Request\r\n\r\n");
      server.finish();
    });
    const proxy = new TestProxy([{ port: backend.port, tls: true, hostname: "shop.test" }], {
      settings: { retryAttempts: 0 },
    });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain("upstream_tls_failed");
  });

  test("a server that never shakes hands: 504 in time, and its connection is closed", async () => {
    const backend = await Backend.start(() => {});
    const proxy = new TestProxy([{ port: backend.port, tls: true, hostname: "shop.test" }], {
      settings: { retryAttempts: 0, connectTimeoutMs: 200 },
    });
    expect((await proxy.ask(get())).status).toBe(504);
    await eventually(() => backend.open === 0);
  });

  test("megabytes both ways, unharmed", async () => {
    const { proxy } = await upstream(shop, "shop.test", authority.cert);
    const body = Buffer.alloc(4_000_000);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(i, i);
    const client = await proxy.connect();
    await client.send(get("/", `Content-Length: ${body.length}\r\n`, "POST"));
    await client.pump(body);
    expect(Bun.hash((await client.message()).body)).toBe(Bun.hash(body));
  });

  test("a server that resets while the client is slow: also what nobody had read yet arrives, and then a reset", async () => {
    const backend = await Backend.start(
      async (server) => {
        await server.message();
        await server.send("HTTP/1.1 200 OK\r\n\r\n");
        void server.pump(Buffer.alloc(60_000_000));
      },
      { tls: shop },
    );
    const proxy = new TestProxy([{ port: backend.port, tls: true, hostname: "shop.test" }], {
      settings: { upstreamCaPem: authority.cert },
    });
    const client = await proxy.connect();
    await client.send(get());
    await client.until(() => client.received > 0);
    client.socket.pause();
    // Until nothing moves: the client's side is full, and the system holds more that the proxy has not read.
    let relayed = 0;
    for (let still = 0; still < 20; ) {
      await Bun.sleep(25);
      still = proxy.counter("BYTES_TO_CLIENTS") === relayed ? still + 1 : 0;
      relayed = proxy.counter("BYTES_TO_CLIENTS");
    }
    backend.connections[0].reset();
    await eventually(() => proxy.counter("BYTES_TO_CLIENTS") > relayed);
    client.socket.resume();
    expect(await client.end()).toBe("reset");
    expect(client.unread).toBe(proxy.counter("BYTES_TO_CLIENTS"));
    await eventually(() => proxy.inFlight === 0);
  });

  test("a body until close that is cut off without TLS's farewell is no clean end", async () => {
    const backend = await Backend.start(
      async (server) => {
        await server.message();
        await server.send("HTTP/1.1 200 OK\r\n\r\nhalf");
        await Bun.sleep(30);
        server.reset();
      },
      { tls: shop },
    );
    const proxy = new TestProxy([{ port: backend.port, tls: true, hostname: "shop.test" }], {
      settings: { upstreamCaPem: authority.cert },
    });
    const client = await proxy.connect();
    await client.send(get());
    await client.head();
    expect(await client.end()).toBe("reset");
  });
});

describe("IPv6", () => {
  test("listener and server", async () => {
    const backend = await Backend.answering((request) => ok(request.head), { host: "::1" });
    const proxy = new TestProxy([{ port: backend.port, host: "::1" }], { settings: { host: "::1" } });
    const head = (await proxy.ask("GET / HTTP/1.0\r\n\r\n")).body.toString();
    expect(head).toContain("X-Forwarded-For: ::1\r\n");
    expect(head).toContain('Forwarded: for="[::1]";proto=http\r\n');
    expect(head).toContain(`Host: [::1]:${backend.port}\r\n`);
  });

  test("an IPv4 client of a dual-stack listener is an IPv4 client", async () => {
    const backend = await Backend.answering((request) => ok(request.head));
    const proxy = new TestProxy([backend], { settings: { host: "::", trustedProxies: ["127.0.0.1"] } });
    const client = await Wire.connect(proxy.port, "127.0.0.1");
    await client.send(get("/", "X-Forwarded-For: 7.7.7.7\r\n"));
    expect((await client.message()).body.toString()).toContain("X-Forwarded-For: 7.7.7.7, 127.0.0.1\r\n");
  });
});
