/**
 * Streams that share a connection, and requests that share connections to servers, never see each other's bytes: a token of its
 * own is in every part of every request and response, while others are cancelled, break off, or are read slowly.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Daemon, run, Scratch } from "../../support/processes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { Product } from "../support/product.ts";
import { describeWith, pathOf } from "../support/programs.ts";

const CONNECTIONS = 4;
const REQUESTS = 300;

for (const protocol of ["http", "h2c"] as const) {
  describeWith(["node", "openssl"], `tokens, of servers that speak ${protocol}`, () => {
    const scratch = new Scratch();
    let servers: Daemon[] = [];
    let product: Product;

    beforeAll(async () => {
      const program = join(import.meta.dir, "tokens-server.mjs");
      servers = [1, 2].map(() => new Daemon([pathOf("node"), program, protocol]));
      const ports = servers.map((server) => server.says(({ stdout }) => /port (\d+)/.exec(stdout)?.[1]));
      const urls = (await Promise.all(ports)).map((port) => `${protocol}://127.0.0.1:${port}`);
      const { settings } = makeCertificates(scratch.file("tls"), ["localhost", "other.example.test"]);
      // Responses that break off must not take the servers away.
      const calm = { LB_STRATEGY: "round_robin", OUTLIER_EJECTION: "off" };
      product = await Product.start(urls, { ...settings, ...calm });
    });

    afterAll(async () => {
      await product?.stop();
      await Promise.all(servers.map((server) => server.stop()));
      scratch.remove();
    });

    for (const [index, scheme] of ["http", "https"].entries()) {
      test(`every byte is of the request that it comes for, over ${scheme}`, async () => {
        const port = scheme === "http" ? product.port : product.tlsPort;
        const client = [pathOf("node"), join(import.meta.dir, "tokens-client.mjs"), `${scheme}://127.0.0.1:${port}`];
        const command = [...client, `${CONNECTIONS}`, `${REQUESTS}`, `${index + 1}`];
        const { code, text, stderr } = await run(command, { deadlineMs: 110_000 });
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        const { counts, wrong } = JSON.parse(text);
        expect(wrong).toEqual([]);
        const { whole, cut, cancelled, refused } = counts;
        expect(whole + cut + cancelled + refused).toBe(CONNECTIONS * REQUESTS);
        // All of it happened, and nearly nothing else.
        expect(whole).toBeGreaterThan(CONNECTIONS * REQUESTS * 0.5);
        expect(cut).toBeGreaterThan(CONNECTIONS * REQUESTS * 0.08);
        expect(cancelled).toBeGreaterThan(CONNECTIONS * REQUESTS * 0.1);
      });
    }
  });
}
