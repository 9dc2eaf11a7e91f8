/** Listeners of the file, in the real product: all workers share them, and a second instance gets none of them. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../../support/certificates.ts";
import { until } from "../../../support/until.ts";
import { Product } from "./product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-listeners-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

interface Listener {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

test("plain and TLS, IPv4 and IPv6: each worker serves all, and they outlive a reload that wants others", async () => {
  const { cert, key } = createAuthority().issue("DNS:shop.test");
  const backend = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => new Response(request.headers.get("x-forwarded-proto")),
  });
  const listeners = (last: string) => `
servers: [http://127.0.0.1:${backend.port}]
tls:
  cert_files: [${write("shop.crt", cert)}]
  key_files: [${write("shop.key", key)}]
listeners:
  - { address: 127.0.0.1, port: 0 }
  - { address: "::1", port: 0 }
  - { address: 127.0.0.2, port: 0, tls: on }
${last}`;
  const file = write("neurabalancer.yaml", listeners('  - { address: "::1", port: 0, tls: on }'));
  const product = new Product({ CONFIG_FILE: file, WORKERS: "2", ADMIN_PORT: "auto", METRICS_POLL_ENABLED: "false" });
  try {
    await product.ready();
    const status = (await (await product.admin("/api/v1/status")).json()) as {
      listeners: Listener[];
      ports: { port: number; tlsPort: number };
    };
    const found = status.listeners;
    expect(found.map(({ host, tls }) => `${host} ${tls}`)).toEqual([
      "127.0.0.1 false",
      "::1 false",
      "127.0.0.2 true",
      "::1 true",
    ]);
    expect(status.ports).toEqual({ port: found[0].port, tlsPort: found[2].port });
    const ask = async ({ host, port, tls }: Listener) => {
      const url = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}/`;
      return (await fetch(url, { keepalive: false, tls: { rejectUnauthorized: false } })).text();
    };
    const schemes = ["http", "http", "https", "https"];
    for (let i = 0; i < 6; i++) expect(await Promise.all(found.map(ask))).toEqual(schemes);

    write("neurabalancer.yaml", listeners(""));
    product.process.kill("SIGHUP");
    await until(() => product.lines.some(({ msg }) => msg === "a restart is needed to change listeners"));
    expect(await Promise.all(found.map(ask))).toEqual(schemes);

    const taken = `listeners: [{ address: 127.0.0.1, port: 0 }, { address: "::1", port: ${found[1].port} }]`;
    const second = new Product({
      CONFIG_FILE: write("second.yaml", `servers: [http://127.0.0.1:${backend.port}]\n${taken}\n`),
      ADMIN_PORT: "0",
    });
    try {
      await second.ended();
      expect(second.lines.map(({ msg }) => msg).join("\n")).toContain(
        `cannot listen on listeners[1].address=::1 listeners[1].port=${found[1].port}`,
      );
    } finally {
      await second.kill();
    }
  } finally {
    await product.kill();
    await backend.stop(true);
  }
});
