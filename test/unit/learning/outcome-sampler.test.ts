import { describe, expect, test } from "bun:test";
import { MOST_PER_SECOND, OutcomeSampler } from "../../../src/learning/outcome-sampler.ts";

/** Offers outcomes for a second in rounds of 20 ms. @param perSecond by slot. @returns taken, by slot. */
function second(sampler: OutcomeSampler, startMs: number, perSecond: readonly number[]): number[] {
  const taken = perSecond.map(() => 0);
  for (let round = 0; round < 50; round++) {
    sampler.begin(startMs + round * 20);
    perSecond.forEach((rate, slot) => {
      const here = Math.round((rate * (round + 1)) / 50) - Math.round((rate * round) / 50);
      for (let i = 0; i < here; i++) if (sampler.takes(slot, startMs + round * 20 + (i * 20) / here)) taken[slot]++;
    });
  }
  return taken;
}

describe("outcomes", () => {
  test("are all taken while they are no more than can be learned from", () => {
    const sampler = new OutcomeSampler(4);
    for (let s = 0; s < 3; s++) expect(second(sampler, s * 1000, [4000, 4000, 1500])).toEqual([4000, 4000, 1500]);
  });

  test("beyond that are taken in the servers' proportions, and no more than the most", () => {
    const sampler = new OutcomeSampler(4);
    second(sampler, 0, [40_000, 20_000, 10_000]);
    const [a, b, c] = second(sampler, 1000, [40_000, 20_000, 10_000]);
    expect(a + b + c).toBeLessThanOrEqual(MOST_PER_SECOND * 1.01);
    expect(a + b + c).toBeGreaterThan(MOST_PER_SECOND * 0.9);
    expect(a / c).toBeCloseTo(4, 1);
    expect(b / c).toBeCloseTo(2, 1);
  });

  test("of a server that is hardly asked are all taken, whatever the others do", () => {
    const sampler = new OutcomeSampler(4);
    second(sampler, 0, [80_000, 5]);
    expect(second(sampler, 1000, [80_000, 5])[1]).toBe(5);
  });

  test("are all taken again soon after the rush", () => {
    const sampler = new OutcomeSampler(4);
    second(sampler, 0, [80_000]);
    expect(sampler.every).toBe(8);
    second(sampler, 1000, [500]);
    expect(sampler.every).toBe(1);
    expect(second(sampler, 2000, [500])).toEqual([500]);
  });
});
