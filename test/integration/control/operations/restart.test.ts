/** What operators set, over restarts of the product: in force before the first request, until the configuration changes. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../support/until.ts";
import { Product } from "../supervisor/product.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-overrides-"));
const backends = ["a", "b", "c"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const [a, b, c] = backends.map(({ port }) => `http://127.0.0.1:${port}`);
const file = join(directory, "neurabalancer.yaml");
const running: Product[] = [];
afterAll(async () => {
  await Promise.all(running.map((product) => product.kill()));
  await Promise.all(backends.map((server) => server.stop(true)));
  rmSync(directory, { recursive: true, force: true });
});

function configure(strategy: string): void {
  writeFileSync(
    file,
    `balancing: {strategy: ${strategy}}\npools:\n  main: {servers: [${a}, ${b}]}\n  next: {servers: [${c}]}\nroutes:\n  - {name: all, path: /, pool: main}\n  - {name: other, path: /other, pool: main}\n  - {name: trial, path: /trial, pool: main}\n`,
  );
}

async function start(): Promise<Product> {
  const product = new Product({
    CONFIG_FILE: file,
    DATA_DIR: join(directory, "data"),
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    HEALTH_CHECK_INTERVAL_SECONDS: "0.2",
  });
  running.push(product);
  await product.ready();
  return product;
}

async function send(product: Product, method: string, path: string, body?: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return product.admin(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

async function overrides(product: Product): Promise<{ kind: string; id: string; in_force: boolean }[]> {
  const response = await product.admin("/api/v1/overrides");
  return ((await response.json()) as { overrides: { kind: string; id: string; in_force: boolean }[] }).overrides;
}

async function serverId(product: Product, url: string): Promise<number> {
  const servers = (await (await product.admin("/api/v1/servers")).json()) as { id: number; url: string }[];
  return servers.find((server) => server.url === url)!.id;
}

interface ToldEvent {
  readonly kind: string;
  readonly actor: string;
}

test("every kind is in force after a kill; a changed configuration wins, at a restart and at a reload", async () => {
  configure("round_robin");
  const first = await start();
  const answers = [
    await send(first, "PATCH", `/api/v1/servers/${await serverId(first, a)}`, { state: "drain", reason: "disk" }),
    await send(first, "PATCH", `/api/v1/servers/${await serverId(first, b)}`, { weight: 3, capacity: 50 }),
    await send(first, "PATCH", "/api/v1/pools/main", { strategy: "p2c" }),
    await send(first, "PATCH", "/api/v1/settings", { ACCESS_LOG_SAMPLE: 0.5 }),
    await send(first, "PATCH", "/api/v1/routes/other", { split: { next: 1 } }),
    await send(first, "POST", "/api/v1/routes/trial/canary", { pool: "next" }),
    await send(first, "POST", "/api/v1/servers", { pool: "next", url: a }),
    await send(first, "DELETE", `/api/v1/servers/${await serverId(first, c)}`),
  ];
  expect(answers.map(({ ok }) => ok)).toEqual(answers.map(() => true));
  const made = await overrides(first);
  expect(made.map(({ kind }) => kind).sort()).toEqual(
    ["canary", "capacity", "server_added", "server_removed", "setting", "setting", "split", "state", "weight"].sort(),
  );
  const { events } = (await (await first.admin("/api/v1/timeline?kind=change,server_added,server_removed")).json()) as {
    events: ToldEvent[];
  };
  expect(events.map(({ kind }) => kind)).toContain("server_added");
  for (const { actor } of events) expect(actor).toBe("admin API (127.0.0.1)");
  first.process.kill("SIGKILL");
  await first.process.exited;

  const second = await start();
  expect(await overrides(second)).toEqual(made);
  expect(await second.names(20)).toEqual({ b: 20 }); // a is drained, from the first request on
  expect(await (await second.get("/other")).text()).toBe("a"); // split to next, which has a instead of c
  const status = (await (await second.admin("/api/v1/status")).json()) as {
    settings: Record<string, { value: string; origin: string }>;
    degraded: string[];
  };
  expect(status.settings["pools.main.balancing.strategy"]).toMatchObject({
    value: "p2c",
    origin: expect.stringContaining("override by local"),
  });
  expect(status.degraded).not.toContain("operations");

  const env = await (await second.admin("/api/v1/overrides?format=env")).text();
  expect(env).toContain("ACCESS_LOG_SAMPLE=0.5\n");

  configure("peak_ewma");
  second.process.kill("SIGHUP");
  await until(() => second.said("it ends: the override of LB_STRATEGY of pool main") !== undefined);
  await until(() => second.said("the new configuration is in force") !== undefined); // the audit has it by then
  expect((await overrides(second)).filter(({ kind }) => kind === "setting")).toHaveLength(1);
  const audit = (await (await second.admin("/api/v1/audit?limit=1")).json()) as { entries: object[] };
  expect(await second.metric(/^neurabalancer_overrides_ended_total\{reason="configuration"/)).toBe(1);
  expect(await second.metric(/^neurabalancer_overrides\{kind="canary",in_force="true"/)).toBe(1);
  expect(audit.entries).toMatchObject([{ action: "override.end", actor: "neurabalancer", after: "peak_ewma" }]);
  second.process.kill("SIGKILL");
  await second.process.exited;

  configure("round_robin"); // what has ended stays so
  const third = await start();
  const left = await overrides(third);
  expect(left).toHaveLength(made.length - 1);
  const one = left.find(({ kind }) => kind === "state")!;
  expect((await send(third, "DELETE", `/api/v1/overrides/${one.id}`)).status).toBe(200);
  expect((await send(third, "DELETE", `/api/v1/overrides/${one.id}`)).status).toBe(404);
  expect((await send(third, "DELETE", "/api/v1/overrides")).status).toBe(200);
  expect(await overrides(third)).toEqual([]);
  await until(async () => Object.keys(await third.names(4)).length === 2);
}, 180_000);
