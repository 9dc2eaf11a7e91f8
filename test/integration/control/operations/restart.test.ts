/** What operators change lasts over restarts, however the instance ends, until the configuration says something else. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerStatus } from "../../../../src/control/fleet/status.ts";
import { Product } from "../supervisor/product.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-operations-"));
const backends = ["a", "b", "c"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const [a, b, c] = backends.map(({ port }) => `http://127.0.0.1:${port}`);
const products: Product[] = [];

afterAll(async () => {
  await Promise.all([...products.map((one) => one.kill()), ...backends.map((server) => server.stop(true))]);
  rmSync(directory, { recursive: true });
});

const start = async (settings: Readonly<Record<string, string>> = {}): Promise<Product> => {
  const product = new Product({
    SERVERS: `${a},${b}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    DATA_DIR: directory,
    LB_STRATEGY: "round_robin",
    HEALTH_CHECK_INTERVAL_SECONDS: "0.1",
    SLOW_START_SECONDS: "0",
    ...settings,
  });
  products.push(product);
  await product.ready();
  return product;
};
const send = async (product: Product, method: string, path: string, body?: object): Promise<object> => {
  const response = await product.admin(path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as object;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
};
const read = async <T>(product: Product, path: string) => (await (await product.admin(path)).json()) as T;
const servers = async (product: Product) =>
  Object.fromEntries(
    (await read<ServerStatus[]>(product, "/api/v1/servers")).map(({ url, state, weight }) => [url, { state, weight }]),
  );
const overrides = async (product: Product) =>
  (await read<{ overrides: { kind: string; id: string; in_force: boolean }[] }>(product, "/api/v1/overrides"))
    .overrides;

test("every kind is in force again before the first request, also after kill -9; it goes when it is removed", async () => {
  const first = await start();
  const idOf = async (url: string) =>
    (await read<ServerStatus[]>(first, "/api/v1/servers")).find((one) => one.url === url)!.id;
  await send(first, "PATCH", `/api/v1/servers/${await idOf(a)}`, { weight: 3, reason: "a larger machine" });
  await send(first, "PATCH", `/api/v1/servers/${await idOf(b)}`, { state: "maintenance", reason: "new disk" });
  await send(first, "POST", "/api/v1/servers", { url: c });
  await send(first, "PATCH", "/api/v1/settings", { LOG_LEVEL: "debug" });
  await send(first, "PATCH", "/api/v1/pools/default", { strategy: "weighted_round_robin" });
  await first.kill();

  const second = await start();
  expect(await second.names(8)).toEqual({ a: 6, c: 2 }); // from the very first
  expect(await servers(second)).toEqual({
    [a]: { state: "up", weight: 3 },
    [b]: { state: "maintenance", weight: 1 },
    [c]: { state: "up", weight: 1 },
  });
  const { settings } = await read<{ settings: Record<string, { value: string; origin: string }> }>(
    second,
    "/api/v1/status",
  );
  expect(settings.LOG_LEVEL).toMatchObject({ value: "debug" });
  expect(settings.LOG_LEVEL.origin).toStartWith("override by");
  expect((await overrides(second)).map(({ kind }) => kind).sort()).toEqual([
    "server_added",
    "setting",
    "setting",
    "state",
    "weight",
  ]);
  const env = await (await second.admin("/api/v1/overrides?format=env")).text();
  expect(env).toContain("LOG_LEVEL=debug");
  expect(env).toContain(`SERVERS=${a},${b},${c}`);
  const { entries } = await read<{ entries: { reason: string; after: unknown }[] }>(second, "/api/v1/audit");
  expect(entries.map(({ reason }) => reason)).toContain("a larger machine");

  const { removed } = (await send(second, "DELETE", "/api/v1/overrides")) as { removed: object[] };
  expect(removed).toHaveLength(5);
  expect(await servers(second)).toMatchObject({ [a]: { weight: 1 }, [b]: { weight: 1 } });
  await second.end();
}, 120_000);

test("a changed configuration wins over what was set when it said something else, and says so", async () => {
  const first = await start();
  await send(first, "PATCH", "/api/v1/settings", { LOG_LEVEL: "debug", ACCESS_LOG_SAMPLE: 0.5 });
  await first.end();

  const second = await start({ LOG_LEVEL: "trace" });
  const { settings } = await read<{ settings: Record<string, { value: string }> }>(second, "/api/v1/status");
  expect([settings.LOG_LEVEL.value, settings.ACCESS_LOG_SAMPLE.value]).toEqual(["trace", "0.5"]);
  expect(await overrides(second)).toHaveLength(1);
  expect(second.stderr).toContain("LOG_LEVEL");
  const { entries } = await read<{ entries: { actor: string; target: string }[] }>(second, "/api/v1/audit");
  expect(entries[0]).toMatchObject({ actor: "neurabalancer" });
  await second.end();
}, 120_000);

test("what is for this run alone is gone with it", async () => {
  const first = await start();
  await send(first, "PATCH", "/api/v1/settings?keep=false", { LOG_LEVEL: "error" });
  expect((await overrides(first)).some(({ kind }) => kind === "setting")).toBe(true);
  await first.end();
  const second = await start();
  const { settings } = await read<{ settings: Record<string, { value: string }> }>(second, "/api/v1/status");
  expect(settings.LOG_LEVEL.value).toBe("info");
  await second.end();
}, 120_000);
