/** Limits on requests at once that instances share in a real Redis. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import type { WorkerRateLimit } from "../../../../src/protocol/rate-limit.ts";
import type { SharedTerms } from "../../../../src/shared/memory/rate-limits/sharing/terms.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { type SharingInstance, sharedLimit, sharingInstances } from "../../../support/rate-limits/sharing-instance.ts";
import { until } from "../../../support/until.ts";

let redis: RedisServer;
/** Each test has a database of its own: who is there in another one does not count. */
let db = 0;
const ends: (() => void)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
beforeEach(() => {
  db++;
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
afterAll(async () => {
  await redis?.remove();
});

function limitOf(name: string, requests: number, shared: Partial<SharedTerms> = {}): WorkerRateLimit {
  return sharedLimit(name, { kind: "concurrent", requests }, shared);
}

const instances = (limit: WorkerRateLimit, count: number): Promise<SharingInstance[]> =>
  sharingInstances(limit, count, redis.place({ db }), ends);

/** Begins requests at these in turn until so many are under way, and then until none may begin for a while. @returns what ends them. */
async function fill(all: readonly SharingInstance[], key: string, least: number): Promise<(() => void)[]> {
  const underWay: (() => void)[] = [];
  let [turn, silent] = [0, 0];
  await until(async () => {
    const end = all[turn++ % all.length].begins(key);
    silent = end === null ? silent + 1 : 0;
    if (end !== null) underWay.push(end);
    return underWay.length >= least && silent >= 100;
  });
  return underWay;
}

describe.skipIf(!hasRedis)("requests at once that instances share", () => {
  test("are as many as one limit lets pass, but for the first of each instance", async () => {
    const all = await instances(limitOf("together", 20), 3);
    const ann = await fill(all, "ann", 20);
    expect(ann.length).toBeWithin(20, 24);
    // Another key is not held up, and one instance alone has all places.
    expect((await fill([all[1]], "bob", 20)).length).toBe(20);
    for (const end of ann) end();
    expect((await fill([all[2]], "ann", 20)).length).toBe(20);
  });

  test("a place that comes free at one instance is another one's", async () => {
    const all = await instances(limitOf("free", 4, { advancePercent: 0 }), 3);
    const held = await fill([all[0]], "ann", 4);
    expect(held.length).toBe(4);
    expect(await fill([all[1]], "ann", 0)).toHaveLength(0);
    held.pop()!();
    held.pop()!();
    expect((await fill([all[1], all[2]], "ann", 2)).length).toBe(2);
  });

  test("with advance: 0 never more than the limit, whatever begins and ends where", async () => {
    const all = await instances(limitOf("exact", 6, { advancePercent: 0 }), 3);
    const underWay: (() => void)[] = [];
    let [most, passed, key] = [0, 0, 0];
    for (let turn = 0; turn < 3000; turn++) {
      // Who hears nothing of Redis for so long that it goes on alone has its own part: that is another test. It begins anew.
      if (key < 12 && all.some(({ sharing, isAway }) => isAway || sharing.away !== null)) {
        await until(() => all.every(({ sharing, isAway }) => !isAway && sharing.away === null));
        for (const end of underWay.splice(0)) end();
        [most, passed, turn] = [0, 0, 0];
        key++;
      }
      const end = all[(turn * 7) % 3].begins(`ann ${key}`);
      if (end !== null) {
        underWay.push(end);
        passed++;
      }
      most = Math.max(most, underWay.length);
      if (turn % 4 === 0) underWay.splice((turn * 31) % Math.max(1, underWay.length), 1)[0]?.();
      if (turn % 10 === 0) await Bun.sleep(1);
    }
    expect(most).toBeLessThanOrEqual(6);
    expect(passed).toBeGreaterThan(20);
  });

  test("those of an instance that is gone are the others' after its time", async () => {
    const [gone, ...others] = await instances(limitOf("gone", 10), 3);
    expect((await fill([gone], "ann", 10)).length).toBe(10);
    gone.stop();
    expect((await fill(others, "ann", 10)).length).toBeWithin(10, 13);
  });

  test("Redis away: an instance has its part, or none, or all; what is under way counts when Redis is back", async () => {
    const local = await instances(limitOf("local", 9), 3);
    const open = await instances(limitOf("open", 2, { whenAway: "open" }), 1);
    const closed = await instances(limitOf("closed", 9, { whenAway: "closed" }), 1);
    const everybody = [...local, ...open, ...closed];
    await until(() => everybody.every(({ instances: known }) => known === 5));
    await redis.kill();
    await until(() => everybody.every(({ isAway }) => isAway));
    // There were five instances, as Redis said last.
    const parts = local.map((one) => Array.from({ length: 9 }, () => one.begins("ann")).filter((end) => end !== null));
    expect(parts.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(closed[0].begins("ann")).toBeNull();
    const many = Array.from({ length: 5 }, () => open[0].begins("ann"));
    expect(many.every((end) => end !== null)).toBe(true);
    await redis.start();
    await until(() => everybody.every(({ isAway }) => !isAway));
    expect(open[0].begins("ann")).toBeNull();
    for (const end of many) end?.();
    expect((await fill(open, "ann", 2)).length).toBe(2);
    // Three are under way of nine.
    expect((await fill(local, "ann", 6)).length).toBeWithin(6, 8);
  });

  test("what Redis has forgotten it is told again", async () => {
    const all = await instances(limitOf("flushed", 10), 2);
    expect((await fill([all[0]], "ann", 10)).length).toBe(10);
    const client = new RedisClient(`redis://${redis.addr}/${db}`);
    ends.push(() => client.close());
    await client.send("FLUSHALL", []);
    await until(async () => ((await client.send("KEYS", ["neurabalancer:1:{test:flushed}:*"])) as string[]).length > 0);
    // But for those that passed before it was told.
    expect((await fill([all[1]], "ann", 0)).length).toBeLessThanOrEqual(2);
  });
});
