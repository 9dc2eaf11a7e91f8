/** `neurabalancer healthcheck` at running instances, and at what is none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../support/certificates.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { neurabalancerBeside, type Outcome } from "./spawn.ts";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => new Response("why not", { status: url.endsWith("/well") ? 200 : 503 }),
});
const ORIGIN = `http://127.0.0.1:${server.port}`;
/** Whoever asked a proxy would be refused. */
const PROXIES = {
  HTTP_PROXY: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
};

const plain = new ProductProcess({
  SERVERS: `${ORIGIN}`,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "1",
  HEALTH_CHECK_PATH: "/ill",
  HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
});
const pair = createAuthority().issue("DNS:shop.test");
const directory = mkdtempSync(join(tmpdir(), "neurabalancer-health-"));
const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(directory, name));
writeFileSync(cert, pair.cert);
writeFileSync(key, pair.key);
const secure = new ProductProcess({
  SERVERS: ORIGIN,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  TLS_PORT: "0",
  TLS_CERT_FILE: cert,
  TLS_KEY_FILE: key,
  ADMIN_PORT: "off",
  WORKERS: "1",
  HEALTH_CHECK_ENABLED: "false",
});
beforeAll(async () => {
  await Promise.all([plain.started(), secure.started()]);
});
afterAll(async () => {
  await Promise.all([plain.kill(), secure.kill(), server.stop(true)]);
  rmSync(directory, { recursive: true });
});

const ask = (env: Record<string, string>, args: string[] = [], cwd = "/"): Promise<Outcome> =>
  neurabalancerBeside(["healthcheck", ...args], { ...PROXIES, ...env }, cwd);

test("an instance is alive and has no server that is well", async () => {
  const here = { APP_HOST: "0.0.0.0", APP_PORT: String(plain.port) };
  expect(await ask(here)).toEqual({ code: 0, stdout: "", stderr: "" });
  const ready = await ask(here, ["--ready"]);
  expect([ready.code, ready.stderr]).toEqual([1, expect.stringContaining("/health/ready answers 503: {")]);
});

test("where the public port has the site's own paths, the admin port is asked, whatever port that is", async () => {
  const site = { RESERVED_PATHS: "false", ADMIN_PORT: "auto", APP_PORT: String(plain.port) };
  expect((await ask(site, [], plain.directory)).code).toBe(0);
  const off = await ask({ ...site, ADMIN_PORT: "off" });
  expect([off.code, off.stderr]).toEqual([1, expect.stringContaining("ADMIN_PORT is off: give --url")]);
});

test("where there is TLS alone, the certificate need not be of the address", async () => {
  const file = join(directory, "n.yaml");
  writeFileSync(file, `listeners: [{address: 127.0.0.1, port: ${secure.said("balancing")?.tls_port}, tls: on}]\n`);
  expect(await ask({}, ["--config", file])).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("the other programs are asked where their settings say", async () => {
  const port = String(server.port);
  const answer = `http://127.0.0.1:${port}/health answers 503`;
  const backend = await ask({ BACKEND_HOST: "0.0.0.0", BACKEND_PORT: port }, ["backend"]);
  expect([backend.code, backend.stderr]).toEqual([1, expect.stringContaining(answer)]);
  const models = await ask({ ML_SERVICE_PORT: port }, ["model-server"]);
  expect([models.code, models.stderr]).toEqual([1, expect.stringContaining(answer)]);
  const none = await ask({ BACKEND_PORT: "0" }, ["backend"]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("BACKEND_PORT=0 says of no port")]);
});

test("anything else is asked by its URL; what does not answer, answers wrong or is no URL is said", async () => {
  expect((await ask({}, ["--url", `${ORIGIN}/well`])).code).toBe(0);
  const ill = await ask({}, ["--url", `${ORIGIN}/ill`]);
  expect([ill.code, ill.stderr]).toEqual([1, `neurabalancer: unhealthy: ${ORIGIN}/ill answers 503: why not\n`]);
  const gone = await ask({ APP_PORT: "1" });
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("connection refused")]);
  const wrong = await ask({}, ["--url", "localhost"]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("Expected a URL such as")]);
  const two = await ask({}, ["backend", "--ready"]);
  expect([two.code, two.stderr]).toEqual([1, expect.stringContaining("backend has one health check")]);
  const port = await ask({ APP_PORT: "many" });
  expect([port.code, port.stderr]).toEqual([1, expect.stringContaining("APP_PORT")]);
});

describe("who answers oddly", () => {
  /** Any bytes at all, and then nothing, or on and on. */
  const odd = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, request) {
        const [, path] = request.toString().split(" ");
        if (path === "/endless") {
          socket.write("HTTP/1.1 500 No\r\n\r\n");
          onAndOn(socket);
        }
        if (path === "/stuck") socket.write("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nwhy");
        if (path === "/other") socket.write("HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
        if (path === "/well") {
          socket.write("HTTP/1.1 200 Yes\r\n\r\n");
          onAndOn(socket);
        }
      },
      drain: onAndOn,
    },
  });
  afterAll(() => odd.stop(true));

  function onAndOn(socket: Bun.Socket<undefined>): void {
    while (socket.write("x".repeat(65_536)) > 0);
  }

  test.each([
    ["endless", `answers 500: ${"x".repeat(200)}\n`],
    ["stuck", "answers 503: why\n"],
    ["other", "answers 101: it wants another protocol\n"],
    ["well", ""],
  ])("%s", async (path, said) => {
    const { code, stderr } = await ask({}, ["--url", `http://127.0.0.1:${odd.port}/${path}`]);
    expect([code, stderr]).toEqual([path === "well" ? 0 : 1, expect.stringContaining(said)]);
  });

  test("a password in the URL is not repeated", async () => {
    const { stderr } = await ask({}, ["--url", `http://me:secret@127.0.0.1:${server.port}/ill`]);
    expect(stderr).toContain(`http://me:***@127.0.0.1:${server.port}/ill answers 503`);
  });
});
