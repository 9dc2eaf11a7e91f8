/** Keys that were idle for as long as it takes units to wrap around: hours on a faked clock. */
import { describe, expect, test } from "bun:test";
import { ageTimes, agingPeriodMs } from "../../../../../src/shared/memory/rate-limits/aging.ts";
import { gcraTerms } from "../../../../../src/shared/memory/rate-limits/gcra.ts";
import type { KeyHash } from "../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { Verdict } from "../../../../../src/shared/memory/rate-limits/limit-counts.ts";
import { limitMemory } from "../../../../../src/shared/memory/rate-limits/limit-file.ts";
import { RateCounts } from "../../../../../src/shared/memory/rate-limits/rate-counts.ts";

const START_MS = 1_234_567;
const BURST = 1000;
const key: KeyHash = { hi: 77, lo: 1234 };

/** A million a second: a unit is a microsecond. */
function fast() {
  const memory = limitMemory({ keys: 64, concurrent: false, shared: false }, { k0: 1, k1: 2 });
  const terms = gcraTerms(1_000_000, 1000, BURST);
  return { memory, terms, counts: new RateCounts(memory, terms) };
}

/** Just before units have wrapped around to what is kept of the key. */
function wrapMs({ terms }: ReturnType<typeof fast>): number {
  return START_MS + (2 ** 32 - 5 * BURST) / terms.unitsPerMs;
}

describe("units that wrap around", () => {
  test("without aging a key is taken for one that is far ahead", () => {
    const limit = fast();
    expect(limit.counts.take(key, START_MS, true)).toBe(Verdict.ALLOWED);
    expect(limit.counts.take(key, wrapMs(limit), true)).toBe(Verdict.REFUSED);
  });

  test("aged as often as it has to be, it has its burst", () => {
    const limit = fast();
    expect(limit.counts.take(key, START_MS, true)).toBe(Verdict.ALLOWED);
    const end = wrapMs(limit);
    // As late as the supervisor may be with it: it looks once a minute.
    const step = agingPeriodMs(limit.terms) + 60_000;
    for (let at = START_MS + step; at < end; at += step) ageTimes(limit.memory, limit.terms, at);
    expect(limit.counts.take(key, end, true)).toBe(Verdict.ALLOWED);
    expect(limit.counts.remaining).toBe(BURST - 1);
  });

  test("what is ahead stays, also for a worker whose clock is late", () => {
    const limit = fast();
    for (let i = 0; i < BURST; i++) limit.counts.take(key, START_MS, true);
    ageTimes(limit.memory, limit.terms, START_MS);
    expect(limit.counts.take(key, START_MS, true)).toBe(Verdict.REFUSED);
    ageTimes(limit.memory, limit.terms, START_MS + 9000);
    expect(limit.counts.take(key, START_MS + 500, true)).toBe(Verdict.ALLOWED);
    expect(limit.counts.remaining).toBe(BURST - 1);
  });

  test("it is often enough for every rate", () => {
    for (const [requests, periodMs, burst] of [
      [1_000_000, 1000, 1_000_000],
      [15_625, 1000, 1],
      [1, 30 * 86_400_000, 1_000_000],
    ] as const) {
      const terms = gcraTerms(requests, periodMs, burst);
      const lateMs = agingPeriodMs(terms) + 120_000;
      expect(lateMs * terms.unitsPerMs + terms.horizon).toBeLessThan(2 ** 32);
    }
  });
});
