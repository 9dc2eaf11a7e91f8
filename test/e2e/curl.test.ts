/** curl through the product, in front of nginx (HTTP/1.1, keep-alive) and Python (HTTP/1.0, until close). */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Daemon, type Outcome, run, Scratch } from "../support/processes.ts";
import { type CertificateFiles, makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startLive, startNginx, startPython, type Upstream } from "./support/servers.ts";
import { HELLO, LARGE, writeSite } from "./support/site.ts";

const FIRST = "first.example.test";
const SECOND = "second.example.test";
const UPLOAD_BYTES = 5_000_000;

/** Runs curl silently, with errors shown. Throws unless it succeeds. */
async function curl(...args: string[]): Promise<Outcome> {
  const outcome = await run([pathOf("curl"), "-sS", "--max-time", "60", ...args], { deadlineMs: 70_000 });
  if (outcome.code !== 0) throw new Error(`curl ${args.join(" ")} ended with ${outcome.code}: ${outcome.stderr}`);
  return outcome;
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

describeWith(["curl", "nginx", "python3", "node", "openssl"], "curl", () => {
  const scratch = new Scratch();
  const root = scratch.file("root");
  const upload = scratch.file("upload.bin");
  let certificates: CertificateFiles;
  let live: Upstream;
  let servers: Upstream[] = [];
  /** In front of nginx. */
  let modern: Product;
  /** In front of Python. */
  let old: Product;
  /** In front of both, in turn. */
  let mixed: Product;

  beforeAll(async () => {
    writeSite(root);
    writeFileSync(upload, crypto.getRandomValues(Buffer.alloc(UPLOAD_BYTES).subarray(0, 65_536)));
    writeFileSync(upload, Buffer.alloc(UPLOAD_BYTES, readFileSync(upload)));
    certificates = makeCertificates(scratch.file("tls"), [FIRST, SECOND]);
    live = await startLive();
    servers = [live];
    const [nginx, python] = await Promise.all([startNginx(root, scratch, live), startPython(root)]);
    servers.push(nginx, python);
    [modern, old, mixed] = await Promise.all([
      Product.start([nginx.url], certificates.settings),
      Product.start([python.url]),
      Product.start([nginx.url, python.url], { LB_STRATEGY: "round_robin" }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([modern, old, mixed].map((product) => product?.stop()));
    await Promise.all(servers.map((server) => server.stop()));
    scratch.remove();
  });

  test("GET from either server", async () => {
    for (const product of [modern, old]) {
      expect((await curl(`${product.url}/hello.txt`)).text).toBe(HELLO);
      expect((await curl(`${product.url}/large.txt`)).text).toBe(LARGE);
    }
  });

  test("HEAD has the length and no body, from either server", async () => {
    for (const product of [modern, old]) {
      const { text } = await curl("-I", `${product.url}/hello.txt`, `${product.url}/hello.txt`);
      expect(text.match(/^HTTP\/1\.1 200/gm)).toHaveLength(2);
      expect(text.match(new RegExp(`^content-length: ${HELLO.length}\r$`, "gim"))).toHaveLength(2);
      expect(text).not.toContain(HELLO);
    }
  });

  test("HTTP/1.0 is answered, and the connection ends", async () => {
    for (const product of [modern, old]) {
      const { text, stderr } = await curl("-v", "--http1.0", `${product.url}/hello.txt`);
      expect(text).toBe(HELLO);
      expect(stderr).toContain("Closing connection");
    }
  });

  test("a POST that expects 100 waits for it and arrives whole", async () => {
    const { text, stderr } = await curl("-v", "--data-binary", `@${upload}`, `${modern.url}/post`);
    expect(stderr).toMatch(/^> Expect: 100-continue/m);
    expect(stderr).toMatch(/^< HTTP\/1\.1 100/m);
    expect(sha256(readFileSync(text))).toBe(sha256(readFileSync(upload)));
  });

  test("a POST that no method allows is refused before its body is sent", async () => {
    const { text, stderr } = await curl("-v", "--data-binary", `@${upload}`, `${modern.url}/hello.txt`);
    expect(stderr).toMatch(/^< HTTP\/1\.1 405/m);
    expect(text).toContain("405 Not Allowed");
    const python = await curl("-w", "%{http_code}", "-o", "/dev/null", "-d", "short", `${old.url}/hello.txt`);
    expect(python.text).toBe("501");
  });

  test("a chunked upload of unknown length", async () => {
    const url = `${modern.url}/up/chunked.bin`;
    const command = [pathOf("curl"), "-sSv", "--max-time", "60", "-T", "-", url];
    const { code, stderr } = await run(command, { input: Bun.file(upload), deadlineMs: 70_000 });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^> Transfer-Encoding: chunked/m);
    expect(stderr).toMatch(/^< HTTP\/1\.1 201/m);
    expect(sha256(readFileSync(`${root}/up/chunked.bin`))).toBe(sha256(readFileSync(upload)));
  });

  test("ranges: 206, several of them, 416; resumption", async () => {
    const url = `${modern.url}/large.txt`;
    expect((await curl("-r", "10-29", url)).text).toBe(LARGE.slice(10, 30));
    expect((await curl("-r", "-7", url)).text).toBe(LARGE.slice(-7));
    const several = await curl("-i", "-r", "0-1,4-5", url);
    expect(several.text).toMatch(/^HTTP\/1\.1 206/);
    expect(several.text).toContain("multipart/byteranges");
    expect((await curl("-w", "%{http_code}", "-o", "/dev/null", "-r", "999999999-", url)).text).toBe("416");
    const partial = scratch.file("partial.txt");
    writeFileSync(partial, LARGE.slice(0, 100_000));
    await curl("-C", "-", "-o", partial, url);
    expect(readFileSync(partial, "utf8")).toBe(LARGE);
  });

  test("conditional requests: 304 without a body, and the connection goes on", async () => {
    const url = `${modern.url}/large.txt`;
    const etag = /^etag: (.*)\r$/im.exec((await curl("-I", url)).text)?.[1] as string;
    const status = ["-w", "%{http_code} %{size_download} %{num_connects}\n", "-o", "/dev/null"];
    const { text } = await curl("-H", `If-None-Match: ${etag}`, ...status, url, ...status, url);
    expect(text).toBe("304 0 1\n304 0 0\n");
  });

  test("compressed answers pass as they are", async () => {
    const url = `${modern.url}/large.txt`;
    expect((await curl("--compressed", url)).text).toBe(LARGE);
    const raw = await curl("-H", "Accept-Encoding: gzip", url);
    expect(raw.stdout.length).toBeLessThan(LARGE.length / 10);
    expect(gunzipSync(raw.stdout).toString()).toBe(LARGE);
  });

  test("many URLs over one connection, answered by both servers in turn", async () => {
    const count = 200;
    const { text, stderr } = await curl(
      ...["-v", "-w", "\n%{num_connects} %header{x-served-by}\n", `${mixed.url}/hello.txt?[1-${count}]`],
    );
    expect(text.split(HELLO)).toHaveLength(count + 1);
    expect(stderr.match(/^\* Connected to/gm)).toHaveLength(1);
    const byNginx = text.match(/^[01] nginx$/gm)?.length;
    expect(byNginx).toBe(count / 2);
  });

  test("parallel transfers from both servers", async () => {
    const args = ["-Z", "--parallel-max", "20", "-w", "%{http_code} %{size_download}\n", "-o", "/dev/null"];
    const { text } = await curl(...args, `${mixed.url}/large.txt?[1-100]`);
    expect(text.trim().split("\n")).toEqual(Array(100).fill(`200 ${LARGE.length}`));
  });

  test("a chunked answer arrives piece by piece", async () => {
    const reader = new Daemon([pathOf("curl"), "-sSN", `${modern.url}/live/held`]);
    try {
      // The rest is not made before this was read.
      await reader.says(({ stdout }) => stdout === "begun\n");
      await fetch(`${live.url}/release`);
      expect(await reader.process.exited).toBe(0);
      expect(await reader.says(({ stdout }) => stdout.includes("ended") && stdout)).toBe("begun\nended\n");
    } finally {
      await reader.stop();
    }
  });

  test("HTTPS: each name gets its certificate", async () => {
    for (const name of [FIRST, SECOND]) {
      const url = `https://${name}:${modern.tlsPort}/hello.txt`;
      const resolve = ["--cacert", certificates.caFile, "--resolve", `${name}:${modern.tlsPort}:127.0.0.1`];
      for (const version of [["--tls-max", "1.2"], ["--tlsv1.3"]]) {
        const { text, stderr } = await curl("-v", ...version, ...resolve, url, url);
        expect(text).toBe(HELLO + HELLO);
        expect(stderr).toContain(`subjectAltName: host "${name}" matched`);
        expect(stderr).toContain(`SSL connection using TLSv${version.at(-1) === "1.2" ? "1.2" : "1.3"}`);
      }
    }
  });

  test("HTTPS: large bodies both ways", async () => {
    const to = ["--cacert", certificates.caFile, "--resolve", `${SECOND}:${modern.tlsPort}:127.0.0.1`];
    const url = `https://${SECOND}:${modern.tlsPort}`;
    const posted = await curl(...to, "--data-binary", `@${upload}`, `${url}/post`);
    expect(sha256(readFileSync(posted.text))).toBe(sha256(readFileSync(upload)));
    await curl(...to, "-T", upload, `${url}/up/tls.bin`);
    expect(sha256((await curl(...to, `${url}/up/tls.bin`)).stdout)).toBe(sha256(readFileSync(upload)));
  });

  test("path, query and Host reach the server as they were given", async () => {
    const target = "/echo?a=%2F..%2f&b=%41+;c=/../x&d=//~!";
    const { text } = await curl("--path-as-is", "-H", "Host: Shop.Example:81", "-d", "x=1&y=2", modern.url + target);
    expect(text).toBe(`POST ${target} HTTP/1.1 host=Shop.Example:81 body=x=1&y=2`);
    const prefixed = await curl(`${modern.url}/api/v1/request/echo?q=1`);
    expect(prefixed.text).toStartWith("GET /echo?q=1 HTTP/1.1 ");
  });

  test("nothing of it made the product complain", () => {
    for (const product of [modern, old, mixed]) expect(product.complaints()).toEqual([]);
  });
});
