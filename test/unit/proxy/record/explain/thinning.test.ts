/** Which part of usual requests is kept, what is slow, and how many refusals are. */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { SlowWatch } from "../../../../../src/proxy/record/explain/slow-watch.ts";
import { Thinning } from "../../../../../src/proxy/record/explain/thinning.ts";
import { ExplainRing } from "../../../../../src/shared/memory/layout/explain.ts";

const WORDS = 50;
const RING_WORDS = 4_000_000;

function thinning(): Thinning {
  const limits = new Float64Array(2);
  limits[ExplainRing.USUAL] = RING_WORDS;
  return new Thinning(limits);
}

/** So many seconds of `rate` requests a second. @returns words that were kept of each second. */
function run(of: Thinning, fromSecond: number, seconds: number, rate: number): number[] {
  const kept: number[] = [];
  for (let second = fromSecond; second < fromSecond + seconds; second++) {
    of.begin(second * 1000);
    of.words = (rate * WORDS) / 2 ** of.bits;
    kept.push(of.words);
  }
  return kept;
}

describe("usual requests", () => {
  test("are all kept where ten minutes of them fit", () => {
    const of = thinning();
    run(of, 0, 300, RING_WORDS / WORDS / 700);
    expect(of.bits).toBe(0);
  });

  test("are thinned so that ten minutes fit, whatever comes", () => {
    for (const rate of [1_000, 8_000, 50_000]) {
      const of = thinning();
      const kept = run(of, 0, 1200, rate).slice(600);
      const words = kept.reduce((sum, one) => sum + one, 0);
      expect(words).toBeLessThanOrEqual(RING_WORDS);
      expect(words).toBeGreaterThan(RING_WORDS / 4);
    }
  });

  test("are all kept again when the rush is over", () => {
    const of = thinning();
    run(of, 0, 100, 50_000);
    expect(of.bits).toBeGreaterThan(3);
    run(of, 100, 100, 5);
    expect(of.bits).toBe(0);
    run(of, 0, 100, 50_000);
    of.begin(10_000_000);
    expect(of.bits).toBe(0);
  });
});

test("refusals that clients bring upon themselves are halved as they come faster, until the second ends", () => {
  const of = thinning();
  of.begin(0);
  for (let i = 0; i < 63; i++) of.refusalKept();
  expect(of.refusalBits).toBe(0);
  of.refusalKept();
  expect(of.refusalBits).toBe(1);
  for (let i = 0; i < 128; i++) of.refusalKept();
  expect(of.refusalBits).toBe(3);
  expect(of.isOver(999)).toBe(false);
  expect(of.isOver(1000)).toBe(true);
  of.begin(1000);
  expect(of.refusalBits).toBe(0);
});

describe("what is slow", () => {
  test("is the slowest hundredth of late where nobody says", () => {
    const watch = new SlowWatch();
    const { next } = seededRandom(3);
    let slow = 0;
    for (let i = 0; i < 60_000; i++) {
      const ms = -Math.log(1 - next()) * 10;
      const thresholdMs = watch.look(ms, 0);
      if (i > 10_000 && ms > thresholdMs) slow++;
    }
    expect(slow / 50_000).toBeGreaterThan(0.007);
    expect(slow / 50_000).toBeLessThan(0.014);
  });

  test("is what history says, and nothing before enough has come", () => {
    const watch = new SlowWatch();
    expect(watch.look(5, 0)).toBe(0);
    expect(watch.look(5, 250)).toBe(250);
  });
});
