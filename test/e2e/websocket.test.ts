/** The `ws` client and the `ws` server, both under Node.js, with the product between them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { run, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { type CertificateFiles, makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { type LiveServer, startLive } from "./support/servers.ts";

describeWith(["node", "openssl"], "WebSocket", () => {
  const scratch = new Scratch();
  let certificates: CertificateFiles;
  let live: LiveServer;
  let product: Product;

  beforeAll(async () => {
    certificates = makeCertificates(scratch.file("tls"), ["localhost", "other.example.test"]);
    live = await startLive();
    product = await Product.start([live.url], certificates.settings);
  });

  afterAll(async () => {
    await product?.stop();
    await live?.stop();
    scratch.remove();
  });

  for (const scheme of ["ws", "wss"] as const) {
    test(`${scheme}: messages of all sizes, ping and both sides' close`, async () => {
      const url = `${scheme}://127.0.0.1:${scheme === "ws" ? product.port : product.tlsPort}/socket`;
      const client = join(import.meta.dir, "support/websocket-client.mjs");
      const trusted = scheme === "wss" ? [certificates.caFile] : [];
      const { code, text, stderr } = await run([pathOf("node"), client, url, ...trusted]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const echoed = { text: true, empty: true, large: true, burst: true };
      expect(JSON.parse(text)).toEqual({ ...echoed, pong: "are you there", close: 4321 });
    });
  }

  test("the server saw the clients close, and no tunnel is left", async () => {
    await until(() => live.output().match(/^closed 4321 good bye$/gm)?.length === 2);
    await until(async () => (await product.metric(/^neurabalancer_tunnels_open /)) === 0);
    expect(await product.metric(/^neurabalancer_tunnels_total /)).toBe(2);
    expect(product.complaints()).toEqual([]);
  });
});
