/** What one instance learns of servers another one knows, with real processes and a real Redis. */
import { afterAll, describe, expect, test } from "bun:test";
import { startBackend } from "../../../src/backend/server.ts";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { seeded } from "../../support/networks.ts";
import { Load, Product, request } from "../fixture.ts";
import { until } from "../learning/fixture.ts";

const open = endedAfterAll();
const WORKERS = 3;
/** Nearly all that three such servers can do. */
const PER_SECOND = 220;

interface ServerView {
  readonly url: string;
  readonly concurrency_limit: number | null;
  readonly concurrency_limit_sources: number;
}

let redis: RedisServer | undefined;
afterAll(async () => {
  await redis?.remove();
});

const servers = async (product: Product) => (await (await product.admin("/api/v1/servers")).json()) as ServerView[];
const isKnown = ({ concurrency_limit: limit }: ServerView) =>
  limit !== null && limit >= WORKERS && limit <= 6 * WORKERS;

describe.skipIf(!hasRedis)("instances on one Redis", () => {
  test("one that was just started knows the limits that another has learned, and goes on without Redis", async () => {
    redis = await RedisServer.start();
    const random = seeded(7);
    const backends = Array.from({ length: 3 }, () => {
      const knobs = { latency_ms: 35, latency_jitter: 0.7, concurrency: WORKERS };
      const backend = startBackend({ port: 0, knobs, random, nowMs: () => performance.now() });
      open.push({ end: () => backend.stop(0) });
      return backend;
    });
    const urls = backends.map(({ url }) => url);
    const settings = (list: readonly string[]) => ({
      SERVERS: list.join(","),
      LB_STRATEGY: "least_connections",
      CONCURRENCY_LIMITS: "learned",
      LEARNING_SAMPLES: "off",
      WORKERS: "1",
      REDIS_ADDR: redis!.addr,
    });
    const old = new Product(settings(urls));
    open.push(old);
    await old.ready();
    const running = new Load(PER_SECOND, () => request(old.port));
    await until(async () => (await servers(old)).every(isKnown));

    // Nobody sends it anything: what it knows is from the other.
    const fresh = new Product(settings(urls.toReversed()));
    open.push(fresh);
    await fresh.ready();
    const isTold = async () =>
      (await servers(fresh)).every((server) => isKnown(server) && server.concurrency_limit_sources === 1);
    await until(isTold);
    expect(await fresh.metric("ml_knowledge_rounds_total")).toBeGreaterThan(0);

    await redis.kill();
    await until(async () => (await fresh.metric("ml_knowledge_failures_total")) > 2);
    await until(async () => (await servers(fresh)).every((server) => server.concurrency_limit_sources === 0));
    await redis.start();
    await until(isTold);
    expect((await running.stop()).why).toEqual({});
  }, 400_000);
});
