/** The admin port of an instance: TLS, client certificates, and a free port where the usual one is taken. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdminSettings } from "../../../../../src/config/sections/admin.ts";
import { AdminApi } from "../../../../../src/control/admin/api.ts";
import { MAX_ADMIN_CONNECTIONS } from "../../../../../src/control/admin/doors/gate.ts";
import type { AdminControl } from "../../../../../src/control/admin/routes/routes.ts";
import { AdminPort } from "../../../../../src/control/supervisor/ports/admin-port.ts";
import { type Certificate, createAuthority } from "../../../../support/certificates.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";
import { Wire } from "../../../../support/wire.ts";
import { until } from "../../processes/fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-admin-tls-"));
const authority = createAuthority();
const stranger = createAuthority("another authority");
const write = (name: string, { cert, key }: Certificate): void => {
  writeFileSync(join(directory, `${name}.pem`), cert);
  writeFileSync(join(directory, `${name}.key`), key);
};
const file = (name: string) => join(directory, name);

const opened: AdminPort[] = [];
let sockets = 0;
/** How far the clock that the port is told is ahead, milliseconds. */
let aheadMs = 0;
beforeAll(() => {
  write("server", authority.issue("DNS:localhost"));
  write("client", authority.issue("DNS:deploy.test"));
  write("stranger", stranger.issue("DNS:stranger.test"));
  writeFileSync(file("ca.pem"), authority.cert);
});
afterEach(async () => {
  aheadMs = 0;
  await Promise.all(opened.splice(0).map((port) => port.stop()));
});
afterAll(() => rmSync(directory, { recursive: true }));

const NONE = { tlsCertFile: null, tlsKeyFile: null, tlsClientCaFile: null };

async function open(settings: Partial<AdminSettings>, origin = "environment") {
  const admin = { host: "127.0.0.1", port: 0, token: null, tokens: null, allowedHosts: null, ...NONE, ...settings };
  const { log, lines } = recordingLogger();
  const said: { actor?: string }[] = [];
  const control = {
    wallMs: () => 0,
    nowMs: () => performance.now(),
    status: () => ({ version: "1" }),
  } as unknown as AdminControl;
  const configuration = { config: { admin }, effective: [{ env: "ADMIN_PORT", origin }] };
  const port = new AdminPort({
    configuration,
    log,
    wallMs: () => Date.now() + aheadMs,
    nowMs: () => performance.now(),
  });
  opened.push(port);
  const adminPortPath = file(`${++sockets}.sock`);
  await port.open(new AdminApi(control, log), { adminPortPath, adminPlacePath: file("admin.json") });
  return { port, lines, said, at: (port.describe() as { port: number }).port };
}

const TLS = () => ({ tlsCertFile: file("server.pem"), tlsKeyFile: file("server.key") });
const status = async (at: number, tls: object = {}) => {
  const response = await fetch(`https://localhost:${at}/api/v1/status`, {
    tls: { ca: authority.cert, ...tls },
    keepalive: false,
  }).catch(() => null);
  return response?.status ?? 0;
};

test("HTTPS and nothing else, with new certificates when they change", async () => {
  const { port, at, lines } = await open(TLS());
  expect(port.describe()).toMatchObject({ tls: true, client_certificates: false });
  expect(await status(at)).toBe(200);
  expect(await fetch(`http://localhost:${at}/health/live`).catch(() => null)).toBeNull();
  writeFileSync(file("server.pem"), "nothing");
  port.tick(20_000);
  expect([port.rejected, await status(at)]).toEqual([true, 200]);
  expect(lines.at(-1)).toMatchObject({ level: "error" });
  write("server", stranger.issue("DNS:localhost"));
  port.tick(40_000);
  expect([port.rejected, await status(at)]).toEqual([false, 0]);
  expect(await status(at, { ca: stranger.cert })).toBe(200);
  write("server", authority.issue("DNS:localhost"));
});

test("only clients with a certificate of the authority come in", async () => {
  const { at } = await open({ ...TLS(), tlsClientCaFile: file("ca.pem") });
  const shown = (name: string) => ({ cert: Bun.file(file(`${name}.pem`)), key: Bun.file(file(`${name}.key`)) });
  expect(await status(at, shown("client"))).toBe(200);
  expect(await status(at)).toBe(0);
  expect(await status(at, shown("stranger"))).toBe(0);
  expect(await status(at, shown("client"))).toBe(200); // whoever was refused holds up nobody
});

test("a certificate that has expired is none, whatever the runtime remembers of its session", async () => {
  const { at } = await open({ ...TLS(), tlsClientCaFile: file("ca.pem") });
  const client = { cert: Bun.file(file("client.pem")), key: Bun.file(file("client.key")) };
  expect(await status(at, client)).toBe(200);
  // TLS goes by the system's clock, the port by what it is told: as if the session had begun 40 days ago.
  aheadMs = 40 * 86_400_000;
  expect(await status(at, client)).toBe(0);
  aheadMs = -86_400_000;
  expect(await status(at, client)).toBe(0);
});

test("handshakes that are never made are counted, and are no more than connections may be", async () => {
  const { at } = await open(TLS());
  const held = await Promise.all(Array.from({ length: MAX_ADMIN_CONNECTIONS }, () => Wire.connect(at)));
  const more = await Wire.connect(at);
  await until(() => more.ended !== null);
  for (const wire of [...held, more]) wire.destroy();
  await until(async () => (await status(at)) === 200);
});

test("files that cannot be used stop the start, and are named", async () => {
  await expect(open({ tlsCertFile: file("gone.pem"), tlsKeyFile: file("server.key") })).rejects.toThrow(
    "ADMIN_TLS_CERT_FILE: cannot read",
  );
  await expect(open({ tlsCertFile: file("server.pem"), tlsKeyFile: file("client.key") })).rejects.toThrow(
    "ADMIN_TLS_KEY_FILE",
  );
});

test("where the usual port is taken, a free one is found and said; one that is set must be free", async () => {
  const other: Server = createServer();
  await new Promise<void>((resolve) => other.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port: taken } = other.address() as { port: number };
  try {
    const { port, at, lines } = await open({ port: taken }, "default");
    expect(at).not.toBe(taken);
    expect(port.claimed.port).toBeNull();
    expect(lines.at(-1)).toMatchObject({ level: "warn", port: at, usual_port: taken });
    await expect(open({ port: taken })).rejects.toThrow("it is in use by another process");
  } finally {
    other.close();
  }
});
