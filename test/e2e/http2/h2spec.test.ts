/**
 * h2spec: what RFC 9113 and RFC 7541 ask of a server, case by case, by a program that nobody here wrote. It is built where Go is
 * at hand (`npm run build:h2spec`); where it was not built, there is nothing to test with.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run, Scratch } from "../../support/processes.ts";
import { makeCertificates } from "../support/certificates.ts";
import { Product } from "../support/product.ts";

const PROGRAM = join(import.meta.dir, "../../../node_modules/.cache/h2spec");
/** All cases of this version, also those about what may be done otherwise (`--strict`). */
const CASES = 146;
/** How long a case waits for what ought to come, seconds: reached only by one that fails. */
const CASE_SECONDS = "20";
/**
 * In clear a connection that does not begin as one of HTTP/2 is one of HTTP/1.1, and is answered in that: h2spec takes only
 * frames for an answer. Over TLS both ends have agreed on HTTP/2.
 */
const ONLY_OVER_TLS = ["http2/3.5: Sends invalid connection preface"];

interface Report {
  readonly cases: number;
  readonly failed: readonly string[];
}

describe.skipIf(!existsSync(PROGRAM))("h2spec", () => {
  const scratch = new Scratch();
  let server: Bun.Server<undefined>;
  let product: Product;

  beforeAll(async () => {
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      // It has taken the request before it answers, and windows of a few bytes have something to hold up.
      fetch: async (request) => new Response(`${"x".repeat(200)}${(await request.bytes()).length}`),
    });
    const { settings } = makeCertificates(scratch.file("tls"), ["localhost", "other.example.test"]);
    product = await Product.start([`http://127.0.0.1:${server.port}`], settings);
  });

  afterAll(async () => {
    await product?.stop();
    await server?.stop(true);
    scratch.remove();
  });

  async function report(name: string, ...args: string[]): Promise<Report> {
    const file = scratch.file(`${name}.xml`);
    const options = ["--host", "127.0.0.1", "--strict", "--timeout", CASE_SECONDS, "--junit-report", file];
    const { text, stderr } = await run([PROGRAM, ...options, ...args], { deadlineMs: 110_000 });
    if (!existsSync(file)) throw new Error(`h2spec wrote no report: ${text}${stderr}`);
    const xml = readFileSync(file, "utf8");
    const cases = [...xml.matchAll(/<testcase ([^>]*)>(.*?)<\/testcase>/gs)];
    const failed = cases.filter(([, , body]) => /<(failure|error|skipped)/.test(body));
    return { cases: cases.length, failed: failed.map(([, attributes]) => nameOf(attributes)) };
  }

  /** The section and the case. */
  function nameOf(attributes: string): string {
    const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
    return `${of("package")}: ${of("classname")}`;
  }

  test("every case over TLS", async () => {
    expect(await report("tls", "--port", `${product.tlsPort}`, "--tls", "--insecure")).toEqual({
      cases: CASES,
      failed: [],
    });
  });

  test("every case in clear, by prior knowledge", async () => {
    expect(await report("clear", "--port", `${product.port}`)).toEqual({ cases: CASES, failed: ONLY_OVER_TLS });
  });

  test("the product has nothing to complain of", () => {
    expect(product.complaints()).toEqual([]);
  });
});
