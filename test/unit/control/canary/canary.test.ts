/** One canary as a state machine, and what becomes of pools of which the truth is known. */
import { describe, expect, test } from "bun:test";
import { Canary } from "../../../../src/control/canary/canary.ts";
import { canaryOverride, counts, MINUTE, run, SECOND, type World } from "./traffic.ts";

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

/** Its states at the end, and when the last thing was done, over seeds. */
function outcomes(world: Omit<World, "seed">, untilMs: number) {
  const courses = SEEDS.map((seed) => run({ ...world, seed }, untilMs));
  return {
    states: courses.map(({ canary }) => canary.state),
    slowestMs: Math.max(...courses.map(({ acts }) => acts.at(-1)?.atMs ?? Number.POSITIVE_INFINITY)),
  };
}

describe("at 200 requests a second", () => {
  const BUSY = { requestsPerSecond: 200 };

  test("a pool that is just as good is promoted within the hour, step by step", () => {
    const { states, slowestMs } = outcomes(BUSY, 61 * MINUTE);
    // One in twenty may be rolled back by chance, over all its steps.
    expect(states.filter((state) => state !== "promoted").length).toBeLessThanOrEqual(1);
    expect(slowestMs).toBeLessThanOrEqual(61 * MINUTE);
    const { acts } = run({ ...BUSY, seed: 1 }, 61 * MINUTE);
    expect(acts.map(({ kind, percent }) => [kind, percent])).toEqual([
      ["advance", 25],
      ["advance", 50],
      ["promote", 100],
    ]);
  });

  test("an outage of both pools is nobody's fault", () => {
    const outage = (nowMs: number) => (nowMs % (5 * MINUTE) < 30 * SECOND ? 0.5 : 0);
    const { states } = outcomes({ ...BUSY, outage }, 30 * MINUTE);
    expect(states.filter((state) => state === "rolled_back").length).toBeLessThanOrEqual(1);
  });

  test("one that is 30 % slower goes back within minutes, one that is twice as slow within half a minute", () => {
    expect(outcomes({ ...BUSY, factor: 1.3 }, 5 * MINUTE).states).toEqual(SEEDS.map(() => "rolled_back"));
    expect(outcomes({ ...BUSY, factor: 2 }, 30 * SECOND).states).toEqual(SEEDS.map(() => "rolled_back"));
  });

  test("one that fails everything goes back within seconds, however fast it fails", () => {
    const failing = outcomes({ ...BUSY, factor: 0.05, failing: 1 }, MINUTE);
    expect(failing.states).toEqual(SEEDS.map(() => "rolled_back"));
    expect(failing.slowestMs).toBeLessThanOrEqual(5 * SECOND);
    expect(outcomes({ ...BUSY, failing: 0.05 }, 5 * MINUTE).states).toEqual(SEEDS.map(() => "rolled_back"));
  });

  test("where clients stay in their pool it takes longer, and comes to the same", () => {
    const failing = outcomes({ ...BUSY, failing: 1, assignment: "client" }, MINUTE);
    expect(failing.states).toEqual(SEEDS.map(() => "rolled_back"));
    expect(failing.slowestMs).toBeGreaterThan(5 * SECOND);
  });

  test("one that is better goes on as soon as a step may end", () => {
    const { acts } = run({ ...BUSY, seed: 3, factor: 0.7 }, 7 * MINUTE);
    expect(acts.map(({ atMs }) => atMs)).toEqual([2 * MINUTE, 4 * MINUTE, 6 * MINUTE]);
  });
});

test("a pool that loses its servers goes back", () => {
  const { acts, canary } = run({ seed: 1, requestsPerSecond: 1, usable: (nowMs) => nowMs < MINUTE }, 2 * MINUTE);
  expect(canary.verdict).toBe("unusable");
  expect(acts).toEqual([
    { kind: "roll_back", percent: 0, why: "pool next has no server that is up", atMs: MINUTE + 3 * SECOND },
  ]);
});

test("without traffic it waits, for however long", () => {
  const { acts, canary } = run({ seed: 1, requestsPerSecond: 0 }, 60 * MINUTE);
  expect(acts).toEqual([]);
  expect(canary).toMatchObject({ state: "running", verdict: null });
  expect(canary.sentence).toContain("waits for requests");
});

describe("one that does not go by itself", () => {
  const GOOD = { canary: counts([20, 100]), stable: counts([40, 100]), usable: true };
  const BAD = { canary: counts([20, 100, 100]), stable: counts([40, 100]), usable: true };

  function waiting(): { canary: Canary; look: (view: typeof GOOD, seconds: number) => number } {
    const canary = new Canary(canaryOverride({ auto: false }), "request", 0, 0);
    let nowMs = 0;
    const look = (view: typeof GOOD, seconds: number) => {
      let verdicts = 0;
      for (let i = 0; i < seconds; i++) {
        nowMs += SECOND;
        if (canary.look(view, nowMs)) verdicts++;
      }
      return verdicts;
    };
    return { canary, look };
  }

  test("says what it would do, once, and waits for an operator", () => {
    const { canary, look } = waiting();
    expect(look(GOOD, 119)).toBe(0);
    expect(canary).toMatchObject({ state: "running", advice: null });
    expect(look(GOOD, 600)).toBe(1);
    expect(canary).toMatchObject({ state: "waiting", verdict: "no_worse", advice: { kind: "advance", percent: 25 } });
  });

  test("sees when it turns bad while it waits, and says that, too", () => {
    const { canary, look } = waiting();
    look(GOOD, 300);
    expect(look(BAD, 30)).toBe(1);
    expect(canary).toMatchObject({ state: "waiting", verdict: "worse", advice: { kind: "roll_back" } });
    expect(look(GOOD, 600)).toBe(0);
    expect(canary.verdict).toBe("worse");
  });

  test("an operator who gives it more begins a step; one who lets it go by itself does not", () => {
    const { canary, look } = waiting();
    look(GOOD, 300);
    canary.change(canaryOverride({ auto: true }, 2_000), 300 * SECOND, 2_000);
    expect(canary).toMatchObject({ state: "running", verdict: "no_worse", advice: { kind: "advance" } });
    canary.change(canaryOverride({ auto: false, percent: 50 }, 3_000), 300 * SECOND, 3_000);
    expect(canary).toMatchObject({ state: "running", verdict: null, advice: null, stepMs: 3_000 });
    expect(canary.figures.canary.requests).toBe(0);
  });
});

test("the last step is promoted: as it is, or with all where nothing would be left to compare with", () => {
  const at = (percent: number, steps: readonly number[]) => {
    const terms = { percent, steps, minDurationMs: SECOND, minRequests: 1, auto: false };
    const canary = new Canary(canaryOverride(terms), "request", 0, 0);
    const view = { canary: counts([20, 100]), stable: counts([40, 100]), usable: true };
    for (let second = 1; second <= 60; second++) canary.look(view, second * SECOND);
    return canary.advice;
  };
  expect(at(50, [5, 50])).toMatchObject({ kind: "promote", percent: 50 });
  expect(at(50, [5, 50, 100])).toMatchObject({ kind: "promote", percent: 100 });
  expect(at(10, [5, 25, 100])).toMatchObject({ kind: "advance", percent: 25 });
});

test("what has ended looks at nothing any more", () => {
  const canary = new Canary(canaryOverride(), "request", 0, 0);
  canary.end("ended", "its route is gone");
  expect(canary.look({ canary: counts(), stable: counts(), usable: false }, 60 * MINUTE)).toBe(false);
  expect(canary).toMatchObject({ isLive: false, state: "ended", sentence: "its route is gone", advice: null });
});
