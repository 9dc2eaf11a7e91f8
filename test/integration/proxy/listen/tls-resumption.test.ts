/**
 * Resumption of TLS sessions. A ticket is good at the worker that gave it: each encrypts with keys of its own, and the
 * runtime offers no way to share them. The second part holds what docs/decisions.md says of that: when it fails, the
 * runtime has learned to take keys, and the supervisor should make them, hand them to all workers and rotate them.
 */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsCertificate } from "../../../../src/protocol/worker.ts";
import { type Certificate, createSelfSigned } from "../../../support/certificates.ts";
import { spawn } from "../../../support/processes.ts";
import { Backend, cleanUp, ok, TestProxy } from "../../../support/proxy-harness.ts";

const VERSIONS = ["tls1_2", "tls1_3"] as const;
const directories: string[] = [];
const children: Bun.Subprocess[] = [];
let one: Certificate;
let other: Certificate;

beforeAll(() => {
  one = createSelfSigned("DNS:one.test");
  other = createSelfSigned("DNS:other.test");
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
  await cleanUp();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "nb-tickets-"));
  directories.push(path);
  return path;
}

/** A handshake and a request by OpenSSL, with the session of `session` or a new one, which is left in `session`. */
async function reused(port: number, version: string, session: string, hasSession: boolean): Promise<boolean> {
  const keep = hasSession ? ["-sess_in", session] : ["-sess_out", session];
  const client = spawn(
    [
      "openssl",
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-servername",
      "one.test",
      `-${version}`,
      "-ign_eof",
      ...keep,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "ignore" },
  );
  children.push(client);
  // Tickets of TLS 1.3 come after the handshake: with the response at the latest. The server closes then.
  client.stdin.write("GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n");
  await client.stdin.flush();
  const text = await new Response(client.stdout).text();
  expect(text).toMatch(/^(New|Reused), /m);
  return /^Reused, /m.test(text);
}

const named = ({ cert, key }: Certificate, name: string): TlsCertificate => ({
  certPem: cert,
  keyPem: key,
  names: [name],
});

describe.each([
  ["one certificate", () => [named(one, "one.test")]],
  ["several certificates", () => [named(one, "one.test"), named(other, "other.test")]],
])("a worker with %s", (_, certificates) => {
  test.each(VERSIONS)("resumes the sessions that it began (%s)", async (version) => {
    const backend = await Backend.answering(() => ok("x"));
    const proxy = new TestProxy([backend], { settings: { tls: { port: 0, certificates: certificates() } } });
    const session = join(directory(), "session.pem");
    expect(await reused(proxy.tlsPort, version, session, false)).toBe(false);
    for (let i = 0; i < 3; i++) expect(await reused(proxy.tlsPort, version, session, true)).toBe(true);
  });
});

/** Listens with the same keys for tickets in every process, as Node.js understands it. */
const SERVER = `
import { createServer } from "node:tls";
import { readFileSync } from "node:fs";
const [kind, certFile, keyFile] = process.argv.slice(-3);
const answer = "HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n";
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile), ticketKeys: Buffer.alloc(48, 7), sessionIdContext: "nb" };
if (kind === "runtime") {
  const socket = { data(socket) { socket.write(answer); socket.end(); } };
  console.log(Bun.listen({ hostname: "127.0.0.1", port: 0, tls, socket }).port);
} else {
  const server = createServer(tls, (socket) => socket.on("error", () => {}).once("data", () => socket.end(answer)));
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}`;

describe.each(["runtime", "node"])("keys for tickets that are given to the sockets of %s", (kind) => {
  test.each(VERSIONS)("are not used: another process knows nothing of its sessions (%s)", async (version) => {
    const path = directory();
    writeFileSync(join(path, "server.mjs"), SERVER);
    writeFileSync(join(path, "cert.pem"), one.cert);
    writeFileSync(join(path, "key.pem"), one.key);
    const ports = await Promise.all(
      [1, 2].map(async () => {
        const files = ["cert.pem", "key.pem"].map((name) => join(path, name));
        const command = [process.execPath, "--no-env-file", join(path, "server.mjs"), kind, ...files];
        const child = spawn(command, { stdout: "pipe", stderr: "inherit" });
        children.push(child);
        const { value } = await child.stdout.getReader().read();
        return Number(new TextDecoder().decode(value));
      }),
    );
    const session = join(path, "session.pem");
    expect(await reused(ports[0], version, session, false)).toBe(false);
    expect(await reused(ports[0], version, session, true)).toBe(true);
    expect(await reused(ports[1], version, session, true)).toBe(false);
  });
});
