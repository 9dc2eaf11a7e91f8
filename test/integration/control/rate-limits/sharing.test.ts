/** Instances that count together in a real Redis: how many requests they let pass, and what becomes of it when Redis is not there. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import type { WorkerRateLimit } from "../../../../src/protocol/rate-limit.ts";
import type { WhenAway } from "../../../../src/shared/memory/rate-limits/sharing/terms.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { SharingInstance, sharedLimit, sharingInstances } from "../../../support/rate-limits/sharing-instance.ts";
import { until } from "../../../support/until.ts";

const DAY_MS = 86_400_000;
const PASSWORD = "a password";

let redis: RedisServer;
/** Each test has a database of its own: who is there in another one does not count. */
let db = 0;
const ends: (() => void)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start(PASSWORD);
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

function limitOf(name: string, requests: number, burst: number, whenAway: WhenAway = "local"): WorkerRateLimit {
  return sharedLimit(name, { kind: "rate", requests, periodMs: DAY_MS, burst }, { whenAway });
}

const instances = (limit: WorkerRateLimit, count: number) => sharingInstances(limit, count, redis.place({ db }), ends);

/** Asks until nothing passes any more for a while, and says how many did. */
async function exhaust(ask: (turn: number) => boolean): Promise<number> {
  let [passed, silent] = [0, 0];
  for (let turn = 0; silent < 3000; turn++) {
    if (ask(turn)) {
      passed++;
      silent = 0;
    } else silent++;
    if (turn % 5 === 0) await Bun.sleep(0);
    if (silent > 0 && silent % 300 === 0) await Bun.sleep(50); // what was lent to others may be given back
  }
  return passed;
}

/**
 * How many requests of a key pass, of instances all of which heard of Redis all the while: who does not for so long that it goes
 * on alone lets its own part pass, which is another test. @param instance whose turn it is.
 */
async function exhaustTogether(
  all: readonly SharingInstance[],
  name: string,
  instance: (turn: number) => number,
): Promise<number> {
  for (let key = 0; key < 12; key++) {
    let wasAlone = false;
    const passed = await exhaust((turn) => {
      wasAlone ||= all.some(({ sharing, isAway }) => isAway || sharing.away !== null);
      return all[instance(turn)].passes(`${name} ${key}`);
    });
    if (!wasAlone) return passed;
  }
  throw new Error("instances went on alone all the while");
}

describe.skipIf(!hasRedis)("a limit that instances share", () => {
  test("lets no more pass than one would, wherever a client comes, but for what is let pass in advance", async () => {
    const all = await instances(limitOf("together", 300, 300), 3);
    expect(await exhaustTogether(all, "ann", (turn) => turn % 3)).toBeWithin(294, 331);
    // One of them alone has the whole, too.
    expect(await exhaustTogether(all, "bob", () => 1)).toBeWithin(294, 331);
  });

  test("advance: 0: the first is refused, and never more pass than one limit lets", async () => {
    const quota = { kind: "rate", requests: 50, periodMs: DAY_MS, burst: 50 } as const;
    const all = await instances(sharedLimit("unasked", quota, { advancePercent: 0 }), 3);
    expect(all.map((one) => one.passes("ann"))).toEqual([false, false, false]);
    await until(() => all[0].passes("ann"));
    expect(await exhaustTogether(all, "bob", (turn) => turn % 3)).toBe(50);
  });

  test("a burst of one is one, or one of each instance at most", async () => {
    const all = await instances(limitOf("one", 1, 1), 3);
    for (const name of ["ann", "bob", "carl"])
      expect(await exhaustTogether(all, name, (turn) => (turn * 7) % 3)).toBeWithin(1, 4);
  });

  test("what is lent is given back when nobody asks for it", async () => {
    const all = await instances(limitOf("back", 100, 100), 3);
    for (const one of all) one.passes("ann");
    const client = new RedisClient(`redis://:${encodeURIComponent(PASSWORD)}@${redis.addr}/${db}`);
    ends.push(() => client.close());
    let left = 0;
    await until(async () => {
      const [key] = (await client.send("KEYS", ["neurabalancer:1:{test:back}:*"])) as string[];
      const time = (await client.send("TIME", [])) as string[];
      const now = Number(time[0]) * 1e6 + Number(time[1]);
      if (key === undefined) return false;
      left = Math.round((Number(await client.get(key)) - now) / ((DAY_MS * 1000) / 100));
      return left === 3;
    });
    expect(left).toBe(3);
  });

  test("Redis away: within a second each goes by what it says; it is told once, and shared again when it is back", async () => {
    const local = await instances(limitOf("local", 300, 300), 3);
    const open = await instances(limitOf("open", 1, 1, "open"), 1);
    const closed = await instances(limitOf("closed", 300, 300, "closed"), 1);
    expect(closed[0].passes("ann")).toBe(true);
    await redis.kill();
    await until(() => [...local, ...open, ...closed].every(({ isAway }) => isAway));
    expect(closed[0].passes("ann")).toBe(false);
    expect(Array.from({ length: 20 }, () => open[0].passes("ann")).every(Boolean)).toBe(true);
    // Its part of the whole, of a client that nobody knew: there were five instances, as Redis said last.
    const parts = local.map((one) => {
      let passed = 0;
      for (let i = 0; i < 400; i++) if (one.passes("carl")) passed++;
      return passed;
    });
    for (const part of parts) expect(part).toBeWithin(60, 101);
    expect(local.every(({ sharing }) => sharing.away !== null)).toBe(true);
    await until(() => local[0].lines.some((line) => line.startsWith("Redis does not answer")));
    await redis.start();
    await until(() => [...local, ...open, ...closed].every(({ sharing }) => sharing.away === null));
    await until(() => closed[0].passes("dora"));
    const told = local[0].lines.filter((line) => line.startsWith("Redis"));
    expect(told).toEqual([
      expect.stringContaining("Redis does not answer"),
      expect.stringContaining("Redis answers again"),
    ]);
  });

  test("one that hangs is away as well, and what Redis has forgotten begins anew", async () => {
    const [one] = await instances(limitOf("hung", 50, 50), 1);
    await exhaust(() => one.passes("ann"));
    process.kill(redis.pid, "SIGSTOP");
    await until(() => one.sharing.away !== null);
    process.kill(redis.pid, "SIGCONT");
    await until(() => one.sharing.away === null);
    expect(one.passes("ann")).toBe(false);
    const client = new RedisClient(`redis://:${encodeURIComponent(PASSWORD)}@${redis.addr}/${db}`);
    await client.send("FLUSHALL", []);
    client.close();
    // No more than another burst, of who has used up his as of anybody else.
    expect(await exhaust(() => one.passes("ann"))).toBeWithin(1, 56);
    expect(await exhaust(() => one.passes("emil"))).toBeWithin(49, 56);
  });

  test("a wrong password is told, and it is not counted together", async () => {
    const one = new SharingInstance(limitOf("wrong", 10, 10), "wrong", redis.place({ password: "another" }));
    ends.push(() => one.stop());
    await until(() => one.lines.length > 0);
    expect(one.sharing.away).not.toBeNull();
    expect(one.lines).toHaveLength(1);
  });
});
