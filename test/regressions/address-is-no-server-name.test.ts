/**
 * An address in the URL of a server was sent as TLS server name by requests, though not by checks (RFC 6066 section 3):
 * servers that refuse the handshake over it answered no request while their checks passed.
 */
import { afterAll, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { probeTrust, startProbe } from "../../src/health/probe/probe.ts";
import { createAuthority } from "../support/certificates.ts";
import { cleanUp, get, TestProxy } from "../support/proxy-harness.ts";

afterAll(cleanUp);

const authority = createAuthority();
const certificate = authority.issue("DNS:shop.test", "IP:127.0.0.1", "IP:::1");
const other = authority.issue("DNS:other.test", "IP:127.0.0.9");

async function server(identity: typeof certificate, address: string) {
  const names: (string | false | null)[] = [];
  const listener = createServer({ ...identity }, (socket: TLSSocket) => {
    names.push(socket.servername as string | false | null);
    socket.on("error", () => {});
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  });
  listener.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => listener.listen(0, address, () => resolve()));
  afterAll(() => listener.close());
  return { names, port: (listener.address() as AddressInfo).port };
}

async function both(hostname: string, address: string, port: number) {
  const settings = { upstreamCaPem: authority.cert };
  const proxy = new TestProxy([{ port, host: address, hostname, tls: true }], { settings });
  const target = { address, port, hostname, tls: true };
  const trust = probeTrust(authority.cert);
  const request = { target, path: "/", timeoutMs: 5000, trust, version: "0", wantBody: false, accepts: false };
  const checked = await startProbe(request).result;
  return {
    request: (await proxy.ask(get())).status,
    check: checked.kind === "response" ? checked.status : checked.kind,
  };
}

test.each([
  ["127.0.0.1", "127.0.0.1", false],
  ["::1", "::1", false],
  ["shop.test", "127.0.0.1", "shop.test"],
  ["shop.test", "::1", "shop.test"],
] as const)("a server at %s (%s) is asked for %s", async (hostname, address, expected) => {
  const { names, port } = await server(certificate, address);
  expect(await both(hostname, address, port)).toEqual({ request: 200, check: 200 });
  expect(names).toEqual([expected, expected]);
});

test.each(["127.0.0.1", "::1"])("the certificate must name the address %s all the same", async (address) => {
  const { port } = await server(other, address);
  expect(await both(address, address, port)).toEqual({ request: 502, check: "error" });
});
