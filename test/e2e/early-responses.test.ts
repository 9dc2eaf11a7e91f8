/** Clients of every day that are still uploading when they are answered: each learns the status. */
import { afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { ProxySettings, TlsCertificate } from "../../src/protocol/worker.ts";
import { createSelfSigned } from "../support/certificates.ts";
import { run } from "../support/processes.ts";
import { Backend, cleanUp, eventually, type Script, TestProxy } from "../support/proxy-harness.ts";
import { describeWith, pathOf } from "./support/programs.ts";

const MB = 1024 * 1024;
const script = (name: string) => join(import.meta.dir, "support", name);

/** Each prints the status, and nothing when it has none. */
const clients: Record<string, (url: string, bytes: number) => string[]> = {
  "Python's http.client": (url, bytes) => [pathOf("python3"), script("upload.py"), "http", url, `${bytes}`],
  "Python's urllib": (url, bytes) => [pathOf("python3"), script("upload.py"), "urllib", url, `${bytes}`],
  "Node's http": (url, bytes) => [pathOf("node"), "--no-warnings", script("upload.mjs"), "http", url, `${bytes}`],
  "Node's fetch": (url, bytes) => [pathOf("node"), "--no-warnings", script("upload.mjs"), "fetch", url, `${bytes}`],
  // biome-ignore format: a command line
  curl: (url, bytes) => ["sh", "-c",
    `head -c ${bytes} /dev/zero | ${pathOf("curl")} -sSk -m 60 -o /dev/null -w '%{http_code}' -H 'Content-Type:' --data-binary @- ${url}`],
  // biome-ignore format: a command line
  "curl without Expect": (url, bytes) => ["sh", "-c",
    `head -c ${bytes} /dev/zero | ${pathOf("curl")} -sSk -m 60 -o /dev/null -w '%{http_code}' -H Expect: --data-binary @- ${url}`],
};

const REFUSAL = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n";
/** Servers that answer a request when they have read its head. */
const servers: Record<string, Script> = {
  "that leaves its connection open and does not read": async (server) => {
    await server.head();
    server.socket.pause();
    await server.send(`${REFUSAL}\r\nno\n`);
  },
  "that closes without reading": async (server) => {
    await server.head();
    server.socket.pause();
    await server.send(`${REFUSAL}Connection: close\r\n\r\nno\n`);
    server.destroy();
  },
  "that half-closes": async (server) => {
    await server.head();
    await server.send("HTTP/1.1 413 Content Too Large\r\n\r\nno\n");
    server.finish();
  },
  "that answers in chunks and at length": async (server) => {
    await server.head();
    const chunk = `40000\r\n${"x".repeat(0x40000)}\r\n`;
    await server.send("HTTP/1.1 413 Content Too Large\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let i = 0; i < 40; i++) await server.pump(Buffer.from(chunk));
    await server.send("0\r\n\r\n");
  },
};

describeWith(["python3", "node", "curl", "openssl"], "an answer before the end of an upload", () => {
  let certificate: TlsCertificate;
  beforeAll(() => {
    const { cert, key } = createSelfSigned("DNS:localhost");
    certificate = { certPem: cert, keyPem: key, names: ["localhost"] };
  });
  afterEach(cleanUp);

  const doors: Record<string, () => Partial<ProxySettings>> = {
    "our own sockets": () => ({ nativeSockets: true }),
    "the runtime's sockets": () => ({ nativeSockets: false }),
    TLS: () => ({ tls: { port: 0, certificates: [certificate] } }),
    SNI: () => ({ tls: { port: 0, certificates: [certificate, certificate] } }),
  };

  async function upload(client: string, proxy: TestProxy, bytes: number): Promise<string> {
    const url = proxy.tlsPort > 0 ? `https://localhost:${proxy.tlsPort}/` : `http://127.0.0.1:${proxy.port}/`;
    const { code, text, stderr } = await run(clients[client](url, bytes), { deadlineMs: 60_000 });
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    return code === 0 ? text.trim() : `exit code ${code}: ${stderr}`;
  }

  const all = Object.keys(doors).flatMap((door) => Object.keys(clients).map((client) => [client, door] as const));

  test("100 MB are no different", async () => {
    const backend = await Backend.start((server) => server.socket.pause());
    const proxy = new TestProxy([backend], { settings: { maxBodyBytes: MB } });
    expect(await upload("Python's http.client", proxy, 100 * MB)).toBe("413");
  });

  test.each(all)("%s over %s: too large a body", async (client, door) => {
    const backend = await Backend.start((server) => server.socket.pause());
    const proxy = new TestProxy([backend], { settings: { ...doors[door](), maxBodyBytes: MB } });
    expect(await upload(client, proxy, 20 * MB)).toBe("413");
  });

  const some = all.filter(([client]) => client === "Python's http.client" || client === "Node's http");

  test.each(some.flatMap((one) => Object.keys(servers).map((kind) => [...one, kind] as const)))(
    "%s over %s: a server %s",
    async (client, door, kind) => {
      const proxy = new TestProxy([await Backend.start(servers[kind])], { settings: doors[door]() });
      expect(await upload(client, proxy, 20 * MB)).toBe("413");
    },
  );
});
