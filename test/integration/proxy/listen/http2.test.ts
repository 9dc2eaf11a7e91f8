/** How it comes to HTTP/2: over TLS by ALPN, in clear by what a client says first; and to nothing else where it is off. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { TLSSocket } from "node:tls";
import type { TlsCertificate } from "../../../../src/protocol/worker.ts";
import { PREFACE } from "../../../../src/proxy/http2/frames/layout.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { Http2Wire, settings } from "../../../support/http2/wire.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import type { TestSettings } from "../../../support/proxy-settings.ts";
import { Wire } from "../../../support/wire.ts";

let certificates: TlsCertificate[];
beforeAll(() => {
  const authority = createAuthority();
  certificates = ["a.example", "b.example"].map((name) => {
    const { cert, key } = authority.issue(`DNS:${name}`);
    return { certPem: cert, keyPem: key, names: [name] };
  });
});
afterEach(cleanUp);

async function served(settings: Partial<TestSettings> = {}): Promise<TestProxy> {
  const backend = await Backend.answering((request) => ok(request.head));
  return new TestProxy([backend], { settings });
}

/** Which protocol is agreed on with a client that offers these, the best first. */
async function agreed(port: number, ...offered: string[]): Promise<string | false> {
  const wire = await Wire.connectTls(port, { ALPNProtocols: offered });
  const { alpnProtocol } = wire.socket as TLSSocket;
  wire.destroy();
  return alpnProtocol ?? false;
}

describe("in clear", () => {
  test("whoever begins with it speaks HTTP/2, whatever its packets are like", async () => {
    const proxy = await served();
    const { bytes } = new Http2Wire(await Wire.connect(proxy.port)).framesOf({ path: "/x" });
    const all = Buffer.concat([PREFACE, settings(), bytes]);
    for (const first of [1, 3, 13, 14, 15, 16, 17, 18, 23, 24, 25, 32, 33, 34, all.length]) {
      const wire = await Wire.connect(proxy.port);
      const client = new Http2Wire(wire);
      client.acknowledges = false; // in the middle of the preface it would be none
      client.listen();
      await wire.send(all.subarray(0, first), all.subarray(first));
      const { status, body } = await client.response(1);
      expect([first, status, body.startsWith("GET /x HTTP/1.1\r\n")]).toEqual([first, 200, true]);
      client.close();
    }
  });

  test("byte by byte", async () => {
    const proxy = await served();
    const wire = await Wire.connect(proxy.port);
    const client = new Http2Wire(wire);
    client.acknowledges = false;
    client.listen();
    const all = Buffer.concat([PREFACE, settings(), client.framesOf().bytes]);
    await wire.send(...Array.from(all, (byte) => Buffer.of(byte)));
    expect((await client.response(1)).status).toBe(200);
    client.close();
  });

  test("a request of HTTP/1.1 may come first nowhere but there: behind it the preface is none", async () => {
    const proxy = await served();
    const wire = await Wire.connect(proxy.port);
    await wire.send(get());
    expect((await wire.message()).status).toBe(200);
    await wire.send(PREFACE);
    expect((await wire.message()).status).toBe(505);
    wire.destroy();
  });

  test("a beginning that is not gone on with ends the connection", async () => {
    const proxy = await served();
    const wire = await Wire.connect(proxy.port);
    const client = new Http2Wire(wire);
    client.listen();
    await wire.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    expect(await client.end()).toBe(1);
    expect(proxy.counter("HTTP2_PROTOCOL_ERRORS")).toBe(1);
  });

  test("Upgrade: h2c is not taken up: RFC 9113 has given it up", async () => {
    const proxy = await served();
    const wire = await Wire.connect(proxy.port);
    await wire.send(get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"));
    expect((await wire.message()).status).toBe(200);
    wire.destroy();
  });
});

describe.each([1, 2])("over TLS, with %i certificates", (count) => {
  const tls = () => ({ tls: { port: 0, certificates: certificates.slice(0, count) } });

  test("h2 is what we like best, and nobody has to have it", async () => {
    const { tlsPort } = await served(tls());
    expect(await agreed(tlsPort, "http/1.1", "h2")).toBe("h2");
    expect(await agreed(tlsPort, "http/1.1")).toBe("http/1.1");
    const client = await Http2Wire.connectTls(tlsPort);
    const { status, body } = await client.ask({ path: "/y", scheme: "https" });
    expect([status, body.startsWith("GET /y HTTP/1.1\r\n")]).toEqual([200, true]);
    expect(body).toContain("X-Forwarded-Proto: https\r\n");
    client.close();
  });

  test("a client that agreed on nothing may begin with it all the same", async () => {
    const { tlsPort } = await served(tls());
    const wire = await Wire.connectTls(tlsPort);
    const client = new Http2Wire(wire);
    client.listen();
    client.send(PREFACE, settings());
    expect((await client.ask()).status).toBe(200);
    client.close();
  });

  test("a client that agreed on it and speaks something else is told so", async () => {
    const proxy = await served(tls());
    const wire = await Wire.connectTls(proxy.tlsPort, { ALPNProtocols: ["h2"] });
    const client = new Http2Wire(wire);
    client.listen();
    await wire.send(get());
    expect(await client.end()).toBe(1);
    expect(client.goaway?.text).toBe("HTTP/2 was agreed on (ALPN), and what came first is no preface of it");
    expect(proxy.counter("HTTP2_PROTOCOL_ERRORS")).toBe(1);
    expect(proxy.counter("REQUESTS")).toBe(0);
  });

  test("a reload switches it off and on for who comes then", async () => {
    const proxy = await served(tls());
    const before = await Http2Wire.connectTls(proxy.tlsPort);
    proxy.change({ http2: false });
    expect(await agreed(proxy.tlsPort, "h2", "http/1.1")).toBe("http/1.1");
    expect((await before.ask()).status).toBe(200);
    proxy.change({ http2: true });
    expect(await agreed(proxy.tlsPort, "h2", "http/1.1")).toBe("h2");
    before.close();
  });
});

test("switched off, nobody speaks HTTP/2", async () => {
  const proxy = await served({ http2: false, tls: { port: 0, certificates: certificates.slice(0, 1) } });
  expect(await agreed(proxy.tlsPort, "h2", "http/1.1")).toBe("http/1.1");
  const wire = await Wire.connect(proxy.port);
  await wire.send(PREFACE);
  expect((await wire.message()).status).toBe(505);
  wire.destroy();
});
