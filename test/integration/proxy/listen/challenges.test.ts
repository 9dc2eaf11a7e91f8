/** What CAs are answered while they ask, and that nobody else notices; certificates that are replaced under load. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { readdirSync } from "node:fs";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { objectIdentifier, octetString } from "../../../../src/shared/x509/der.ts";
import { makeSelfSigned } from "../../../../src/shared/x509/self-signed.ts";
import { type Authority, createAuthority } from "../../../support/certificates.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { Wire } from "../../../support/wire.ts";

const TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
const HTTP_01 = { kind: "http-01", token: TOKEN, keyAuthorization: `${TOKEN}.thumbprint` } as const;
const PATH = `/.well-known/acme-challenge/${TOKEN}`;

let authority: Authority;
beforeAll(() => {
  authority = createAuthority();
});
afterEach(cleanUp);

const certificateOf = (name: string) => {
  const { cert: certPem, key: keyPem } = authority.issue(`DNS:${name}`);
  return { certPem, keyPem, names: [name] };
};

const site = (): Promise<Backend> => Backend.answering((request) => ok(`site ${request.startLine}`));

describe("HTTP-01", () => {
  const asks = async (proxy: TestProxy, path: string, method = "GET", secure = false): Promise<[number, string]> => {
    const wire = secure ? await Wire.connectTls(proxy.tlsPort) : await Wire.connect(proxy.port);
    await wire.send(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    const { status, body } = await wire.message({ noBody: method === "HEAD" } as never);
    wire.destroy();
    return [status, body.toString()];
  };

  test("a token that is pending is answered, before anybody is sent to https; all else below the path is the site's", async () => {
    const certificates = [certificateOf("a.test")];
    const proxy = new TestProxy([await site()], { settings: { tls: { port: 0, certificates } } });
    expect((await asks(proxy, PATH))[1]).toStartWith("site GET ");
    proxy.server.setChallenges([HTTP_01]);
    expect(await asks(proxy, PATH)).toEqual([200, HTTP_01.keyAuthorization]);
    expect(await asks(proxy, `${PATH}?x=1`)).toEqual([200, HTTP_01.keyAuthorization]);
    for (const path of [
      `${PATH}x`,
      `${PATH}/`,
      PATH.slice(0, -1),
      "/.well-known/acme-challenge/",
      "/.well-known/acme-challenge",
    ]) {
      expect((await asks(proxy, path))[1]).toBe(`site GET ${path} HTTP/1.1`);
    }
    expect((await asks(proxy, PATH, "DELETE"))[1]).toStartWith("site DELETE");
    expect((await asks(proxy, PATH, "GET", true))[1]).toStartWith("site GET");
    proxy.server.setChallenges([]);
    expect((await asks(proxy, PATH))[1]).toStartWith("site GET ");
  });

  test("a connection goes on behind it", async () => {
    const proxy = new TestProxy([await site()]);
    proxy.server.setChallenges([HTTP_01]);
    const wire = await Wire.connect(proxy.port);
    await wire.send(get(PATH) + get("/next"));
    expect((await wire.message()).body.toString()).toBe(HTTP_01.keyAuthorization);
    expect((await wire.message()).body.toString()).toStartWith("site GET /next");
    wire.destroy();
  });
});

describe.each([1, 2])("TLS-ALPN-01 beside %i certificates", (count) => {
  const setUp = async (): Promise<TestProxy> => {
    const certificates = ["a.test", "b.test"].slice(0, count).map(certificateOf);
    return new TestProxy([await site()], { settings: { tls: { port: 0, certificates } } });
  };
  const shown = (wire: Wire): PeerCertificate => (wire.socket as TLSSocket).getPeerCertificate() as PeerCertificate;

  test("who offers acme-tls/1 is shown the challenge's certificate and let go; all others are served", async () => {
    const proxy = await setUp();
    const before = await Wire.connectTls(proxy.tlsPort, { servername: "a.test" });
    const nowMs = Date.now();
    const made = makeSelfSigned({
      name: "a.test",
      subject: "challenge",
      nowMs,
      days: 1,
      keyAuthorization: "token.print",
    });
    proxy.server.setChallenges([{ kind: "tls-alpn-01", name: "a.test", ...made }]);

    const ca = await Wire.connectTls(proxy.tlsPort, { servername: "a.test", ALPNProtocols: ["acme-tls/1"] });
    expect((ca.socket as TLSSocket).alpnProtocol).toBe("acme-tls/1");
    const { raw } = shown(ca);
    expect(new X509Certificate(raw).checkHost("a.test")).toBe("a.test");
    const digest = octetString(octetString(createHash("sha256").update("token.print").digest()));
    expect(raw.includes(objectIdentifier("1.3.6.1.5.5.7.1.31"))).toBe(true);
    expect(raw.includes(digest)).toBe(true);
    await ca.end();

    for (const ALPNProtocols of [undefined, ["http/1.1"], ["acme-tls/1", "http/1.1"]]) {
      const client = await Wire.connectTls(proxy.tlsPort, {
        servername: "a.test",
        ...(ALPNProtocols && { ALPNProtocols }),
      });
      expect(shown(client).subject.CN).toBe("a.test");
      await client.send(get("/during"));
      expect((await client.message()).body.toString()).toStartWith("site GET /during");
      client.destroy();
    }
    await before.send(get("/before"));
    expect((await before.message()).status).toBe(200);
    const during = await Wire.connectTls(proxy.tlsPort, { servername: "a.test" });
    await during.send(get());
    await during.message();
    proxy.server.setChallenges([]);
    await during.send(get("/after"));
    expect((await during.message()).status).toBe(200);
    await expect(
      Wire.connectTls(proxy.tlsPort, { servername: "a.test", ALPNProtocols: ["acme-tls/1"] }),
    ).rejects.toThrow();
    for (const wire of [before, during, ca]) wire.destroy();
  });

  test("who says nothing, half of it, or nonsense is not kept, and costs nobody else anything", async () => {
    const proxy = await setUp();
    proxy.change({ requestHeadTimeoutMs: 300 });
    const made = makeSelfSigned({ name: "a.test", subject: "challenge", nowMs: Date.now(), days: 1 });
    proxy.server.setChallenges([{ kind: "tls-alpn-01", name: "a.test", ...made }]);
    const silent = await Wire.connect(proxy.tlsPort);
    const half = await Wire.connect(proxy.tlsPort);
    await half.send(Buffer.from([22, 3, 1, 1, 0, 1]));
    const wrong = await Wire.connect(proxy.tlsPort);
    await wrong.send("GET / HTTP/1.1\r\n\r\n");
    await Promise.all([silent, half, wrong].map((wire) => wire.end()));
    const client = await Wire.connectTls(proxy.tlsPort);
    // Longer than a handshake may take.
    for (let i = 0; i < 5; i++) {
      await client.send(get());
      expect((await client.message()).status).toBe(200);
      await Bun.sleep(100);
    }
    client.destroy();
  });
});

test("certificates are replaced again and again while clients come: none is turned away, and no descriptor is left", async () => {
  const names = ["a.test", "b.test"];
  const all = [names.slice(0, 1), names].map((some) => some.map(certificateOf));
  const renewed = [names.slice(0, 1), names].map((some) => some.map(certificateOf));
  const proxy = new TestProxy([await site()], { settings: { tls: { port: 0, certificates: all[0] } } });
  const port = proxy.tlsPort;
  const made = makeSelfSigned({ name: "a.test", subject: "challenge", nowMs: Date.now(), days: 1 });
  const open = (): number => readdirSync("/proc/self/fd").length;
  let goesOn = true;
  let served = 0;
  const clients = Array.from({ length: 6 }, async () => {
    while (goesOn) {
      const client = await Wire.connectTls(port, { servername: "a.test" });
      await client.send(get());
      expect((await client.message()).status).toBe(200);
      client.destroy();
      served++;
    }
  });
  const before = open();
  for (let round = 0; round < 20; round++) {
    for (const certificates of [...all, ...renewed]) {
      proxy.change({ tls: { port, certificates } });
      await Bun.sleep(3);
    }
    proxy.server.setChallenges([{ kind: "tls-alpn-01", name: "a.test", ...made }]);
    await Bun.sleep(3);
    proxy.server.setChallenges([]);
  }
  goesOn = false;
  await Promise.all(clients);
  expect(served).toBeGreaterThan(20);
  expect(proxy.tlsPort).toBe(port);
  expect(open()).toBeLessThan(before + 50);
});
