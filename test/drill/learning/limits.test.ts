/** Limits that are learned, with real processes and servers that work on a few requests at once: shown, gone by, turned off. */
import { expect, test } from "bun:test";
import { type Backend, startBackend } from "../../../src/backend/server.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { seeded } from "../../support/networks.ts";
import { Load, Product, request } from "../fixture.ts";
import { until } from "./fixture.ts";

const open = endedAfterAll();
const WORKERS = 3;
/** Nearly all that three such servers can do. */
const PER_SECOND = 220;

interface PoolView {
  readonly name: string;
  readonly queue: { readonly waiting: number; readonly held: number; readonly oldest_ms: number | null };
  readonly holding: { readonly state: string; readonly why: string; readonly patience_ms: number | null };
}

function startBackends(count: number): Backend[] {
  const random = seeded(7);
  return Array.from({ length: count }, () => {
    const knobs = { latency_ms: 35, latency_jitter: 0.7, concurrency: WORKERS };
    const backend = startBackend({ port: 0, knobs, random, nowMs: () => performance.now() });
    open.push({ end: () => backend.stop(0) });
    return backend;
  });
}

const asJson = async (product: Product, path: string) => (await product.admin(path)).json();
const pool = async (product: Product) =>
  ((await asJson(product, "/api/v1/pools")) as { pools: readonly PoolView[] }).pools[0];
const limits = async (product: Product) =>
  ((await asJson(product, "/api/v1/servers")) as { concurrency_limit: number | null }[]).map(
    ({ concurrency_limit }) => concurrency_limit,
  );
const learnerPid = async (product: Product) =>
  ((await asJson(product, "/api/v1/status")) as { limits: { learner: { pid: number } } | null }).limits?.learner.pid;

/** What `explain` says of a request that was held. */
async function explainHeld(product: Product): Promise<{ wait_reason: string; summary: string }> {
  let found: { request_id: string; waited_ms: number } | undefined;
  await until(async () => {
    const { requests } = (await asJson(product, "/api/v1/requests?reason=any&limit=200")) as {
      requests: readonly { request_id: string; waited_ms: number; status: number }[];
    };
    found = requests.find(({ waited_ms, status }) => waited_ms > 1 && status === 200);
    return found !== undefined;
  });
  return (await asJson(product, `/api/v1/explain/${found!.request_id}`)) as { wait_reason: string; summary: string };
}

test("CONCURRENCY_LIMITS=learned finds what servers work on at once, and requests are held; an operator ends it at once", async () => {
  const servers = startBackends(3);
  const product = new Product({
    SERVERS: servers.map(({ url }) => url).join(","),
    LB_STRATEGY: "least_connections",
    CONCURRENCY_LIMITS: "learned",
    LEARNING_SAMPLES: "off",
    WORKERS: "2",
  });
  open.push(product);
  await product.ready();
  expect((await pool(product)).holding.state).not.toBe("off");
  const running = new Load(PER_SECOND, () => request(product.port));

  // A server has as many places as it has workers, and some beside them.
  await until(async () =>
    (await limits(product)).every((limit) => limit !== null && limit >= WORKERS && limit <= 6 * WORKERS),
  );
  await until(async () => (await pool(product)).holding.state === "holding");
  expect((await pool(product)).holding.patience_ms).toBeGreaterThan(0);
  await until(async () => (await product.metric("server_concurrency_limit")) >= 3 * WORKERS);
  await until(async () => (await product.metric('holding_state{state="holding"}')) === 1);

  await until(async () => (await product.metric('queue_wait_seconds_count{reason="held"}')) > 20);
  const { wait_reason, summary } = await explainHeld(product);
  expect(wait_reason).toContain("as was learned that they can");
  expect(summary).toContain("It was held for");
  await until(async () => (await product.status()).degraded.length === 0); // no process is late for long

  // A learner that dies leaves no request waiting, and its successor knows what it knew.
  const pid = await learnerPid(product);
  process.kill(pid!, "SIGKILL");
  await until(async () => {
    const successor = await learnerPid(product);
    return successor !== undefined && successor !== pid && (await limits(product)).every((limit) => limit !== null);
  });

  const change = { options: { CONCURRENCY_LIMITS: "off" }, reason: "to be on the safe side" };
  const init = { method: "PATCH", body: JSON.stringify(change), headers: { "content-type": "application/json" } };
  const changed = await product.admin("/api/v1/pools/default", init);
  expect([changed.status, await changed.text()]).toEqual([200, expect.any(String)]);
  expect(await pool(product)).toMatchObject({ holding: { state: "off", patience_ms: null } });
  await until(async () => (await limits(product)).every((limit) => limit === null));
  await until(async () => (await pool(product)).queue.held === 0);
  await until(async () => (await learnerPid(product)) === undefined);
  const audit = JSON.stringify(await asJson(product, "/api/v1/audit"));
  expect(audit).toContain("CONCURRENCY_LIMITS");
  expect(audit).toContain("to be on the safe side");

  const back = { method: "PATCH", body: '{"options":{"CONCURRENCY_LIMITS":null}}', headers: init.headers };
  expect((await product.admin("/api/v1/pools/default", back)).status).toBe(200);
  await until(async () => (await limits(product)).every((limit) => limit !== null));
  const seen = await running.stop();
  expect(seen.why).toEqual({});
}, 400_000);
