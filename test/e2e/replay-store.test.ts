/** The product under traffic, and what `neurabalancer replay` makes of what it remembers. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openHistoryReader } from "../../src/storage/open-store.ts";
import type { Outcome } from "../support/processes.ts";
import { run } from "../support/processes.ts";
import { ProductProcess } from "../support/product-process.ts";
import { until } from "../support/until.ts";

const LAUNCHER = join(import.meta.dir, "../../bin/neurabalancer");
const REQUESTS = 3000;
const CLIENTS = 20;
const PAUSE_MS = 30;
/** One in so many is answered by an error. */
const FAILS = 20;

let servers: { readonly url: string; stop(): void }[];
let product: ProductProcess;

beforeAll(async () => {
  const start = (latencyMs: number) => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async ({ url }) => {
        await Bun.sleep(latencyMs);
        const { pathname } = new URL(url);
        return new Response("ok", { status: pathname === "/fail" ? 500 : 200 });
      },
    });
    return { url: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
  };
  servers = [start(5), start(15)];
  product = new ProductProcess({
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "0",
    WORKERS: "2",
    SERVERS: servers.map(({ url }) => url).join(","),
    LB_STRATEGY: "round_robin",
    OUTLIER_EJECTION: "off",
    HISTORY: "on",
    REQUEST_LOG_MAX_ROWS_PER_SECOND: "10000",
    LOG_LEVEL: "info",
  });
  await product.started();
});

afterAll(async () => {
  await product.end();
  for (const { stop } of servers) stop();
});

function replay(...args: string[]): Promise<Outcome> {
  const data = join(product.directory, "data");
  return run([LAUNCHER, "replay", "--data-dir", data, ...args], { cwd: "/" });
}

/** Requests that the store has counted. */
async function counted(): Promise<number> {
  const reader = openHistoryReader({ kind: "sqlite", directory: join(product.directory, "data") });
  try {
    let sum = 0;
    const query = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, resolution: "second" } as const;
    for await (const page of reader.metrics(query)) for (const { requests } of page) sum += requests;
    return sum;
  } catch {
    return 0; // not there yet
  } finally {
    await reader.close();
  }
}

test("recorded, checked, and told; an instance may be running", async () => {
  let sent = 0;
  const client = async () => {
    while (sent < REQUESTS) {
      const path = sent++ % FAILS === 0 ? "/fail" : "/x";
      const response = await fetch(`http://127.0.0.1:${product.port}${path}`);
      await response.arrayBuffer();
      await Bun.sleep(PAUSE_MS); // a flood would be thinned out before the recorder knows of it
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await until(async () => (await counted()) === REQUESTS);

  const { code, text, stderr } = await replay(
    "--since",
    "1h",
    "--strategies",
    "p2c",
    "--runs",
    "3",
    "--format",
    "json",
  );
  expect(stderr).toBe("");
  const { recording, recorded, selfCheck, forecasts, servers: understood } = JSON.parse(text);
  expect(recording).toMatchObject({ source: "store, pool default", strategy: "round_robin" });
  // All are counted; workers do not describe all of them singly when there are many at once.
  expect(recording.singleRequests).toBeGreaterThan(REQUESTS / 10);
  expect(recording.servers.map(({ name }: { name: string }) => `http://${name}`).sort()).toEqual(
    servers.map(({ url }) => url).sort(),
  );
  expect(Math.abs(recorded.requests / REQUESTS - 1)).toBeLessThan(0.1);
  expect(Math.abs(recorded.errorShare * FAILS - 1)).toBeLessThan(0.3);
  expect(recorded.shares[0]).toBeCloseTo(0.5, 1);
  // How good the model is on a machine with other work is not this test's subject; that it says so is. Nor is how many requests
  // are kept singly, which are too few for a check when the recorder comes late or most of them fall into a few seconds.
  expect(["passed", "failed", "impossible"]).toContain(selfCheck.verdict);
  expect(selfCheck.strategy).toBe("round_robin");
  const passed = selfCheck.verdict === "passed";
  expect(code).toBe(passed ? 0 : 3);
  expect(selfCheck.reasons.length === 0).toBe(passed);
  const told = forecasts.map(({ strategy, ran }: { strategy: string; ran: boolean }) => [strategy, ran]);
  expect(told).toEqual(
    passed
      ? [
          ["round_robin", true],
          ["p2c", false],
        ]
      : [],
  );
  expect(understood).toHaveLength(2);
});

test("a window in which nothing was, and a pool that is not", async () => {
  const before = await replay("--since", "2h", "--until", "1h");
  expect(before.stderr).toContain("there are no counts by the second");
  expect(before.code).toBe(2);
  const shop = await replay("--pool", "shop");
  expect(shop.stderr).toContain("of the pool shop");
  expect(shop.code).toBe(2);
});
