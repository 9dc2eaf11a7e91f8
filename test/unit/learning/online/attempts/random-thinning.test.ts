import { describe, expect, test } from "bun:test";
import { RandomThinning } from "../../../../../src/learning/online/attempts/random-thinning.ts";
import { seeded } from "../../../../support/networks.ts";

describe("thinning", () => {
  const passed = (perSecond: number, rate: number, seconds: number) => {
    const thinning = new RandomThinning(() => perSecond, seeded(1));
    const counts: number[] = [];
    for (let i = 0; i < rate * seconds; i++) {
      const second = Math.floor(i / rate);
      counts[second] = (counts[second] ?? 0) + (thinning.passes((i * 1000) / rate) ? 1 : 0);
    }
    return counts;
  };

  test("lets all of a light traffic pass, and about as much as is wanted of a heavy one", () => {
    expect(passed(200, 150, 5)).toEqual([150, 150, 150, 150, 150]);
    const [first, ...rest] = passed(200, 5000, 6);
    expect(first).toBe(400); // it is not known yet that there are so many
    for (const count of rest) {
      expect(count).toBeGreaterThan(150);
      expect(count).toBeLessThan(250);
    }
  });

  test("takes all again when traffic ends and comes back", () => {
    const thinning = new RandomThinning(() => 10, seeded(1));
    for (let i = 0; i < 1000; i++) thinning.passes(i);
    thinning.passes(60_000);
    expect([61_001, 61_002, 61_003].map((ms) => thinning.passes(ms))).toEqual([true, true, true]);
  });
});
