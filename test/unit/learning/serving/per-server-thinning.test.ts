import { describe, expect, test } from "bun:test";
import {
  MOST_PER_SECOND,
  MOST_PER_SERVER,
  PerServerThinning,
} from "../../../../src/learning/serving/per-server-thinning.ts";

/** Offers outcomes for a second in rounds of 20 ms. @param perSecond by slot. @returns taken, by slot. */
function second(thinning: PerServerThinning, startMs: number, perSecond: readonly number[]): number[] {
  const taken = perSecond.map(() => 0);
  for (let round = 0; round < 50; round++) {
    thinning.begin(startMs + round * 20);
    perSecond.forEach((rate, slot) => {
      const here = Math.round((rate * (round + 1)) / 50) - Math.round((rate * round) / 50);
      for (let i = 0; i < here; i++) if (thinning.takes(slot, startMs + round * 20 + (i * 20) / here)) taken[slot]++;
    });
  }
  return taken;
}

describe("outcomes", () => {
  test("are all taken while they are no more than can be learned from", () => {
    const thinning = new PerServerThinning(4);
    for (let s = 0; s < 3; s++) expect(second(thinning, s * 1000, [400, 600, 500])).toEqual([400, 600, 500]);
  });

  test("beyond that are taken in the servers' proportions, and no more than the most", () => {
    const thinning = new PerServerThinning(4);
    second(thinning, 0, [40_000, 20_000, 10_000]);
    const [a, b, c] = second(thinning, 1000, [40_000, 20_000, 10_000]);
    expect(a + b + c).toBeLessThanOrEqual(3 * MOST_PER_SERVER * 1.02);
    expect(a + b + c).toBeGreaterThan(3 * MOST_PER_SERVER * 0.9);
    expect(a / c).toBeCloseTo(4, 1);
    expect(b / c).toBeCloseTo(2, 1);
  });

  test("of many servers are no more than the learner has time for", () => {
    const thinning = new PerServerThinning(100);
    const rates = Array.from({ length: 100 }, () => 1000);
    second(thinning, 0, rates);
    const taken = second(thinning, 1000, rates).reduce((sum, n) => sum + n, 0);
    expect(taken).toBeLessThanOrEqual(MOST_PER_SECOND);
    expect(taken).toBeGreaterThan(MOST_PER_SECOND * 0.9);
  });

  test("of a server that is hardly asked are all taken, whatever the others do", () => {
    const thinning = new PerServerThinning(4);
    second(thinning, 0, [80_000, 5]);
    expect(second(thinning, 1000, [80_000, 5])[1]).toBe(5);
  });

  test("are all taken again soon after the rush", () => {
    const thinning = new PerServerThinning(4);
    second(thinning, 0, [80_000]);
    expect(second(thinning, 1000, [80_000])).toEqual([MOST_PER_SERVER]);
    second(thinning, 2000, [400]);
    expect(second(thinning, 3000, [400])).toEqual([400]);
  });
});
