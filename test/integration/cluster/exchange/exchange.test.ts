/** The exchange of numbers over a real Redis: its scripts, and what becomes of the numbers when Redis has a bad day. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { Exchange, type ExchangeRound, type OwnServers } from "../../../../src/cluster/exchange/exchange.ts";
import { emptyFigures } from "../../../../src/cluster/exchange/figures.ts";
import { serverHash } from "../../../../src/cluster/exchange/layout.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";

const SLOTS = 2048;
const DESCRIPTION = { name: "n", version: "1", sinceMs: 0, figures: {} };
const MINUTE = 60_000;

let redis: RedisServer;
let client: RedisClient;
/** The clock of Redis, milliseconds. */
let redisMs = 0;
let nowMs = 0;
beforeAll(async () => {
  if (!hasRedis) return;
  redis = await RedisServer.start();
  client = new RedisClient(`redis://${redis.addr}`);
  await client.connect();
});
beforeEach(async () => {
  redisMs = 1_700_000_000_000;
  if (hasRedis) await client.send("FLUSHALL", []);
});
afterAll(async () => {
  client?.close();
  await redis?.remove();
});

/** As a link, but that the clock of Redis stands, and leaps. */
const link = {
  eval: (script: string, keys: readonly string[], args: readonly string[]) => {
    const time = `{${Math.floor(redisMs / 1000)}, ${(redisMs % 1000) * 1000}}`;
    const set = script.replace("redis.call('TIME')", time);
    return client.send("EVAL", [set, String(keys.length), ...keys, ...args]);
  },
};

class Instance {
  readonly exchange: Exchange;
  readonly servers: OwnServers;
  last: ExchangeRound | null = null;

  /** @param names of its servers; each is in the slot of its place, and `first` is added. */
  constructor(number: number, names: readonly string[], first = 0, cluster = "default") {
    const id = number.toString(16).padStart(16, "0");
    this.exchange = new Exchange({ link, cluster, id, slots: SLOTS, nowMs: () => nowMs });
    const slotOf = new Map(names.map((name, i) => [serverHash("default", `http://${name}:80`, "10.0.0.1"), i + first]));
    this.servers = { slotOf, figures: emptyFigures(SLOTS) };
    for (const slot of slotOf.values()) this.servers.figures.known[slot] = 1;
  }

  async round(): Promise<ExchangeRound> {
    this.last = await this.exchange.round(this.servers, () => DESCRIPTION);
    return this.last;
  }

  has(slot: number, inFlight: number): void {
    this.servers.figures.inFlight[slot] = inFlight;
  }

  /** What the others have. */
  get others(): number[] {
    return [...this.servers.slotOf.values()].map((slot) => this.last!.others.inFlight[slot]);
  }
}

async function rounds(instances: readonly Instance[], count = 2): Promise<void> {
  for (let i = 0; i < count; i++) for (const instance of instances) await instance.round();
}

describe.skipIf(!hasRedis)("numbers of instances", () => {
  test("reach the others, whatever the order of their servers, and none has its own", async () => {
    const a = new Instance(1, ["x", "y", "z"]);
    const b = new Instance(2, ["z", "y"], 7);
    a.has(0, 5);
    a.has(2, 3);
    b.has(7, 10);
    b.servers.figures.down[8] = 1;
    await rounds([a, b]);
    expect(a.others).toEqual([0, 0, 10]);
    expect(b.others).toEqual([3, 0]);
    expect([...a.last!.others.known.subarray(0, 3)]).toEqual([0, 1, 1]);
    expect([...a.last!.others.down.subarray(0, 3)]).toEqual([0, 1, 0]);
    expect(a.last!.instances).toBe(2);
    a.has(0, 0);
    a.has(2, 4);
    await a.round();
    await b.round();
    expect(b.others).toEqual([4, 0]);
  });

  test("of who goes, or falls silent, are gone", async () => {
    const [a, b, c] = [1, 2, 3].map((number) => new Instance(number, ["x"]));
    for (const one of [a, b, c]) one.has(0, 1);
    await rounds([a, b, c]);
    expect(a.others).toEqual([2]);
    await b.exchange.leave();
    await a.round();
    expect(a.others).toEqual([1]);
    expect(a.last!.instances).toBe(2);
    nowMs += 1_000;
    redisMs += 1_500;
    await a.round();
    expect(a.last!.members.map(({ id, ageMs }) => [Number(id), ageMs])).toEqual([
      [1, 0],
      [3, 1_500],
    ]);
    nowMs += 1_000;
    redisMs += 1_000; // c says nothing for so long
    await a.round();
    expect(a.others).toEqual([0]);
    expect(a.last!.members.map(({ self }) => self)).toEqual([true]);
    await a.round(); // and it is taken out
    expect(await client.send("HLEN", ["neurabalancer:1:{default}:shares"])).toBe(1);
    expect(await client.send("HEXISTS", ["neurabalancer:1:{default}:members", "0000000000000003"])).toBe(0);
    await c.round(); // it was only slow
    await a.round();
    expect(a.others).toEqual([1]);
  });

  test.each([MINUTE, -MINUTE])("are right again a round after the clock of Redis is set by %d ms", async (leap) => {
    const [a, b] = [1, 2].map((number) => new Instance(number, ["x"]));
    b.has(0, 4);
    await rounds([a, b]);
    expect(a.others).toEqual([4]);
    redisMs += leap;
    await rounds([a, b]);
    await a.round();
    expect(a.others).toEqual([4]);
    expect(b.others).toEqual([0]);
    expect(a.last!.instances).toBe(2);
  });

  test("are right again a round after Redis has lost everything, or goes on from an older state", async () => {
    const [a, b] = [1, 2].map((number) => new Instance(number, ["x", "y"]));
    b.has(1, 4);
    await rounds([a, b]);
    const key = "neurabalancer:1:{default}:shares";
    const before = (await client.send("HGETALL", [key])) as unknown;
    await client.send("FLUSHALL", []);
    await rounds([a, b]);
    await a.round();
    expect(a.others).toEqual([0, 4]);
    b.has(1, 9);
    await rounds([a, b]);
    // A replica takes over that has not heard of it.
    const pairs = Object.entries(before as Record<string, string>).flat();
    await client.send("HSET", [key, ...(Array.isArray(before) ? (before as string[]) : pairs)]);
    await rounds([a, b]);
    await a.round();
    expect(a.others).toEqual([0, 9]);
  });

  test("that come late are written over by the next share of the same instance", async () => {
    const [a, b] = [1, 2].map((number) => new Instance(number, ["x"]));
    const calls: unknown[][] = [];
    const late = new Exchange({
      link: {
        eval: (...call) => {
          calls.push(call);
          return Promise.reject(new Error("on its way"));
        },
      },
      cluster: "default",
      id: "0000000000000002",
      slots: SLOTS,
      nowMs: () => nowMs,
    });
    b.has(0, 100);
    await late.round(b.servers, () => DESCRIPTION).catch(() => {});
    b.has(0, 1);
    await rounds([a, b]);
    await link.eval(...(calls[0] as Parameters<typeof link.eval>));
    await b.round();
    await a.round();
    expect(a.others).toEqual([1]);
  });

  test("of two clusters on one Redis do not meet", async () => {
    const a = new Instance(1, ["x"]);
    const b = new Instance(2, ["x"], 0, "another");
    b.has(0, 4);
    await rounds([a, b]);
    expect(a.others).toEqual([0]);
    expect(a.last!.instances).toBe(1);
  });

  test("what is no share counts for nothing", async () => {
    const [a, b] = [1, 2].map((number) => new Instance(number, ["x"]));
    b.has(0, 4);
    await rounds([a, b]);
    const key = "neurabalancer:1:{default}:shares";
    const clock = ((await client.send("HGET", [key, "0000000000000002"])) as string).slice(0, 14);
    await client.send("HSET", [
      key,
      "0000000000000003",
      `${clock}rubbish`,
      "0000000000000004",
      "no clock",
      "me",
      clock,
    ]);
    await a.round();
    expect(a.others).toEqual([4]);
    expect(a.exchange.refused).toBe(1);
    await a.round();
    expect(await client.send("HLEN", [key])).toBe(3); // who has no clock is gone; the other soon
    await client.send("DEL", [key]);
    await client.send("SET", [key, "rubbish"]);
    await expect(a.round()).rejects.toThrow("WRONGTYPE");
  });

  test("what is larger, or more, than instances can have written is taken out, and nobody has to read it", async () => {
    const [a, b] = [1, 2].map((number) => new Instance(number, ["x"]));
    b.has(0, 4);
    await rounds([a, b]);
    const [shares, members] = ["shares", "members"].map((what) => `neurabalancer:1:{default}:${what}`);
    const put = "redis.call('HSET', KEYS[1], '00000000000000aa', string.rep('0', 2000000))";
    for (const key of [shares, members]) await client.send("EVAL", [put, "1", key]);
    // A name that is no text cannot be named by who reads it.
    await client.send("EVAL", ["redis.call('HSET', KEYS[1], '\\255', '')", "1", shares]);
    const again = new Instance(3, ["x"]); // describes itself, so it hears of all
    await rounds([a, again]);
    expect(a.others).toEqual([4]);
    expect(again.last!.members).toHaveLength(3);
    expect([await client.send("HLEN", [shares]), await client.send("HLEN", [members])]).toEqual([3, 3]);
    const many = "for i = 1, 2000 do redis.call('HSET', KEYS[1], string.format('%016x', i + 100), '') end";
    await client.send("EVAL", [many, "1", shares]);
    await rounds([a, b, again]);
    expect(a.others).toEqual([4]);
    expect(await client.send("HLEN", [shares])).toBe(3);
  });

  test("everything expires", async () => {
    await rounds([new Instance(1, ["x"])]);
    const keys = (await client.send("KEYS", ["*"])) as string[];
    expect(keys.length).toBe(3);
    for (const key of keys) expect(await client.send("PTTL", [key])).toBeGreaterThan(0);
  });
});

describe.skipIf(!hasRedis)("numbers of many instances with many servers", () => {
  const NAMES = Array.from({ length: 1_000 }, (_, i) => `s${i}`);

  /** Some have other servers than the rest. */
  function many(count: number): Instance[] {
    return Array.from({ length: count }, (_, i) => new Instance(i + 1, i % 3 === 0 ? NAMES.slice(0, 900) : NAMES, i));
  }

  /** What instance `at` should hear of its servers. */
  function expected(all: readonly Instance[], at: number): number[] {
    return [...all[at].servers.slotOf.keys()].map((hash) =>
      all.reduce((sum, { servers }, i) => {
        const slot = i === at ? undefined : servers.slotOf.get(hash);
        return sum + (slot === undefined ? 0 : servers.figures.inFlight[slot]);
      }, 0),
    );
  }

  function spread(all: readonly Instance[], by: number): void {
    for (const [i, { servers }] of all.entries()) {
      for (const slot of servers.slotOf.values()) servers.figures.inFlight[slot] = (slot * 7 + i * by) % 40;
    }
  }

  test("are added up by one for all, and each takes off what it had told", async () => {
    const all = many(7);
    spread(all, 3);
    await rounds(all, 3);
    for (const by of [5, 11]) {
      spread(all, by);
      await rounds(all, 1); // all have told
      redisMs += 100;
      await rounds(all, 1); // one adds up, and tells
      spread(all, by + 1); // what they tell meanwhile is in no sum
      await rounds(all, 1);
      spread(all, by);
      for (const at of all.keys()) expect(all[at].others).toEqual(expected(all, at));
      for (const { last } of all) expect(last!.instances).toBe(7);
    }
    for (const { exchange } of all) expect(exchange.refused).toBe(0);
    expect(Number(await client.send("HGET", ["neurabalancer:1:{default}:adding", "turn"]))).toBe(3); // one each time
  });

  test("a sum that is rubbish, or older than two seconds, is not believed", async () => {
    const all = many(7);
    spread(all, 3);
    await rounds(all, 3);
    redisMs += 100;
    await rounds(all, 2);
    expect(all[3].others).toEqual(expected(all, 3));
    // Nobody adds up any more.
    const [sum, adding] = ["sum", "adding"].map((what) => `neurabalancer:1:{default}:${what}`);
    redisMs += 3_000;
    const hold = () => client.send("HSET", [adding, "at", String(redisMs)]);
    await hold();
    await all[3].round();
    expect(all[3].last!.ageMs).toBeNaN();
    expect(Math.max(...all[3].others)).toBe(0);
    await client.send("SET", [sum, "zzz"]);
    await hold();
    await all[3].round();
    expect(all[3].exchange.refused).toBe(1);
    await rounds(all, 1);
    redisMs += 200;
    await rounds(all, 2);
    expect(all[3].others).toEqual(expected(all, 3));
  });

  test("a sum of a turn that was never given, one that is too large, and turns that are no numbers are written over", async () => {
    const all = many(7);
    spread(all, 3);
    await rounds(all, 3);
    const [sum, adding] = ["sum", "adding"].map((what) => `neurabalancer:1:{default}:${what}`);
    const large = ["EVAL", ["redis.call('SET', KEYS[1], string.rep('9', 2000000))", "1", sum]] as const;
    const rubbish = [
      ["SET", [sum, "99999999999999by hand"]],
      large,
      ...["by hand", "-1", "nan", "9223372036854775807"].map((turn) => ["HSET", [adding, "turn", turn]] as const),
    ] as const;
    for (const [by, [command, args]] of rubbish.entries()) {
      await client.send(command, [...args]);
      spread(all, by + 4);
      await rounds(all, 1);
      redisMs += 100;
      await rounds(all, 2);
      expect(all[3].others).toEqual(expected(all, 3));
    }
  });
});
