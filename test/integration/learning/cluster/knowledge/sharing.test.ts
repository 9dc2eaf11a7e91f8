/** Learners that tell each other what they know of servers, over a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { openRedis } from "../../../../../src/cluster/redis/link.ts";
import { PoolKnowledge } from "../../../../../src/learning/cluster/knowledge/pool-knowledge.ts";
import { FleetFeatures } from "../../../../../src/learning/features/fleet-features.ts";
import { PoolLimits } from "../../../../../src/learning/holding/pool-limits.ts";
import { LearnerCounter } from "../../../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { limitInForce, sourcesInForce } from "../../../../../src/shared/memory/learned-limits.ts";
import { hasRedis, RedisServer } from "../../../../support/databases/redis-server.ts";
import { seeded } from "../../../../support/networks.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";
import { until } from "../../../../support/until.ts";

const ROW = 2;
const WORKERS = 6;
const URLS = ["http://10.0.0.1:8001 10.0.0.1", "http://10.0.0.2:8001 10.0.0.2"];

let redis: RedisServer;
let cluster = 0;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
beforeEach(() => {
  cluster++;
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  await redis?.remove();
});

const key = () => `neurabalancer:1:{test-${cluster}}:learned:shop`;

function client(): RedisClient {
  const connected = new RedisClient(`redis://${redis.addr}`);
  ends.push(() => connected.close());
  return connected;
}

/** An instance whose learner has the servers in these slots, in this order. Its clock runs four times as fast. */
function instance(id: number, slots: readonly number[] = [1, 5]) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const { log, lines } = recordingLogger();
  const random = seeded(id);
  const beganMs = performance.now();
  const nowMs = () => 1000 + (performance.now() - beganMs) * 4;
  for (const [i, slot] of slots.entries()) memory.servers.id[slot] = 10 * id + i;
  const limits = new PoolLimits({
    pool: { row: ROW, name: "shop" },
    memory,
    log,
    settings: { judgeSpeed: 1 },
    part: () => 1,
    nowMs,
    wallOffsetMs: () => 0,
    random,
  });
  const link = openRedis(redis.place());
  const features = new FleetFeatures(memory.servers);
  const knowledge = new PoolKnowledge({
    pool: "shop",
    link,
    cluster: `test-${cluster}`,
    id: id.toString(16).padStart(16, "0"),
    curves: features,
    limits: () => limits,
    idOf: (slot) => memory.servers.id[slot],
    nameOf: (server) => URLS[server - 10 * id],
    counters: memory.learnerCounters,
    log,
    nowMs,
  });
  const columns = Int32Array.from(slots);
  const timer = setInterval(() => {
    void limits.tick(columns);
    void knowledge.tick(columns);
  }, 5);
  const stop = () => clearInterval(timer);
  ends.push(async () => {
    stop();
    await knowledge.close();
    link.close();
  });
  /** Servers of so many workers respond. */
  const serve = (responses: number): void => {
    limits.beginRound();
    for (let i = 0; i < responses; i++) {
      for (const slot of slots) {
        const inFlight = Math.floor(random() * 4 * WORKERS);
        const latencyMs = 20 * Math.max(1, (inFlight + 1) / WORKERS) * (0.5 + random());
        const whose = { slot, serverId: memory.servers.id[slot], worker: 0, decision: 0 };
        const atMs = nowMs();
        limits.replay({ ...whose, latencyMs, heldMs: 0, transferring: 0, failed: false, inFlight, atMs });
        features.observe(slot, latencyMs, false, atMs, inFlight);
      }
    }
  };
  const shown = () =>
    slots.map((slot) => ({
      limit: limitInForce(memory.learned[ROW], slot, memory.servers.id[slot], nowMs()),
      sources: sourcesInForce(memory.learned[ROW], slot, memory.servers.id[slot], nowMs()),
    }));
  const counted = (word: number) => memory.learnerCounters[word];
  return { serve, shown, counted, lines, stop };
}

const isRight = (limit: number | null) => limit !== null && limit >= WORKERS && limit <= 2 * WORKERS;

describe.skipIf(!hasRedis)("learners on one Redis", () => {
  test("a new instance has the limits that others have learned within moments, whatever slots its servers have", async () => {
    const old = instance(1);
    old.serve(3000);
    await until(() => old.shown().every(({ limit, sources }) => isRight(limit) && sources === 1));
    const fresh = instance(2, [7, 3]);
    await until(() => fresh.shown().every(({ limit, sources }) => isRight(limit) && sources === 1));
    fresh.serve(3000);
    await until(() => fresh.shown().every(({ sources }) => sources === 2));
    await until(() => old.shown().every(({ sources }) => sources === 2));
    expect(fresh.lines.filter(({ message }) => message.includes("is heard"))).toHaveLength(1);
    old.stop();
    await until(() => fresh.shown().every(({ limit, sources }) => isRight(limit) && sources === 1));
  });

  test("what is none of ours is refused, and changes nothing", async () => {
    const old = instance(1);
    old.serve(3000);
    const redisClient = client();
    const clock = String(Date.now()).padStart(14, "0");
    await redisClient.send("HSET", [key(), "00000000000000aa", `${clock}rubbish`]);
    await redisClient.send("HSET", [key(), "what is this", "?"]);
    await redisClient.send("HSET", [key(), "00000000000000bb", `${clock}${"\u0001".repeat(100_000)}`]);
    const rounds = old.counted(LearnerCounter.KNOWLEDGE_ROUNDS);
    await until(() => old.counted(LearnerCounter.KNOWLEDGE_ROUNDS) > rounds + 3);
    await until(() => old.shown().every(({ limit, sources }) => isRight(limit) && sources === 1));
    await redisClient.send("SET", [key(), "another kind of key"]);
    await until(() => old.counted(LearnerCounter.KNOWLEDGE_FAILURES) > 2);
    await until(() => old.shown().every(({ limit }) => isRight(limit)));
    expect(old.lines.filter(({ message }) => message.includes("cannot be read"))).toHaveLength(1);
    await redisClient.send("DEL", [key()]);
    const fresh = instance(2);
    await until(() => fresh.shown().every(({ limit }) => isRight(limit)));
  });

  test("while Redis is gone each goes by what it knows, and hears the others again after", async () => {
    const own = await RedisServer.start();
    ends.push(() => own.remove());
    const shared = redis;
    redis = own;
    ends.push(() => {
      redis = shared;
    });
    const old = instance(1);
    old.serve(3000);
    const fresh = instance(2);
    await until(() => fresh.shown().every(({ limit }) => isRight(limit)));
    await own.kill();
    await until(() => old.counted(LearnerCounter.KNOWLEDGE_FAILURES) > 3);
    // What others knew has grown old; what was learned here has not.
    await until(() => fresh.shown().every(({ limit }) => limit === null));
    await until(() => old.shown().every(({ limit }) => isRight(limit)));
    // That Redis is gone the supervisor says, for all that is shared.
    expect(old.lines.filter(({ level }) => level === "warn")).toEqual([]);
    await own.start();
    await until(() => fresh.shown().every(({ limit }) => isRight(limit)));
  });
});
