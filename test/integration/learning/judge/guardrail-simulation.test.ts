/** How soon the guardrail acts and how often without reason, on seeded traffic (docs/learning.md quotes these figures). */
import { describe, expect, test } from "bun:test";
import { initialState, Judge } from "../../../../src/learning/judge/judge.ts";
import { Rung } from "../../../../src/shared/memory/layout/learning.ts";
import { MINUTE, runArms, SECOND } from "../../../unit/learning/judge/traffic.ts";

const WORSE_FROM_MS = MINUTE;

/** Seconds from when the model turns worse until it is demoted, by seed, in rising order. */
function demotionDelays(requestsPerSecond: number, factor: number, seeds: number, withinSeconds: number): number[] {
  return Array.from({ length: seeds }, (_, seed) => {
    const verdicts = runArms(
      new Judge(initialState(1), 0),
      {
        requestsPerSecond,
        seed: seed + 1,
        untilMs: WORSE_FROM_MS + withinSeconds * SECOND,
        until: (seen) => seen.some(({ kind }) => kind === "demoted"),
      },
      (_version, rung, nowMs) => (rung === Rung.MODEL && nowMs > WORSE_FROM_MS ? factor : 1),
    );
    const demoted = verdicts.find(({ kind }) => kind === "demoted");
    return demoted === undefined ? Number.POSITIVE_INFINITY : (demoted.atMs - WORSE_FROM_MS) / SECOND;
  }).sort((a, b) => a - b);
}

describe("time until a model that turns worse is demoted (5 % control; median and 90th percentile, seconds)", () => {
  test.each([
    // requests/s, factor, seeds, median at most, 90th percentile at most
    [20, 2, 20, 120, 200],
    [20, 1.3, 10, 600, 1200],
    [200, 2, 20, 12, 20],
    [200, 1.3, 20, 75, 150],
    [200, 1.1, 10, 400, 800],
    [2000, 2, 5, 3, 4],
    [2000, 1.3, 5, 12, 20],
    [2000, 1.1, 5, 75, 120],
  ])("%d requests/s, %d times the latency", (requestsPerSecond, factor, seeds, median, ninetieth) => {
    const delays = demotionDelays(requestsPerSecond, factor, seeds, 3600);
    expect(delays[0]).toBeGreaterThan(0);
    expect(delays[Math.floor(seeds / 2)]).toBeLessThanOrEqual(median);
    expect(delays[Math.floor(seeds * 0.9)]).toBeLessThanOrEqual(ninetieth);
  });
});

describe("an hour without a difference, with drift, load steps and outages that hit all arms: no demotion", () => {
  const level = (nowMs: number) => {
    const step = nowMs % (15 * MINUTE) > 5 * MINUTE && nowMs % (15 * MINUTE) < 5.5 * MINUTE ? 8 : 1;
    return step * (1 + 0.5 * Math.sin(nowMs / 40_000));
  };
  const failures = (nowMs: number) =>
    nowMs % (20 * MINUTE) > 10 * MINUTE && nowMs % (20 * MINUTE) < 10.3 * MINUTE ? 0.5 : 0.001;
  test.each([
    [1, 20],
    [20, 20],
    [200, 10],
    [2000, 1],
  ])("%d requests/s, %d hours", (requestsPerSecond, hours) => {
    let demotions = 0;
    for (let seed = 1; seed <= hours; seed++) {
      const judge = new Judge(initialState(1), 0);
      const world = { requestsPerSecond, seed, untilMs: 60 * MINUTE, level, failures };
      demotions += runArms(judge, world, () => 1).filter(({ kind }) => kind === "demoted").length;
    }
    // At most one in 24 hours and test on average is what the threshold guarantees.
    expect(demotions).toBeLessThanOrEqual(Math.ceil(hours / 10));
  });
});

test("at one request a second it decides on nothing: even twice the latency gives no quick demotion, and no flapping", () => {
  const judge = new Judge(initialState(1), 0);
  const world = { requestsPerSecond: 1, seed: 5, untilMs: 60 * MINUTE };
  const verdicts = runArms(judge, world, (_version, rung) => (rung === Rung.MODEL ? 2 : 1));
  expect(verdicts.filter(({ kind }) => kind === "demoted").length).toBeLessThanOrEqual(1);
  for (const { atMs } of verdicts) expect(atMs).toBeGreaterThan(5 * MINUTE);
});

test("demoted for a table that was stale for a moment, the model is back within a minute", () => {
  const judge = new Judge(initialState(1), 0);
  const stale = (nowMs: number) => (nowMs > 60 * SECOND && nowMs < 63 * SECOND ? { tableAgeMs: 2000 } : {});
  const verdicts = runArms(judge, { requestsPerSecond: 200, seed: 1, untilMs: 5 * MINUTE, signs: stale }, () => 1);
  expect(verdicts.map(({ kind }) => kind)).toEqual(["demoted", "probation_started", "recovered"]);
  expect(verdicts[2].atMs - verdicts[0].atMs).toBeLessThan(60 * SECOND);
});
