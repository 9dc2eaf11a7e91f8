/** Certificates of clients: who is served, what servers and lines are told, and that no session gets past the check. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientTls, ProxySettings, TlsCertificate } from "../../../../src/protocol/worker.ts";
import { type Authority, type Certificate, createAuthority, createSelfSigned } from "../../../support/certificates.ts";
import { spawn } from "../../../support/processes.ts";
import { Backend, cleanUp, eventually, get, ok, TEST_SETTINGS, TestProxy } from "../../../support/proxy-harness.ts";
import { valuesOf, Wire, type WireMessage } from "../../../support/wire.ts";

let servers: Authority;
let clients: Authority;
let shop: TlsCertificate;
let blog: TlsCertificate;
let alice: Certificate;
let expired: Certificate;
let stranger: Certificate;
let foreign: Certificate;

beforeAll(() => {
  servers = createAuthority();
  clients = createAuthority("clients");
  const named = ({ cert, key }: Certificate, name: string): TlsCertificate => ({
    certPem: cert,
    keyPem: key,
    names: [name],
  });
  shop = named(servers.issue("DNS:shop.test"), "shop.test");
  blog = named(servers.issue("DNS:blog.test"), "blog.test");
  alice = clients.issue("DNS:alice.test");
  expired = clients.issueExpired("DNS:late.test");
  stranger = createSelfSigned("DNS:mallory.test");
  foreign = servers.issue("DNS:foreign.test");
});
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  cleanUp();
});

const terms = (changes: Partial<ClientTls>): ClientTls => ({ ...TEST_SETTINGS.clientTls, ...changes });
const derOf = (certificate: Certificate): Buffer => new X509Certificate(certificate.cert).raw;
const NAME = "shop.test";

describe.each([
  ["one certificate", () => [shop], false],
  ["several certificates", () => [shop, blog], false],
  ["one certificate, while a CA may ask", () => [shop], true],
])("%s", (_, certificates, asks) => {
  async function secured(auth: ClientTls["auth"], more: Partial<ProxySettings> = {}, list?: readonly string[]) {
    const backend = await Backend.answering((request) => ok(request.head));
    const clientTls = terms({ auth, caPem: clients.cert, crlPems: list ?? null });
    const proxy = new TestProxy([backend], {
      settings: {
        tls: { port: 0, certificates: certificates() },
        clientTls,
        accessLog: true,
        logFormat: "json",
        ...more,
      },
    });
    const { certPem, keyPem } = blog;
    if (asks) proxy.server.setChallenges([{ kind: "tls-alpn-01", name: "blog.test", certPem, keyPem }]);
    return { backend, proxy, port: proxy.tlsPort };
  }

  /** What the server is told of the certificate of a client that is served. */
  async function told(port: number, shown: Certificate | null, fields = "", name = NAME): Promise<string[]> {
    const { status, body } = await answered(port, shown, fields, name);
    // Whoever is let in is served: another status is no refusal, but says what went wrong.
    if (status !== 200) throw new Error(`${status}: ${body}`);
    const head = body.toString("latin1").slice(0, -4).split("\r\n").slice(1);
    const parsed = head.map(
      (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const,
    );
    return ["client-cert", "client-cert-chain", "client_cert"].flatMap((field) =>
      valuesOf({ fields: parsed } as unknown as Parameters<typeof valuesOf>[0], field),
    );
  }

  /** Whether the client is refused, before or after the handshake was done. One that is served is answered. */
  function refused(port: number, shown: Certificate | null, name = NAME): Promise<boolean> {
    return answered(port, shown, "", name).then(
      () => false,
      () => true,
    );
  }

  async function answered(port: number, shown: Certificate | null, fields: string, name: string): Promise<WireMessage> {
    const client = await Wire.connectTls(port, { servername: name, ...shown });
    try {
      await client.send(get("/", fields));
      return await client.message();
    } finally {
      client.destroy();
    }
  }

  const fieldOf = (certificate: Certificate): string => `:${derOf(certificate).toString("base64")}:`;
  const FORGED = "Client-Cert: :Zm9yZ2Vk:\r\nclient-cert-chain: :eA==:\r\nClient_Cert: :eA==:\r\n";

  test("TLS_CLIENT_AUTH=require serves those of TLS_CLIENT_CA_FILE, and nobody else", async () => {
    const { proxy, port, backend } = await secured("require");
    expect(await told(port, alice)).toEqual([fieldOf(alice)]);
    expect(await told(port, alice, FORGED)).toEqual([fieldOf(alice)]);
    expect(await told(port, alice, "", "unknown.test")).toEqual([fieldOf(alice)]);
    for (const wrong of [null, stranger, foreign, expired]) {
      expect(await refused(port, wrong)).toBe(true);
      expect(await refused(port, wrong, "blog.test")).toBe(true);
    }
    await eventually(() => proxy.counter("TLS_HANDSHAKE_ERRORS") >= 8);
    expect(backend.connections).toHaveLength(1);
    const [line] = (await proxy.logLines(3)).map((text) => JSON.parse(text));
    expect(line.client_subject).toBe("CN=alice.test");
    expect(line.client_fingerprint).toBe(createHash("sha256").update(derOf(alice)).digest("hex"));
  });

  test("TLS_CLIENT_AUTH=request serves who shows none, too, and tells servers nothing then", async () => {
    const { port, proxy } = await secured("request");
    expect(await told(port, null, FORGED)).toEqual([]);
    expect(await told(port, alice, FORGED)).toEqual([fieldOf(alice)]);
    for (const wrong of [stranger, foreign, expired]) expect(await refused(port, wrong)).toBe(true);
    const lines = (await proxy.logLines(2)).map((text) => JSON.parse(text));
    expect(lines.map(({ client_subject = null }) => client_subject)).toEqual([null, "CN=alice.test"]);
  });

  test("what clients say of certificates is removed where nobody is asked for one", async () => {
    const { port, proxy } = await secured("off");
    expect(await told(port, alice, FORGED)).toEqual([]);
    const client = await proxy.connect();
    await client.send(get("/", FORGED));
    expect((await client.message()).body.toString()).not.toMatch(/client.cert/i);
    client.destroy();
  });

  test("a trusted proxy is believed where it is not asked itself, and else what it has shown counts", async () => {
    const trusted = { trustedProxies: ["127.0.0.1"] };
    const { port } = await secured("off", trusted);
    expect(await told(port, null, "Client-Cert: :aGVycw==:\r\n")).toEqual([":aGVycw==:"]);
    const asked = await secured("request", trusted);
    expect(await told(asked.port, null, FORGED)).toEqual([]);
    expect(await told(asked.port, alice, FORGED)).toEqual([fieldOf(alice)]);
  });

  test("TLS_CLIENT_CRL_FILE refuses those that were revoked", async () => {
    const bob = clients.issue("DNS:bob.test");
    const { port } = await secured("require", {}, [clients.revoke(bob)]);
    expect(await told(port, alice)).toEqual([fieldOf(alice)]);
    expect(await refused(port, bob)).toBe(true);
  });

  test("lists of several authorities hold each for its own", async () => {
    const others = createAuthority("other clients");
    const [carol, dave] = [others.issue("DNS:carol.test"), others.issue("DNS:dave.test")];
    const lists = [clients.revoke(), others.revoke(dave)];
    const caPem = clients.cert + others.cert;
    const clientTls = terms({ auth: "require", caPem, crlPems: lists });
    const { port } = await secured("require", { clientTls });
    expect(await told(port, alice)).toEqual([fieldOf(alice)]);
    expect(await told(port, carol)).toEqual([fieldOf(carol)]);
    expect(await refused(port, dave)).toBe(true);
  });

  test("a listener decides for itself", async () => {
    const listener = { host: "127.0.0.1", port: 0, tls: true };
    const { proxy } = await secured("require", { listeners: [listener, { ...listener, clientAuth: "off" }] });
    const [strict, open] = proxy.server.listeners;
    expect(await refused(strict.port, null)).toBe(true);
    expect(await told(open.port, null)).toEqual([]);
    expect(await told(strict.port, alice)).toEqual([fieldOf(alice)]);
  });

  test.each(["tls1_2", "tls1_3"])(
    "a session that is resumed is as good as its certificate, and no better (%s)",
    async (version) => {
      const directory = mkdtempSync(join(tmpdir(), "nb-mtls-"));
      directories.push(directory);
      const files = (name: string, { cert, key }: Certificate): string[] => {
        writeFileSync(join(directory, `${name}.pem`), cert);
        writeFileSync(join(directory, `${name}.key`), key);
        return ["-cert", join(directory, `${name}.pem`), "-key", join(directory, `${name}.key`)];
      };
      const session = join(directory, "session");
      /** What became of a request by OpenSSL: whether the session was resumed, and what the server was told. */
      const ask = async (port: number, ...more: string[]) => {
        const args = ["-connect", `127.0.0.1:${port}`, "-servername", NAME, `-${version}`, "-ign_eof", ...more];
        const request = join(directory, "request");
        writeFileSync(request, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        const client = spawn(["openssl", "s_client", ...args], {
          stdin: Bun.file(request),
          stdout: "pipe",
          stderr: "ignore",
        });
        const text = await new Response(client.stdout).text();
        await client.exited;
        return {
          resumed: /^Reused, /m.test(text),
          served: text.includes("HTTP/1.1 200"),
          field: /Client-Cert: (\S+)/.exec(text)?.[1],
        };
      };
      const { proxy, port } = await secured("require");
      const shows = files("alice", alice);
      expect(await ask(port, ...shows, "-sess_out", session)).toEqual({
        resumed: false,
        served: true,
        field: fieldOf(alice),
      });
      expect(await ask(port, "-sess_in", session)).toEqual({ resumed: true, served: true, field: fieldOf(alice) });
      // The certificate is revoked meanwhile: the listener is another, with keys of its own for tickets.
      const revoked = terms({ auth: "require", caPem: clients.cert, crlPems: [clients.revoke(alice)] });
      proxy.change({ clientTls: revoked });
      expect(await ask(proxy.tlsPort, ...shows, "-sess_in", session)).toMatchObject({ resumed: false, served: false });

      // One that never was valid is not by being resumed.
      const requesting = await secured("request");
      const wrong = files("mallory", stranger);
      const other = join(directory, "other");
      expect(await ask(requesting.port, ...wrong, "-sess_out", other)).toMatchObject({ served: false });
      expect((await ask(requesting.port, ...wrong, "-sess_in", other).catch(() => ({ served: false }))).served).toBe(
        false,
      );
    },
  );

  test("a certificate that has expired since its session began is not served", async () => {
    let later = 0;
    const backend = await Backend.answering((request) => ok(request.head));
    const proxy = new TestProxy([backend], {
      settings: {
        tls: { port: 0, certificates: certificates() },
        clientTls: terms({ auth: "require", caPem: clients.cert }),
      },
      epochOffsetMs: () => performance.timeOrigin + later,
    });
    expect(await told(proxy.tlsPort, alice)).toEqual([fieldOf(alice)]);
    // TLS goes by the system's clock, we by what we are told: as if its session had begun 40 days ago.
    later = 40 * 86_400_000;
    await eventually(() => refused(proxy.tlsPort, alice));
  });
});
