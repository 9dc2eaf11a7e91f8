/** What is expected of strategies, over a real store that has had traffic: the admin API of the product, and the command. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordSimulation } from "../../../src/replay/record-simulation.ts";
import type { Expectations } from "../../../src/shared/expectations.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import { builtInScenario } from "../../../src/simulator/scenarios.ts";
import { openHistoryStore } from "../../../src/storage/open-store.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { haveHadTraffic } from "../../support/stores/traffic-of-late.ts";
import { until } from "../../support/until.ts";
import { FakeHistory } from "../../unit/replay/reading/store/fake-history.ts";
import { at, scratch } from "../storage/store-fixture.ts";
import { neurabalancer } from "./spawn.ts";

const REQUESTS = 8000;
const LIMITS = { detailMs: 86_400_000, minutesMs: 86_400_000, hoursMs: 86_400_000, maxBytes: 1e9 };
const data = scratch();
let product: ProductProcess;

beforeAll(async () => {
  await recordTraffic();
  const config = join(data.path, "neurabalancer.yaml");
  const pool = (port: number) => `{ servers: ["http://127.0.0.1:${port}"] }`;
  writeFileSync(config, `pools:\n  shop: ${pool(9)}\n  quiet: ${pool(10)}\nroutes:\n  - { pool: shop }\n`);
  product = new ProductProcess({
    CONFIG_FILE: config,
    HISTORY: "on",
    DATA_DIR: data.path,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
  });
  await product.started();
}, 180_000);

afterAll(async () => {
  await product?.end();
  data.remove();
});

/** Of ten servers, which this instance does not know: what was recorded counts. */
async function recordTraffic(): Promise<void> {
  const scenario = builtInScenario("homogeneous");
  const options = { requests: REQUESTS, seed: 3 };
  const { recording } = recordSimulation(scenario, parsePolicy("least_connections"), options);
  const history = new FakeHistory();
  const servers = recording.servers.map((_, i) => `10.0.0.${i + 1}:80`);
  haveHadTraffic(history, recording, { pool: "shop", untilMs: 1000 * Math.floor(Date.now() / 1000 - 5), servers });
  const store = await openHistoryStore(at(data.path), { nowMs: Date.now, limits: LIMITS });
  store.appendMetrics(history.metricRows.second);
  store.appendRequests(history.requestRows);
  store.appendEvents(history.eventRows);
  while (!(await store.flush()));
  await store.close();
}

const asked = (query: string) => product.admin(`/api/v1/expectations?${query}`);
const command = (...args: string[]) =>
  neurabalancer(["expect", "--admin", `http://127.0.0.1:${product.said("admin API listens")?.port}`, ...args]);

describe("the admin API", () => {
  test("gives figures with their ranges beside what was measured, and the same to whoever asks again", async () => {
    const response = await asked("pool=shop&strategies=adaptive,consistent_hash");
    expect(response.status).toBe(200);
    const found = (await response.json()) as Expectations;
    expect(found).toMatchObject({ pool: "shop", verdict: "passed", ran: "least_connections", requests: REQUESTS });
    expect(found.expectations.map(({ strategy }) => strategy)).toEqual(["least_connections", "adaptive"]);
    expect(found.left_out.map(({ strategy }) => strategy)).toEqual(["consistent_hash"]);
    for (const { p99_ms } of found.expectations) expect(p99_ms!.high).toBeGreaterThan(p99_ms!.low);
    expect(Math.abs(found.expectations[0].p50_ms!.value / found.measured!.p50_ms - 1)).toBeLessThan(0.15);
    expect(await (await asked("pool=shop&strategies=consistent_hash,adaptive")).json()).toEqual(found);
  }, 60_000);

  test("says why there are none", async () => {
    const found = (await (await asked("pool=quiet")).json()) as Expectations;
    expect(found).toMatchObject({ verdict: "nothing", expectations: [], measured: null });
    expect(found.reasons[0]).toContain("of the pool quiet");
  }, 60_000);

  test.each([
    ["", 400, "pool_needed"],
    ["pool=cart", 404, "unknown_pool"],
    ["pool=shop&strategies=p3c", 400, "invalid_query"],
    ["pool=shop&window=30s", 400, "invalid_query"],
    ["pool=shop&window=3h", 400, "invalid_query"],
  ])("%p is refused", async (query, status, code) => {
    const response = await asked(query);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("the command", () => {
  test("--help teaches", () => {
    const { code, stdout } = neurabalancer(["expect", "--help"]);
    expect(code).toBe(0);
    for (const part of ["Examples:", "Exit codes:", "HISTORY=on"]) expect(stdout).toContain(part);
  });

  test("prints a table, and JSON", () => {
    const { code, stdout, stderr } = command("--pool", "shop", "--strategies", "adaptive,consistent_hash");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("The model foretold the second half of this traffic from the first.");
    expect(stdout).toMatch(/\nleast_connections \(ran\) .*\n {2}as it really was .*\nadaptive /);
    expect(stdout).toContain("Nothing is said of consistent_hash");
    const json = command("--pool", "shop", "--strategies", "adaptive,consistent_hash", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: "passed", requests: REQUESTS });
  }, 60_000);

  test("has exit codes for what was found", () => {
    const nothing = command("--pool", "quiet");
    expect(nothing.stdout).toContain("There is nothing to replay");
    expect(nothing.code).toBe(2);
    const unknown = command("--pool", "shop", "--strategies", "p3c");
    expect(unknown.stderr).toContain('Unknown strategy "p3c": use one of round_robin');
    expect(unknown.code).toBe(1);
    const several = command();
    expect(several.stderr).toContain("name one of shop, quiet");
    expect(several.code).toBe(1);
  }, 60_000);
});

test("where nothing is recorded, that is said, and what to do", async () => {
  product.configure({ HISTORY: "off" });
  product.process.kill("SIGHUP");
  await until(async () => (await asked("pool=shop")).status === 409);
  const { code, stderr } = command("--pool", "shop");
  expect(stderr).toContain("HISTORY=on records it");
  expect(code).toBe(1);
}, 60_000);
