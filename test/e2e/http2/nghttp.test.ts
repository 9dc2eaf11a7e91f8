/** nghttp and h2load, of the library that most servers and clients are made of. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { run, Scratch } from "../../support/processes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { Product } from "../support/product.ts";
import { describeWith, pathOf } from "../support/programs.ts";

const BODY = "b".repeat(100_000);

describeWith(["nghttp", "h2load", "openssl"], "nghttp2's clients", () => {
  const scratch = new Scratch();
  let server: Bun.Server<undefined>;
  let product: Product;
  let urls: readonly string[];

  beforeAll(async () => {
    writeFileSync(scratch.file("upload"), BODY);
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        const { length } = await request.bytes();
        const path = new URL(request.url).pathname;
        return new Response(path === "/large" ? BODY : `${path} ${length} ${request.headers.get("x-token")}`);
      },
    });
    const { settings } = makeCertificates(scratch.file("tls"), ["localhost", "other.example.test"]);
    product = await Product.start([`http://127.0.0.1:${server.port}`], settings);
    urls = [product.url, `https://127.0.0.1:${product.tlsPort}`];
  });

  afterAll(async () => {
    await product?.stop();
    await server?.stop(true);
    scratch.remove();
  });

  async function nghttp(...args: string[]): Promise<string> {
    const { code, text, stderr } = await run([pathOf("nghttp"), ...args], { deadlineMs: 60_000 });
    if (code !== 0) throw new Error(`nghttp ${args.join(" ")} ended with ${code}: ${stderr}${text}`);
    return text;
  }

  test.each([
    ["as it is", []],
    ["with padding", ["--padding=255"]],
    ["with windows of a few bytes", ["--window-bits=1", "--connection-window-bits=1"]],
    ["with a table of size 0", ["--header-table-size=0"]],
    ["with a table that shrinks and grows", ["--header-table-size=0", "--header-table-size=8192"]],
    ["with an encoder whose table is small", ["--encoder-header-table-size=40"]],
    ["without priorities", ["--no-dep"]],
  ])("a response comes whole: %s", async (_, args) => {
    for (const url of urls) {
      expect(await nghttp(...args, "-H", "x-token: a", `${url}/small`)).toBe("/small 0 a");
      expect(await nghttp(...args, `${url}/large`)).toBe(BODY);
    }
  });

  test("bodies arrive, with padding, behind an expectation and before trailers", async () => {
    for (const url of urls) {
      for (const more of [
        [],
        ["--padding=200"],
        ["--expect-continue"],
        ["--trailer=x-sum: 1"],
        ["--no-content-length"],
      ]) {
        const text = await nghttp(`--data=${scratch.file("upload")}`, ...more, `${url}/up`);
        expect(text).toBe(`/up ${BODY.length} null`);
      }
    }
  });

  test("many streams at once: every response is complete", async () => {
    for (const url of urls) {
      const args = ["-n", "3000", "-c", "8", "-m", "40", `${url}/large`];
      const { code, text, stderr } = await run([pathOf("h2load"), ...args], { deadlineMs: 110_000 });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(text).toContain("3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout");
      expect(text).toContain("status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx");
      expect(Number(/\((\d+)\) data/.exec(text)?.[1])).toBe(3000 * BODY.length);
    }
  });

  test("the product has nothing to complain of", () => {
    expect(product.complaints()).toEqual([]);
  });
});
