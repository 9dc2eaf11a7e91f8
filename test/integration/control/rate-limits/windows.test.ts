/**
 * A shared limit of requests in a period in every window: eight instances on a real Redis, held against one exact limit. Nothing is
 * asserted of a run in which this machine did not come to its rounds for so long that instances went on alone.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { KeyHash } from "../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { ExactLimit, FACTORS } from "../../../support/rate-limits/exact-limit.ts";
import {
  hashOf,
  type SharingInstance,
  sharedLimit,
  sharingInstances,
} from "../../../support/rate-limits/sharing-instance.ts";

const INSTANCES = 8;
const KEYS = 30;
const PER_MINUTE = 1200;
const BURST = 120;
const SECONDS = 5;
const STEP_MS = 5;
/** Shorter than what makes an instance go on alone. */
const STALL_MS = 400;
const RUNS = 5;

let redis: RedisServer;
let runs = 0;
const ends: (() => void)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
afterAll(async () => {
  await redis?.remove();
});

/** Which key the n-th request is for, and which instance it comes to, by how much of the time is over (0 … 1). */
type Arrivals = (n: number, part: number) => readonly [key: number, instance: number];

const inTurn: Arrivals = (n) => [(n * 7919) % KEYS, (n * 31 + (n >> 5)) % INSTANCES];
/** mulberry32 of the number. */
const byChance: Arrivals = (n) => {
  let t = Math.imul(n ^ (n >>> 15), 0x2c1b3c6d);
  t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
  const chance = (t ^ (t >>> 14)) >>> 0;
  return [chance % KEYS, (chance >>> 8) % INSTANCES];
};
/** Clients use up everything at one instance, and then go to the others, which know nothing of them. */
const moving: Arrivals = (n, part) => [
  (n * 7919) % KEYS,
  part < 0.4 ? 0 : part < 0.7 ? 1 + (n % (INSTANCES - 1)) : n % INSTANCES,
];

/** `null` = this machine had no time for it. @param perKey requests a second. */
async function run(all: readonly SharingInstance[], perKey: number, arrivals: Arrivals): Promise<ExactLimit | null> {
  const exact = new ExactLimit(KEYS, PER_MINUTE, 60_000, BURST);
  const keys: KeyHash[] = Array.from({ length: KEYS }, (_, key) => hashOf(`run ${runs} key ${key}`));
  runs++;
  const startMs = performance.now();
  let lastMs = startMs;
  for (let [count, owed] = [0, 0]; lastMs - startMs < SECONDS * 1000; ) {
    await Bun.sleep(STEP_MS);
    const nowMs = performance.now();
    if (nowMs - lastMs > STALL_MS || all.some(({ isAway }) => isAway)) return null;
    owed += (perKey * KEYS * (nowMs - lastMs)) / 1000;
    lastMs = nowMs;
    for (; owed >= 1; owed--, count++) {
      const [key, instance] = arrivals(count, (nowMs - startMs) / 1000 / SECONDS);
      const atMs = performance.now();
      exact.request(key, atMs, all[instance].passes(keys[key]));
    }
  }
  return exact;
}

test.skipIf(!hasRedis).each([
  ["clients that come to all instances in turn, four times too often", 80, inTurn],
  ["clients that come anywhere, somewhat too often", 30, byChance],
  ["clients that come less often than they may", 15, byChance],
  ["clients that go from one instance to all others", 80, moving],
] as const)(
  "%s: in no window a tenth more than allowed, in all about as many as one limit lets pass",
  async (_, perKey, arrivals) => {
    const quota = { kind: "rate", requests: PER_MINUTE, periodMs: 60_000, burst: BURST } as const;
    const all = await sharingInstances(sharedLimit(`windows-${runs}`, quota), INSTANCES, redis.place(), ends);
    let exact: ExactLimit | null = null;
    for (let tries = 0; exact === null && tries < RUNS; tries++) exact = await run(all, perKey, arrivals);
    if (exact === null) {
      console.warn(`nothing was measured: this machine had no time for it in ${RUNS} runs`);
      return;
    }
    const above = exact.exceeded().find(({ factor }) => factor === 1.1);
    expect(above).toEqual({ factor: 1.1, keys: 0 });
    expect(exact.error).toBeWithin(-0.2, 0.02);
  },
);

test("a window above the limit is found wherever it begins", () => {
  const exact = new ExactLimit(1, 60, 60_000, 10);
  // A burst of ten, a second of nothing, and then twelve where the limit has let one come again in between.
  for (let i = 0; i < 10; i++) exact.request(0, 1000, true);
  expect(exact.exceeded()[0].keys).toBe(0);
  exact.request(0, 2000, true);
  expect(exact.exceeded()[0].keys).toBe(0);
  exact.request(0, 2001, true);
  expect(exact.exceeded().map(({ keys }) => keys)).toEqual(FACTORS.map((factor) => (factor < 12 / 11 ? 1 : 0)));
  expect([exact.passed, exact.allowed]).toEqual([12, 11]);
});
