/** Several listeners of one worker: addresses of both families, plain and TLS, and what a change of them does. */
import { afterEach, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { ListenerSpec, TlsCertificate } from "../../../../src/protocol/worker.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

let certificate: TlsCertificate;
beforeAll(() => {
  const { cert, key } = createAuthority().issue("DNS:shop.test");
  certificate = { certPem: cert, keyPem: key, names: ["shop.test"] };
});
afterEach(cleanUp);

const at = (host: string, port = 0, tls = false): ListenerSpec => ({ host, port, tls });

async function listening(...listeners: ListenerSpec[]): Promise<TestProxy> {
  const backend = await Backend.answering((request) => ok(request.head));
  return new TestProxy([backend], { settings: { listeners, tls: { port: 0, certificates: [certificate] } } });
}

function connect({ host, port, tls }: ListenerSpec): Promise<Wire> {
  return tls ? Wire.connectTls(port, { host }) : Wire.connect(port, host);
}

/** The scheme that the server is told. */
async function schemeAt(listener: ListenerSpec): Promise<string> {
  const client = await connect(listener);
  await client.send(get());
  const { body } = await client.message();
  client.destroy();
  const head = body.toString("latin1");
  return /x-forwarded-proto: (\w+)/i.exec(head)?.[1] ?? head;
}

test("each has its own address and port, and clients of all of them are served", async () => {
  const proxy = await listening(
    at("127.0.0.1"),
    at("127.0.0.1"),
    at("127.0.0.2", 0, true),
    at("::1"),
    at("::1", 0, true),
  );
  const { listeners } = proxy.server;
  expect(listeners.map(({ host, tls }) => `${host} ${tls}`)).toEqual([
    "127.0.0.1 false",
    "127.0.0.1 false",
    "127.0.0.2 true",
    "::1 false",
    "::1 true",
  ]);
  expect(listeners.every(({ port }) => port > 0)).toBe(true);
  const schemes = await Promise.all(listeners.map(schemeAt));
  expect(schemes).toEqual(["http", "http", "https", "http", "https"]);
});

test("there need not be one without TLS", async () => {
  const proxy = await listening(at("127.0.0.1", 0, true));
  expect(await schemeAt(proxy.server.listeners[0])).toBe("https");
});

test("a change opens what is new, closes what is gone and leaves the rest as it is", async () => {
  const proxy = await listening(at("127.0.0.1"), at("127.0.0.1", 0, true));
  const [plain, secure] = proxy.server.listeners;
  const stays = await connect(plain);
  const ofOld = await connect(secure);
  proxy.change({ listeners: [at("127.0.0.3"), plain] });
  const [fresh, same] = proxy.server.listeners;
  expect(same).toEqual(plain);
  expect(await schemeAt(fresh)).toBe("http");
  await expect(connect(secure)).rejects.toThrow();
  for (const client of [stays, ofOld]) {
    await client.send(get());
    expect((await client.message()).status).toBe(200);
    client.destroy();
  }
});

test("one that cannot be had changes nothing, and says why", async () => {
  const proxy = await listening(at("127.0.0.1"), at("127.0.0.1", 0, true));
  const before = proxy.server.listeners;
  const other = createServer().listen(0, "127.0.0.1");
  const { port } = other.address() as { port: number };
  try {
    proxy.change({ listeners: [at("127.0.0.4"), at("127.0.0.1", port)] });
    expect(proxy.server.listeners).toEqual(before);
    expect(String(proxy.logged.splice(0))).toContain("the old listeners stay");
    expect(await Promise.all(before.map(schemeAt))).toEqual(["http", "https"]);
  } finally {
    other.close();
  }
});

test("without a certificate there is no TLS to listen with", async () => {
  const proxy = await listening(at("127.0.0.1"));
  proxy.change({ listeners: [at("127.0.0.1", 0, true)], tls: null });
  expect(Bun.inspect(proxy.logged.splice(0))).toContain("there is no certificate");
  const answer = await proxy.ask(get());
  expect([answer.status, singleValue(answer, "content-length")]).toEqual([200, String(answer.body.length)]);
});
