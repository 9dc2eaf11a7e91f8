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
  limits.tick(SLOTS, 2, seconds * 1000, limit, 0);
  return limit;
}

test("who is not known has no limit", () => {
  const limits = new ConcurrencyLimits(4);
  const limit = Int32Array.of(7, 7, 7, 7);
  limits.tick(SLOTS, 2, 1000, limit, 0);
  expect([...limit]).toEqual([0, 0, 7, 7]);
});

test("a limit is the size with a margin, each server's own", () => {
  const limit = learn([2, 8], 60);
  expect(limit[0]).toBeWithin(2, 4);
  expect(limit[1]).toBeWithin(8, 13);
});

test("a server whose latency does not rise with load has none", () => {
  expect(learn([1000, 1000], 60)[0]).toBe(0);
});

/** A limiter that has learned of two servers of four workers, and what feeds it on: `inFlight` says how many find how many. */
function learned() {
  const limits = new ConcurrencyLimits(4);
  const { next } = seededRandom(7);
  const limit = new Int32Array(4);
  let nowMs = 0;
  const feed = (seconds: number, slot: number, size: number, inFlight: () => number) => {
    for (const untilMs = nowMs + seconds * 1000; nowMs < untilMs; nowMs += 5) {
      const found = Math.floor(inFlight());
      const meanMs = 20 * Math.max(1, (found + 1) / size);
      limits.observe(slot, -Math.log(1 - next()) * meanMs, false, found, nowMs);
      if (nowMs % 50 === 0) limits.tick(SLOTS, 2, nowMs, limit, 0);
    }
  };
  for (let round = 0; round < 20; round++) for (const slot of SLOTS) feed(1, slot, 4, () => next() * 10);
  return { limits, limit, feed, next, tick: () => limits.tick(SLOTS, 2, nowMs, limit, 0) };
}

test("a limit rises by steps: to half as much again as the server was seen to respond to", () => {
  const { limits, limit, feed, next } = learned();
  expect(limits.settledLimit(0)).toBeWithin(4, 7);
  // It takes any number of requests at once now, but is not given more than four of them.
  feed(20, 0, 1000, () => 3);
  expect(limits.settledLimit(0)).toBeLessThanOrEqual(7);
  let present = limits.settledLimit(0);
  for (let i = 0; i < 400 && present > 0; i++) {
    const before = present;
    // As many as it may have, probes included, at any time.
    feed(0.05, 0, 1000, () => next() * limit[0]);
    present = limits.settledLimit(0);
    expect(present).toBeLessThanOrEqual(Math.floor(1.5 * 2 * before) + 1);
    if (present > 40) return;
  }
  expect(present).toBe(0);
});

test("it falls at once, and within seconds when the server has become smaller", () => {
  const { limits, feed, next } = learned();
  feed(6, 0, 1, () => next() * 6);
  expect(limits.settledLimit(0)).toBeLessThanOrEqual(2);
});

test("who is new begins with what the others have", () => {
  const { limits, tick } = learned();
  limits.clear(1);
  expect(limits.settledLimit(1)).toBe(0);
  tick();
  expect(limits.settledLimit(1)).toBeWithin(3, 9);
});

test("now and then a server may have more, and then fewer", () => {
  const { limits, limit, feed, next } = learned();
  const seen = new Set<number>();
  for (let i = 0; i < 100; i++) {
    feed(0.1, 0, 4, () => next() * 6);
    seen.add(Math.sign(limit[0] - limits.settledLimit(0)));
  }
  expect(seen).toEqual(new Set([-1, 0, 1]));
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
