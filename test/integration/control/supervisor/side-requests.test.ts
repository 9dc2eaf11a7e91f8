/** The product with a file whose routes ask an auth server and mirror: what each server gets, and what is told of it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, until } from "../../../support/until.ts";
import { Product } from "./product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-side-"));
const file = join(directory, "neurabalancer.yaml");
const mirrored: string[] = [];

const serve = (fetch: (request: Request) => Response) => Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
const servers = {
  shop: serve((request) => new Response(`shop for ${request.headers.get("x-user")}`)),
  canary: serve((request) => {
    mirrored.push(new URL(request.url).pathname);
    return new Response("gone", { status: 410 });
  }),
  auth: serve((request) => {
    const known = request.headers.get("authorization") === "Bearer ann";
    return known
      ? new Response(null, { headers: { "x-user": "ann" } })
      : new Response("who are you?", { status: 401, headers: { "www-authenticate": "Bearer" } });
  }),
};
const pool = (name: keyof typeof servers) => `  ${name}: {servers: ["http://127.0.0.1:${servers[name].port}"]}`;
writeFileSync(
  file,
  `pools:\n${pool("shop")}\n${pool("canary")}\n${pool("auth")}\n` +
    "routes:\n" +
    "  - name: site\n    pool: shop\n    mirror: {pool: canary}\n" +
    "    forward_auth: {pool: auth, path: /verify, response_headers: x-user}\n",
);

const product = new Product({
  CONFIG_FILE: file,
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_PATH: "/health",
});

beforeAll(() => product.ready());
afterAll(async () => {
  await product.kill();
  await Promise.all(Object.values(servers).map((server) => server.stop(true)));
  rmSync(directory, { recursive: true });
});

const ask = (authorization: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${product.port}/cart`, { headers: { authorization, "x-user": "root" }, keepalive: false });

test("who may pass does, with what the auth server says, and is mirrored; who may not gets its answer", async () => {
  const denied = await ask("Bearer eve");
  expect([denied.status, denied.headers.get("www-authenticate"), await denied.text()]).toEqual([
    401,
    "Bearer",
    "who are you?",
  ]);
  for (let i = 0; i < 20; i++) {
    const allowed = await ask("Bearer ann");
    expect([allowed.status, await allowed.text()]).toEqual([200, "shop for ann"]);
  }
  await until(() => mirrored.filter((path) => path === "/cart").length === 20);
});

test("metrics compare the mirror with the route's own pool, over all workers", async () => {
  const metric = (pattern: RegExp) => product.metric(pattern);
  await until(async () => (await metric(/^neurabalancer_mirror_statuses_total\{.*status="different"/)) === 20);
  const completed = /^neurabalancer_mirrored_requests_total\{route="site",pool="canary",result="completed"/;
  await eventually(async () => expect(await metric(completed)).toBe(20));
  for (const side of ["primary", "mirror"]) {
    const count = new RegExp(`^neurabalancer_mirror_response_duration_seconds_count\\{.*side="${side}"`);
    await eventually(async () => expect(await metric(count)).toBe(20));
  }
});
