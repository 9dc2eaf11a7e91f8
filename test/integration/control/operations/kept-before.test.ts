/** Overrides and an audit as the first version that kept any has written them (test/fixtures/operations/): they are read for ever. */
import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Product } from "../supervisor/product.ts";

const FIXTURE = join(import.meta.dir, "../../../fixtures/operations");
const directory = mkdtempSync(join(tmpdir(), "nb-kept-before-"));
const running: Product[] = [];
afterAll(async () => {
  await Promise.all(running.map((product) => product.kill()));
  rmSync(directory, { recursive: true, force: true });
});

interface Shown {
  readonly id: string;
  readonly kind: string;
  readonly value: unknown;
  readonly in_force: boolean;
}

test("every kind that was kept then is in force, and the audit goes on", async () => {
  const file = join(directory, "neurabalancer.yaml");
  writeFileSync(
    file,
    `balancing: {strategy: round_robin}
pools:
  main: {servers: ["http://10.0.0.1:8001", "http://10.0.0.2:8001"]}
  next: {servers: ["http://10.0.1.1:8001"]}
routes:
  - {name: all, path: /, pool: main}
  - {name: other, path: /other, pool: main}
`,
  );
  const data = join(directory, "data");
  mkdirSync(data);
  cpSync(FIXTURE, join(data, "operations"), { recursive: true });
  const product = new Product({
    CONFIG_FILE: file,
    DATA_DIR: data,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    HEALTH_CHECK_ENABLED: "false",
    METRICS_POLL_ENABLED: "false",
  });
  running.push(product);
  await product.ready();
  const kept = JSON.parse(readFileSync(join(FIXTURE, "overrides.json"), "utf8")) as { overrides: Shown[] };
  const { overrides } = (await (await product.admin("/api/v1/overrides")).json()) as { overrides: Shown[] };
  expect(overrides.map(({ id, kind, value, in_force: inForce }) => ({ id, kind, value, inForce }))).toEqual(
    kept.overrides.map(({ id, kind, value }) => ({ id, kind, value, inForce: true })),
  );
  const servers = (await (await product.admin("/api/v1/servers")).json()) as { url: string; weight: number }[];
  expect(servers.map(({ url, weight }) => [url, weight])).toEqual([
    ["http://10.0.0.1:8001", 1],
    ["http://10.0.0.2:8001", 3],
    ["http://10.0.1.2:8001", 2],
  ]);
  const headers = { "content-type": "application/json" };
  const change = { method: "PATCH", headers, body: JSON.stringify({ ACCESS_LOG_SAMPLE: 0.25 }) };
  expect((await product.admin("/api/v1/settings", change)).status).toBe(200);
  const { entries } = (await (await product.admin("/api/v1/audit")).json()) as { entries: { action: string }[] };
  expect(entries.map(({ action }) => action)).toEqual([
    "settings.change",
    "server.remove",
    "server.add",
    "route.split",
    "settings.change",
    "pool.strategy",
    "server.change",
    "server.drain",
  ]);
});
