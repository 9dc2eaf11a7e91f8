/** curl over HTTP/2 through the product, in front of nginx, which speaks HTTP/1.1. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon, type Outcome, run, Scratch } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { type CertificateFiles, makeCertificates } from "../support/certificates.ts";
import { Product } from "../support/product.ts";
import { describeWith, pathOf } from "../support/programs.ts";
import { startLive, startNginx, type Upstream } from "../support/servers.ts";
import { HELLO, LARGE, writeSite } from "../support/site.ts";

const HOST = "shop.example.test";
const UPLOAD_BYTES = 3_000_000;
/** Tells the version that was spoken. */
const VERSION = ["-w", "\n%{http_version} %{http_code}"];

/** Runs curl silently, with errors shown. Throws unless it succeeds. */
async function curl(...args: string[]): Promise<Outcome> {
  const outcome = await run([pathOf("curl"), "-sS", "--max-time", "60", ...args], { deadlineMs: 70_000 });
  if (outcome.code !== 0) throw new Error(`curl ${args.join(" ")} ended with ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}

describeWith(["curl", "nginx", "node", "openssl"], "curl over HTTP/2", () => {
  const scratch = new Scratch();
  const root = scratch.file("root");
  const upload = scratch.file("upload.bin");
  let certificates: CertificateFiles;
  let servers: Upstream[] = [];
  let product: Product;
  /** The two ways to HTTP/2: what comes before the path, and the options for it. */
  let ways: readonly { readonly url: string; readonly args: readonly string[] }[];

  beforeAll(async () => {
    writeSite(root);
    writeFileSync(upload, Buffer.alloc(UPLOAD_BYTES, crypto.getRandomValues(Buffer.alloc(65_521))));
    certificates = makeCertificates(scratch.file("tls"), [HOST, "other.example.test"]);
    const live = await startLive();
    servers = [live, await startNginx(root, scratch, live)];
    product = await Product.start([servers[1].url], certificates.settings);
    const resolve = ["--resolve", `${HOST}:${product.tlsPort}:127.0.0.1`];
    ways = [
      { url: product.url, args: ["--http2-prior-knowledge"] },
      { url: `https://${HOST}:${product.tlsPort}`, args: ["--http2", "--cacert", certificates.caFile, ...resolve] },
    ];
  });

  afterAll(async () => {
    await product?.stop();
    await Promise.all(servers.map((server) => server.stop()));
    scratch.remove();
  });

  test("GET and HEAD, small and large", async () => {
    for (const { url, args } of ways) {
      expect((await curl(...args, ...VERSION, `${url}/hello.txt`)).text).toBe(`${HELLO}\n2 200`);
      expect((await curl(...args, ...VERSION, `${url}/large.txt`)).text).toBe(`${LARGE}\n2 200`);
      const head = (await curl(...args, "-I", `${url}/hello.txt`)).text;
      expect(head).toStartWith("HTTP/2 200 ");
      expect(head).toMatch(new RegExp(`^content-length: ${HELLO.length}\r$`, "m"));
      expect(head).not.toMatch(/^(connection|keep-alive|transfer-encoding):/im);
    }
  });

  test("an upload arrives as it was, of known and of unknown length", async () => {
    for (const [index, { url, args }] of ways.entries()) {
      const known = await curl(...args, ...VERSION, "-T", upload, `${url}/up/known-${index}`);
      expect(known.text).toEndWith("\n2 201");
      // From a pipe: nobody knows how long it is.
      const pipe = [...args, ...VERSION, "-X", "PUT", "-T", "-", `${url}/up/unknown-${index}`];
      const unknown = await run([pathOf("curl"), "-sS", ...pipe], { input: Bun.file(upload), deadlineMs: 70_000 });
      expect([unknown.code, unknown.text, unknown.stderr]).toEqual([0, expect.stringMatching(/\n2 201$/), ""]);
      for (const name of ["known", "unknown"]) {
        expect(readFileSync(join(root, `up/${name}-${index}`)).equals(readFileSync(upload))).toBe(true);
      }
    }
  });

  test("many requests at once share a connection, and each gets its own response", async () => {
    // In clear this version of curl can't do it, whatever the server: it fails when it takes up a second request.
    const [, { url, args }] = ways;
    const files = Array.from({ length: 40 }, (_, i) => scratch.file(`parallel-${i}`));
    const targets = files.flatMap((file, i) => ["-o", file, `${url}/${i % 2 === 0 ? "hello" : "large"}.txt`]);
    const { stderr } = await curl(...args, "-v", "--parallel", "--parallel-max", "20", ...targets);
    for (const [i, file] of files.entries()) expect(readFileSync(file, "utf8")).toBe(i % 2 === 0 ? HELLO : LARGE);
    expect(stderr.match(/Using Stream ID/g)).toHaveLength(40);
    expect(stderr.match(/\* Connected to/g)).toHaveLength(1);
  });

  test("what the server gets is a request of HTTP/1.1 like any other", async () => {
    for (const { url, args } of ways) {
      const { text } = await curl(...args, "-d", "posted", `${url}/echo?a=b`);
      const host = new URL(url).host;
      expect(text).toBe(`POST /echo?a=b HTTP/1.1 host=${host} body=posted`);
    }
  });

  test("an event stream comes as it is made, and ends with its reader", async () => {
    const { url, args } = ways[1];
    const reader = new Daemon([pathOf("curl"), "-sS", "-N", ...args, `${url}/live/events`]);
    try {
      await reader.says(({ stdout }) => stdout.includes("data: event 4"));
    } finally {
      await reader.stop();
    }
    await until(async () => (await product.servers()).every(({ active_connections }) => active_connections === 0));
  });

  test("a client that speaks HTTP/1.1 goes on speaking it, also where it would have liked another", async () => {
    expect((await curl("--http2", ...VERSION, `${product.url}/hello.txt`)).text).toBe(`${HELLO}\n1.1 200`);
    const [, tls] = ways;
    const args = tls.args.filter((arg) => arg !== "--http2");
    expect((await curl("--http1.1", ...args, ...VERSION, `${tls.url}/hello.txt`)).text).toBe(`${HELLO}\n1.1 200`);
  });

  test("what is refused is said in the words of HTTP/2", async () => {
    for (const { url, args } of ways) {
      expect((await curl(...args, "-o", "/dev/null", ...VERSION, `${url}/nothing-here`)).text).toEndWith("2 404");
      const large = `x-large: ${"a".repeat(20_000)}`;
      const outcome = await run([pathOf("curl"), "-sS", ...args, ...VERSION, "-H", large, "-H", large, `${url}/`]);
      expect(outcome.text).toEndWith("2 431");
      // The connection serves others.
      expect((await curl(...args, ...VERSION, `${url}/hello.txt`)).text).toBe(`${HELLO}\n2 200`);
    }
  });

  test("nothing was wrong", () => {
    expect(product.complaints()).toEqual([]);
    expect(existsSync(upload)).toBe(true);
  });
});
