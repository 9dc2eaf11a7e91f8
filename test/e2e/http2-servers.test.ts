/** The product in front of nginx as a server of HTTP/2, which allows few streams and ends its connections often. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { run, Scratch } from "../support/processes.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { type Http2Upstream, startNginx } from "./support/servers.ts";
import { HELLO, LARGE, writeSite } from "./support/site.ts";

const UPLOAD_BYTES = 5_000_000;
const CLIENTS = 24;
const REQUESTS = 50;

describeWith(["curl", "nginx"], "nginx over HTTP/2", () => {
  const scratch = new Scratch();
  const root = scratch.file("root");
  let nginx: Http2Upstream | undefined;
  let product: Product;

  beforeAll(async () => {
    writeSite(root);
    nginx = await startNginx(root, scratch);
    product = await Product.start([nginx.http2Url]);
  });

  afterAll(async () => {
    await product?.stop();
    await nginx?.stop();
    scratch.remove();
  });

  test("it is asked in HTTP/2, by its name, and checks agree that it is well", async () => {
    expect((await product.servers()).map(({ alive }) => alive)).toEqual([true]);
    const seen = await (await fetch(`${product.url}/echo?q`, { method: "POST", body: "short" })).text();
    expect(seen).toBe(`POST /echo?q HTTP/2.0 host=127.0.0.1:${product.port} body=short`);
  });

  test("large bodies, both ways", async () => {
    expect(await (await fetch(`${product.url}/large.txt`)).text()).toBe(LARGE);
    const upload = scratch.file("upload.bin");
    writeFileSync(upload, Buffer.alloc(UPLOAD_BYTES, "0123456789abcdef!"));
    for (const more of [[], ["-H", "Transfer-Encoding: chunked"]]) {
      const posted = await run([
        pathOf("curl"),
        "-sS",
        "--max-time",
        "30",
        ...more,
        "--data-binary",
        `@${upload}`,
        `${product.url}/post`,
      ]);
      expect(posted.stderr).toBe("");
      expect(readFileSync(posted.text).equals(readFileSync(upload))).toBe(true);
    }
  });

  test("many at once, over connections that end all the time: every one is answered", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const texts: string[] = [];
        for (let i = 0; i < REQUESTS; i++) {
          const response = await fetch(`${product.url}/hello.txt`);
          texts.push(response.status === 200 ? await response.text() : `status ${response.status}`);
        }
        return texts;
      }),
    );
    expect(new Set(outcomes.flat())).toEqual(new Set([HELLO]));
    expect(product.complaints()).toEqual([]);
  });
});
