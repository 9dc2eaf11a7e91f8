/** TLS with the servers of a pool: the name that is asked for and verified, and the certificate that servers are shown. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { TLSSocket } from "node:tls";
import { probeTrust, startProbe } from "../../../../src/health/probe/probe.ts";
import type { UpstreamTls } from "../../../../src/shared/upstream-tls.ts";
import { type Authority, type Certificate, createAuthority, createSelfSigned } from "../../../support/certificates.ts";
import { Daemon } from "../../../support/processes.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue } from "../../../support/wire.ts";

let authority: Authority;
let shop: Certificate;
let own: Certificate;
const daemons: Daemon[] = [];
const directories: string[] = [];

beforeAll(() => {
  authority = createAuthority();
  shop = authority.issue("DNS:shop.test");
  own = authority.issue("DNS:balancer.test");
});
afterEach(cleanUp);
afterAll(() => {
  for (const { process } of daemons) process.kill();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

const pem = ({ cert, key }: Certificate) => ({ certPem: cert, keyPem: key });

/** A pool with one server at `port`, known by its address. */
function proxyTo(port: number, tls: Partial<UpstreamTls>): TestProxy {
  const settings = { retryAttempts: 0, upstreamCaPem: authority.cert, ...tls };
  return new TestProxy([{ port, tls: true }], { settings });
}

/** As a health check of such a pool. */
async function probe(port: number, tls: Partial<UpstreamTls>): Promise<string> {
  const { upstreamCaPem = authority.cert, upstreamCertificate = null, upstreamServerName = null } = tls;
  const target = { address: "127.0.0.1", port, hostname: "127.0.0.1", tls: true, serverName: upstreamServerName };
  const trust = probeTrust(upstreamCaPem, upstreamCertificate);
  const rest = { path: "/", timeoutMs: 10_000, version: "0", wantBody: false, accepts: false };
  const result = await startProbe({ target, trust, ...rest }).result;
  return result.kind === "response" ? String(result.status) : result.kind;
}

describe("another name than the server's address", () => {
  /** A server with one certificate that says what it was asked for by SNI. */
  const telling = (certificate: Certificate) =>
    Backend.start(
      async (connection) => {
        for (;;) {
          await connection.message();
          await connection.send(ok(String((connection.socket as TLSSocket).servername)));
        }
      },
      { tls: certificate },
    );

  test("is asked for, and the certificate has to have it", async () => {
    const { port } = await telling(shop);
    const tls = { upstreamServerName: "shop.test" };
    const answer = await proxyTo(port, tls).ask(get());
    expect([answer.status, answer.body.toString()]).toEqual([200, "shop.test"]);
    expect(await probe(port, tls)).toBe("200");
  });

  test.each([
    ["a certificate for the address alone", () => authority.issue("IP:127.0.0.1"), "shop.test"],
    ["a certificate for another name", () => authority.issue("DNS:blog.test"), "shop.test"],
    ["none is given, and the certificate has the name alone", () => shop, null],
    ["one that nobody vouches for", () => createSelfSigned("DNS:shop.test"), "shop.test"],
    ["one that has expired", () => authority.issueExpired("DNS:shop.test"), "shop.test"],
    ["one of an authority that another pool trusts", () => createAuthority().issue("DNS:shop.test"), "shop.test"],
  ])("%s: not a byte is sent, and checks agree", async (_, certificate, upstreamServerName) => {
    const backend = await telling(certificate());
    const answer = await proxyTo(backend.port, { upstreamServerName }).ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain(
      'error=tls_certificate_error; details="upstream_certificate_invalid"',
    );
    expect(await probe(backend.port, { upstreamServerName })).toBe("error");
    expect(backend.received).toBe(0);
  });
});

describe("a pool whose TLS is another from a reload on", () => {
  const named = { upstreamServerName: "shop.test" };

  test.each([
    ["another name", () => ({ upstreamServerName: "blog.test" }), 502],
    ["another authority", () => ({ ...named, upstreamCaPem: createAuthority().cert }), 502],
    ["another certificate", () => ({ ...named, upstreamCertificate: pem(own) }), 200],
  ])("%s: connections made before are not used again", async (_, tls, status) => {
    const backend = await Backend.answering(() => ok("shop"), { tls: shop });
    const proxy = proxyTo(backend.port, named);
    expect((await proxy.ask(get())).status).toBe(200);
    proxy.change({ retryAttempts: 1 });
    expect((await proxy.ask(get())).status).toBe(200);
    expect(backend.connections.length).toBe(1); // what TLS has no part in ends none
    proxy.change(tls());
    expect((await proxy.ask(get())).status).toBe(status);
    await eventually(() => backend.connections[0].ended !== null);
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(status === 200 ? 1 : 0);
  });

  test("a request under way goes on, and leaves its connection to nobody", async () => {
    const waiting = Promise.withResolvers<void>();
    let asked = 0;
    const respond = async () => {
      asked++;
      await waiting.promise;
      return ok("shop");
    };
    const backend = await Backend.answering(respond, { tls: shop });
    const proxy = proxyTo(backend.port, named);
    const answer = proxy.ask(get());
    await eventually(() => asked > 0);
    proxy.change({ upstreamServerName: "blog.test" });
    waiting.resolve();
    expect((await answer).status).toBe(200);
    expect((await proxy.ask(get())).status).toBe(502);
    await eventually(() => backend.open === 0);
  });
});

describe.each(["-tls1_2", "-tls1_3"])("a server that wants a certificate (%s)", (version) => {
  let port: number;

  beforeAll(async () => {
    const directory = mkdtempSync(`${tmpdir()}/neurabalancer-upstream-tls-`);
    directories.push(directory);
    writeFileSync(`${directory}/ca.pem`, authority.cert);
    writeFileSync(`${directory}/own.pem`, shop.cert + shop.key);
    const files = ["-cert", `${directory}/own.pem`, "-CAfile", `${directory}/ca.pem`];
    const strict = ["-Verify", "3", "-verify_return_error"];
    const server = new Daemon(["openssl", "s_server", "-accept", "127.0.0.1:0", version, "-www", ...files, ...strict]);
    daemons.push(server);
    port = Number(await server.says(({ stdout }) => /ACCEPT 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]));
  });

  const named = { upstreamServerName: "shop.test" };

  test("gets it, from requests and from checks", async () => {
    const tls = { ...named, upstreamCertificate: pem(own) };
    expect((await proxyTo(port, tls).ask("GET / HTTP/1.0\r\n\r\n")).status).toBe(200);
    expect(await probe(port, tls)).toBe("200");
  });

  test.each([
    ["none", () => null],
    ["one that has expired", () => pem(authority.issueExpired("DNS:balancer.test"))],
    ["one that it does not know", () => pem(createSelfSigned("DNS:balancer.test"))],
  ])("%s: the failure says that it refused", async (_, certificate) => {
    const tls = { ...named, upstreamCertificate: certificate() };
    const answer = await proxyTo(port, tls).ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain('error=tls_alert_received; details="upstream_tls_refused"');
    expect(await probe(port, tls)).toBe("error");
  });
});
