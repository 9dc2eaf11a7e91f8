/**
 * The bad days of a Redis that three instances share: whatever becomes of it, requests are answered and do not wait, each instance
 * goes on alone, says so once and why, and is one of several again by itself.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { SlowWay } from "../../support/databases/redis/slow-way.ts";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { until } from "../fixture.ts";
import { Instances } from "./instances.ts";

const PASSWORD = "of the three";
let redis: RedisServer;
let way: SlowWay;
let instances: Instances;
let client: RedisClient | null = null;

beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start(PASSWORD);
  way = await SlowWay.start(redis.port);
  const settings = { REDIS_ADDR: way.addr, REDIS_PASSWORD: PASSWORD };
  // Of one the learner shares what it has, too, over a connection of its own.
  instances = await Instances.start([settings, settings, { ...settings, LB_STRATEGY: "ml" }]);
}, 240_000);
afterEach(() => {
  client?.close();
  client = null;
});
afterAll(async () => {
  await instances?.end();
  await way?.stop();
  await redis?.remove();
}, 120_000);

/** Says something to Redis, past the instances' way. */
async function say(command: string, ...words: string[]): Promise<unknown> {
  client ??= new RedisClient(`redis://:${encodeURIComponent(PASSWORD)}@${redis.addr}`);
  return client.send(command, words);
}

/** Something happens to it, and is mended: each says once that it goes on alone, and that it does not any more. */
async function day(why: RegExp, trouble: () => unknown, mend: () => unknown): Promise<void> {
  const once = instances.said().map((times) => times + 1);
  await trouble();
  await instances.alone(why);
  await until(() => instances.said().every((times, index) => times >= once[index]));
  await instances.flow();
  expect(instances.said()).toEqual(once);
  await mend();
  await instances.together();
  await instances.flow();
}

describe.skipIf(!hasRedis)("three instances, and a Redis that", () => {
  test("is killed, and comes back with nothing in it", async () => {
    await day(
      /refuses|ended the connection|broke off/,
      () => redis.kill(),
      () => redis.start(),
    );
  }, 120_000);

  test("hangs", async () => {
    await day(
      /within 400 ms/,
      () => process.kill(redis.pid, "SIGSTOP"),
      () => process.kill(redis.pid, "SIGCONT"),
    );
  }, 120_000);

  test("is slow: a little, which is borne, and too slow", async () => {
    way.delayMs = 50;
    await instances.flow();
    await instances.together();
    await day(
      /within 400 ms/,
      () => {
        way.delayMs = 1000;
      },
      () => {
        way.delayMs = 0;
      },
    );
  }, 120_000);

  test("forgets everything", async () => {
    for (let i = 0; i < 5; i++) {
      await say("FLUSHALL");
      await instances.flow();
    }
    await instances.together();
  }, 120_000);

  test("is full", async () => {
    await day(
      /is full/,
      () => say("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"),
      () => say("CONFIG", "SET", "maxmemory", "0"),
    );
  }, 120_000);

  test("has become a replica", async () => {
    await day(
      /is a replica/,
      () => say("REPLICAOF", "127.0.0.1", "1"),
      () => say("REPLICAOF", "NO", "ONE"),
    );
  }, 120_000);

  test("takes the password no more", async () => {
    await day(
      /does not take the password/,
      async () => {
        await say("CONFIG", "SET", "requirepass", "another");
        await say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      },
      () => say("CONFIG", "SET", "requirepass", PASSWORD),
    );
  }, 120_000);

  test("hangs while an instance begins and another ends: neither waits for it", async () => {
    process.kill(redis.pid, "SIGSTOP");
    const late = instances.another({ REDIS_ADDR: way.addr, REDIS_PASSWORD: PASSWORD });
    try {
      await late.ready();
      await instances.alone(/./, [...instances.products, late]);
      const leaving = instances.another({ REDIS_ADDR: way.addr, REDIS_PASSWORD: PASSWORD });
      await leaving.ready();
      await leaving.end();
      expect(leaving.process.exitCode).toBe(0);
      process.kill(redis.pid, "SIGCONT");
      await instances.together([...instances.products, late]);
    } finally {
      process.kill(redis.pid, "SIGCONT");
      await late.end();
    }
    await instances.together(); // it has said that it goes
  }, 240_000);

  test("has data of another kind under our names, and of another version beside them", async () => {
    const rubbish = "redis.call('DEL', KEYS[1]); return redis.call('SET', KEYS[1], ARGV[1])";
    const members = "neurabalancer:1:{default}:members";
    await say("EVAL", rubbish, "1", members.replace(":1:", ":2:"), "of a later version");
    await instances.flow();
    await instances.together();
    await day(
      /data of another kind/,
      () => say("EVAL", rubbish, "1", members, "rubbish"),
      () => say("DEL", members),
    );
  }, 120_000);
});
