/** The scripts by which instances count together, in a real Redis whose clock is said by the test: forward, back, and wrong values. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { PLACES_SCRIPT } from "../../../../src/control/rate-limits/places/places-script.ts";
import { PLACES_LIFETIME_MS } from "../../../../src/control/rate-limits/places/shared-places.ts";
import { LEASE_SCRIPT } from "../../../../src/control/rate-limits/requests/lease-script.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";

const START_S = 1_800_000_000;
const HOUR_S = 3600;

let redis: RedisServer;
let client: RedisClient;
/** What the clock of Redis says, seconds. */
let nowS = START_S;
beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start();
  client = new RedisClient(`redis://${redis.addr}`);
});
beforeEach(async () => {
  nowS = START_S;
  if (hasRedis) await client.send("FLUSHALL", []);
});
afterAll(async () => {
  client?.close();
  await redis?.remove();
});

/** Runs it at the time that the test says. */
async function run(script: string, key: string, args: readonly (number | string)[]): Promise<number[]> {
  const timed = script.replaceAll("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}");
  const clock = [Math.floor(nowS), Math.round((nowS % 1) * 1e6)];
  const answer = await client.send("EVAL", [timed, "1", key, ...[...args, ...clock].map(String)]);
  return (answer as unknown[]).map(Number);
}

describe.skipIf(!hasRedis)("requests in a period", () => {
  const BURST = 10;
  /** One a second, of eight instances. @returns what is lent, and in how many seconds; -1 = there is plenty. */
  async function lease(passed: number, wanted: number): Promise<[lent: number, fromS: number]> {
    const [lent, fromUs] = await run(LEASE_SCRIPT, "key", [1_000_000, BURST, 8, passed, wanted]);
    return [lent, fromUs < 0 ? -1 : fromUs / 1e6];
  }

  test("nobody is lent more than half of what is left, and in all there is no more than the burst", async () => {
    expect(await lease(0, 100)).toEqual([5, -1]);
    expect(await lease(0, 100)).toEqual([3, 0]);
    expect(await lease(0, 100)).toEqual([1, 0]);
    expect(await lease(0, 100)).toEqual([1, 0]);
  });

  test("where nothing is left, each has its own turn; who gives one back leaves it to others", async () => {
    await lease(BURST, 0);
    expect(await lease(0, 4)).toEqual([1, 1]);
    expect(await lease(0, 4)).toEqual([1, 2]);
    expect(await lease(0, 4)).toEqual([1, 3]);
    expect(await lease(-1, 0)).toEqual([0, 3]);
    expect(await lease(0, 4)).toEqual([1, 3]);
    // Who still has some gets no turn.
    expect(await lease(0, -4)).toEqual([0, 4]);
    nowS += 5.5;
    expect(await lease(0, -4)).toEqual([1, 0]);
  });

  test("what passed in advance is missing later, up to another burst and one of each instance", async () => {
    await lease(BURST + 4, 0);
    expect(await lease(0, 1)).toEqual([1, 5]);
    await lease(1000, 0);
    expect((await lease(0, 1))[1]).toBe(BURST + 8 + 1);
  });

  test("a clock that is set forward gives a burst, and no more", async () => {
    await lease(BURST, 0);
    nowS += HOUR_S;
    expect(await lease(BURST, 1)).toEqual([1, 1]);
  });

  test("a clock that is set back holds nobody up for longer than the burst is worth, and three requests of each instance", async () => {
    await lease(BURST, 0);
    nowS -= HOUR_S;
    expect(await lease(0, 1)).toEqual([1, 1]);
    nowS += 2;
    expect(await lease(0, 1)).toEqual([1, 0]);
    // As far back as cannot be told from debts.
    for (let back = 0; back < 60; back++) {
      await client.send("DEL", ["key"]);
      await lease(BURST, 0);
      nowS -= back;
      expect((await lease(0, 1))[1]).toBeLessThanOrEqual(BURST + 3 * 8 + 1);
    }
  });

  test("it is gone from Redis when it means nothing any more", async () => {
    // Sent together: its time goes by.
    const [, left] = await Promise.all([lease(3, 0), client.send("PTTL", ["key"])]);
    expect(Number(left)).toBeWithin(3000, 4001);
    await lease(-3, 0);
    expect(await client.send("EXISTS", ["key"])).toBe(0);
  });

  test("what is no number counts as nothing", async () => {
    await client.send("SET", ["key", "rubbish"]);
    expect(await lease(0, 1)).toEqual([1, -1]);
  });
});

describe.skipIf(!hasRedis)("requests at once", () => {
  async function places(instance: string, used: number, wanted: number): Promise<number[]> {
    return run(PLACES_SCRIPT, "places", [instance, 10, PLACES_LIFETIME_MS, used, wanted]);
  }

  test("one alone may have all, and others get half of what is left", async () => {
    expect(await places("a", 0, 20)).toEqual([10, 0]);
    expect(await places("a", 4, 4)).toEqual([4, 0]);
    expect(await places("b", 0, 10)).toEqual([3, 0]);
    expect(await places("c", 0, 10)).toEqual([2, 0]);
    expect(await places("a", 4, 10)).toEqual([5, 1]);
  });

  test("what is in use is believed, and not given again where it is too much", async () => {
    await places("a", 8, 8);
    expect(await places("b", 6, 7)).toEqual([2, 1]);
    expect(await places("a", 8, 8)).toEqual([4, 1]);
    expect(await places("a", 3, 3)).toEqual([3, 0]);
  });

  test("who does not say it again is gone", async () => {
    await places("a", 10, 10);
    nowS += PLACES_LIFETIME_MS / 1000 - 0.1;
    expect(await places("b", 0, 1)).toEqual([0, 1]);
    nowS += 0.2;
    expect(await places("b", 0, 10)).toEqual([10, 0]);
  });

  test("what another clock has written does not hold for longer", async () => {
    await places("a", 10, 10);
    nowS -= HOUR_S;
    expect(await places("b", 0, 10)).toEqual([10, 0]);
    // Those of `a` are told again by it, and nothing is given twice after that.
    expect(await places("a", 10, 10)).toEqual([0, 1]);
  });

  test("what nobody can read is nobody's", async () => {
    await client.send("HSET", ["places", "x", "rubbish", "y", "-1 99999999999999"]);
    expect(await places("a", 0, 10)).toEqual([10, 0]);
  });
});
