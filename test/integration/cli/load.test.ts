/** `neurabalancer load` at a running instance, at a server that is none of ours, and at nobody. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadSummary } from "../../../src/load/summary.ts";
import { createAuthority } from "../../support/certificates.ts";
import { spawn } from "../../support/processes.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";
import { LAUNCHER, neurabalancerBeside, type Outcome } from "./spawn.ts";

interface Seen {
  readonly method: string;
  readonly field: string | null;
  readonly body: string;
}
const seen: Seen[] = [];
const servers = [1, 2].map(() =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/never") return new Promise<Response>(() => {});
      if (pathname === "/broken") return new Response("no", { status: 500 });
      if (pathname === "/echo") {
        seen.push({ method: request.method, field: request.headers.get("x-own"), body: await request.text() });
      }
      return new Response("well");
    },
  }),
);
const pair = createAuthority().issue("DNS:shop.test");
const secure = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: pair, fetch: () => new Response("well") });
const directory = mkdtempSync(join(tmpdir(), "neurabalancer-load-"));
const [alone] = servers;
const origin = `http://127.0.0.1:${alone.port}`;
const instance = new ProductProcess({
  SERVERS: servers.map(({ port }) => `http://127.0.0.1:${port}`).join(","),
  LB_STRATEGY: "round_robin",
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "off",
  WORKERS: "1",
});
beforeAll(async () => {
  await instance.started();
});
afterAll(async () => {
  await Promise.all([instance.kill(), secure.stop(true), ...servers.map((server) => server.stop(true))]);
  rmSync(directory, { recursive: true });
});

const load = (...args: string[]): Promise<Outcome> => neurabalancerBeside(["load", ...args]);

async function summaryOf(...args: string[]): Promise<LoadSummary & { readonly code: number | null }> {
  const { code, stdout } = await load(...args, "--json");
  return { ...JSON.parse(stdout), code };
}

test("so many requests are sent by so many clients, and the instance tells who had them", async () => {
  const summary = await summaryOf(`127.0.0.1:${instance.port}`, "--clients", "5", "--requests", "200");
  expect(summary).toMatchObject({ code: 0, requests: 200, succeeded: 200, failed: 0, statuses: { 200: 200 } });
  expect(summary.bytes).toBe(800);
  expect(summary.servers?.map(({ requests }) => requests)).toEqual([100, 100]);
});

test("at a rate, in words; a line a second says how it goes", async () => {
  const { code, stdout, stderr } = await load(
    `http://127.0.0.1:${instance.port}/`,
    "--rate",
    "50",
    "--duration",
    "2500ms",
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^\d+ requests in \d+\.\d s to http:\/\/127\.0\.0\.1:\d+\/: \d+ succeeded, 0 failed, \d+ a second$/m,
  );
  expect(stdout).toMatch(/server +\d+ % +\d+ requests {2}http:/);
  expect(stderr).toMatch(/^0:0\d {2}\d+ a second {2}p50 /m);
});

test("what is sent is what was said", async () => {
  const file = join(directory, "body");
  writeFileSync(file, "from a file");
  const fields = ["-H", "X-Own: a: b", "--requests", "1"];
  await load(`${origin}/echo`, ...fields, "--body", `@${file}`);
  await load(`${origin}/echo`, ...fields, "--body", "said", "--method", "PUT");
  expect(seen).toEqual([
    { method: "POST", field: "a: b", body: "from a file" },
    { method: "PUT", field: "a: b", body: "said" },
  ]);
});

test("failures have a cause each, and decide by which code it exits", async () => {
  const broken = await summaryOf(`${origin}/broken`, "--requests", "5");
  expect(broken).toMatchObject({ code: 1, succeeded: 0, failures: { "status 500": 5 }, servers: null, p50_ms: null });
  const late = await summaryOf(`${origin}/never`, "--requests", "2", "--timeout", "200ms");
  expect(late).toMatchObject({ code: 1, failures: { "no response in 0.2 s": 2 } });
  const refused = await load("http://127.0.0.1:1/", "--requests", "3", "--clients", "1", "--max-failed", "100");
  expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("failed 3 ×: ECONNREFUSED")]);
});

test("whose certificate nobody signed is failed, unless that is allowed", async () => {
  const url = `https://127.0.0.1:${secure.port}/`;
  expect((await summaryOf(url, "--requests", "1")).succeeded).toBe(0);
  expect((await summaryOf(url, "--requests", "1", "--insecure")).succeeded).toBe(1);
});

test("it asks nobody but the server: no proxy, and nobody whom an answer about servers names", async () => {
  const asked: string[] = [];
  using elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url }) {
      asked.push(url);
      return Response.json([]);
    },
  });
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => (url.endsWith("/servers") ? Response.redirect(elsewhere.url.href) : new Response("well")),
  });
  const proxies = { HTTP_PROXY: elsewhere.url.href, http_proxy: elsewhere.url.href };
  const { code, stdout } = await neurabalancerBeside(["load", server.url.href, "--requests", "2", "--json"], proxies);
  expect([code, JSON.parse(stdout), asked]).toEqual([0, expect.objectContaining({ succeeded: 2, servers: null }), []]);
});

test("whoever never ends what it says of servers is left", async () => {
  let bytes = 0;
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url }) {
      if (!url.endsWith("/servers")) return new Response("well");
      const piece = new Uint8Array(1_000_000).fill(32);
      return new Response(
        new ReadableStream({
          pull(controller) {
            bytes += piece.byteLength;
            controller.enqueue(piece);
          },
        }),
      );
    },
  });
  expect(await summaryOf(server.url.href, "--requests", "1")).toMatchObject({ code: 0, servers: null });
  expect(bytes).toBeLessThan(100_000_000);
});

test("stopped in between, it says what there was, and waits for nobody", async () => {
  const loader = spawn({
    cmd: [LAUNCHER, "load", `${origin}/never`, "--rate", "50", "--timeout", "1h", "--duration", "1h"],
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines: string[] = [];
  const reader = (async () => {
    for await (const chunk of loader.stderr) lines.push(Buffer.from(chunk).toString());
  })();
  await until(() => lines.length > 0);
  loader.kill("SIGINT");
  expect(await new Response(loader.stdout).text()).toContain(": 0 succeeded, 0 failed");
  expect(await loader.exited).toBe(1);
  await reader;
});

test.each([
  [["ftp://127.0.0.1/"], "Expected a URL such as http://127.0.0.1:8080/."],
  [["http://u:p@127.0.0.1/"], "A URL may not hold a password"],
  [["http://127.0.0.1/", "--rate", "0"], "Expected a number from 0.1 to 20000."],
  [["http://127.0.0.1/", "--clients", "257"], "Expected a number from 1 to 256."],
  [["http://127.0.0.1/", "--rate", "5", "--clients", "5"], "cannot be used with option"],
  [["http://127.0.0.1/", "--duration", "soon"], "Expected a duration such as 30s or 5m"],
  [["http://127.0.0.1/", "-H", "no field"], "Expected a field such as 'Accept: text/html'."],
  [["http://127.0.0.1/", "--body", "@/nowhere"], "Cannot read /nowhere (ENOENT)."],
  [["http://127.0.0.1/", "--body", "x", "--method", "GET"], "GET has no body"],
  [["http://127.0.0.1/", "--method", "get"], "Expected the name of a method, such as POST."],
] as const)("%p is refused in words", async (args, words) => {
  const { code, stderr } = await load(...args);
  expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
});
