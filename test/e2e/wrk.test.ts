/** wrk against the product in front of nginx: bounded runs, every response counted on both sides. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { run, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startNginx, type Upstream } from "./support/servers.ts";
import { HELLO, LARGE, writeSite } from "./support/site.ts";

const CONNECTIONS = 32;

/** What wrk reports at its end. */
interface Summary {
  readonly requests: number;
  readonly bytes: number;
  readonly errors: { connect: number; read: number; write: number; status: number; timeout: number };
}

const REPORT = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"bytes":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    summary.requests, summary.bytes, e.connect, e.read, e.write, e.status, e.timeout))
end
`;
const NO_ERRORS = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };

describeWith(["wrk", "nginx", "openssl"], "wrk", () => {
  const scratch = new Scratch();
  const script = scratch.file("report.lua");
  let nginx: Upstream;
  let product: Product;

  beforeAll(async () => {
    writeFileSync(script, REPORT);
    writeSite(scratch.file("root"));
    nginx = await startNginx(scratch.file("root"), scratch);
    const { settings } = makeCertificates(scratch.file("tls"), ["a.example.test", "b.example.test"]);
    product = await Product.start([nginx.url], settings);
  });

  afterAll(async () => {
    await product?.stop();
    await nginx?.stop();
    scratch.remove();
  });

  async function load(url: string): Promise<Summary> {
    const args = ["-t", "1", "-c", String(CONNECTIONS), "-d", "2s", "--timeout", "60s", "-s", script, url];
    const { code, text, stderr } = await run([pathOf("wrk"), ...args]);
    if (code !== 0) throw new Error(`wrk ended with ${code}: ${stderr}${text}`);
    return JSON.parse(text.slice(text.lastIndexOf("\n{")));
  }

  for (const [name, path, body, secure] of [
    ["small answers", "/hello.txt", HELLO, false],
    ["large answers", "/large.txt", LARGE, false],
    ["small answers over HTTPS", "/hello.txt", HELLO, true],
  ] as const) {
    test(`${name}: no error, and both sides count the same`, async () => {
      const answered = () => product.metric(/^neurabalancer_http_requests_total\{.*path="\/\*".*status="200"/);
      const before = await answered();
      const origin = secure ? `https://127.0.0.1:${product.tlsPort}` : product.url;
      const { requests, bytes, errors } = await load(origin + path);
      expect(errors).toEqual(NO_ERRORS);
      expect(requests).toBeGreaterThan(100);
      expect(bytes).toBeGreaterThanOrEqual(requests * body.length);

      // wrk leaves without reading the last response of each connection.
      await until(async () => (await product.servers()).every(({ active_connections }) => active_connections === 0));
      // What was answered is counted a moment later.
      await until(async () => (await answered()) - before >= requests);
      const counted = (await answered()) - before;
      expect(counted).toBeLessThanOrEqual(requests + CONNECTIONS);
    });
  }

  test("nothing is left behind", async () => {
    // The connection that asks is open itself.
    await until(async () => (await product.metric(/^neurabalancer_connections_open /)) <= 2);
    expect(await product.metric(/^neurabalancer_http_requests_total\{.*status="5/)).toBe(0);
    expect(product.complaints()).toEqual([]);
  });
});
