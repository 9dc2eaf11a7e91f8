import { expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { ConcurrencyLimits } from "../../../../src/learning/limits/concurrency-limits.ts";

const SLOTS = [0, 1];

/** Two servers of those sizes under loads that go up and down: 20 ms of exponential work, `seconds` of 200 requests each. */
function learn(sizes: readonly number[], seconds: number, seed = 1): Int32Array {
  const limits = new ConcurrencyLimits(4);
  const limit = new Int32Array(4).fill(-1);
  const { next } = seededRandom(seed);
  for (let i = 0; i < seconds * 200; i++) {
    const nowMs = i * 5;
    for (const slot of SLOTS) {
      const inFlight = Math.floor(next() * 20);
      const meanMs = 20 * Math.max(1, (inFlight + 1) / sizes[slot]);
      limits.observe(slot, -Math.log(1 - next()) * meanMs, false, inFlight, nowMs);
    }
  }
  limits.tick(SLOTS, 2, seconds * 1000, limit);
  return limit;
}

test("who is not known has no limit", () => {
  const limits = new ConcurrencyLimits(4);
  const limit = Int32Array.of(7, 7, 7, 7);
  limits.tick(SLOTS, 2, 1000, limit);
  expect([...limit]).toEqual([0, 0, 7, 7]);
});

test("a limit is the size with a margin, each server's own", () => {
  const limit = learn([2, 8], 60);
  expect(limit[0]).toBeWithin(2, 8);
  expect(limit[1]).toBeWithin(8, 18);
});

test("a server whose latency does not rise with load has none", () => {
  expect(learn([1000, 1000], 60)[0]).toBe(0);
});

test("patience follows from the fleet's pace, within bounds", () => {
  const limits = new ConcurrencyLimits(4);
  for (let i = 0; i < 100; i++) limits.observe(0, 20, false, 1, i);
  expect(limits.patienceMs).toBeCloseTo(1000);
  for (let i = 0; i < 100; i++) limits.observe(0, 60_000, false, 1, 1e6 + i);
  expect(limits.patienceMs).toBe(5000);
});

test("failures and what is no latency say nothing", () => {
  const limits = new ConcurrencyLimits(4);
  const before = limits.patienceMs;
  limits.observe(0, Number.NaN, false, 1, 0);
  limits.observe(0, 500, true, 1, 0);
  expect(limits.patienceMs).toBe(before);
});
