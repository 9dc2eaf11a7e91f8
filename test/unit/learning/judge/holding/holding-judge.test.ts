import { describe, expect, test } from "bun:test";
import { type Random, seededRandom } from "../../../../../src/balancing/random.ts";
import {
  type HoldingEvent,
  HoldingJudge,
  type HoldingState,
} from "../../../../../src/learning/judge/holding/holding-judge.ts";
import { lognormal } from "../traffic.ts";

interface World {
  /** By how much longer a request takes while requests are held. */
  readonly factor: (nowMs: number) => number;
  readonly seconds: number;
  readonly seed?: number;
  readonly waiting?: (nowMs: number, holding: boolean) => number;
  readonly state?: HoldingState;
}

/** A hundred requests a second of 20 ms. @returns what was decided, and for which share of the time requests were held. */
function run({ factor, seconds, seed = 1, waiting = () => 0, state }: World) {
  const random: Random = seededRandom(seed);
  const judge = new HoldingJudge(seededRandom(seed + 1000).next, 0, state);
  const events: HoldingEvent[] = [];
  let held = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 50) {
    const { holding } = judge;
    if (holding) held++;
    for (let i = 0; i < 5; i++) {
      const latencyMs = 20 * lognormal(random) * (holding ? factor(nowMs) : 1);
      judge.observe({ arrivedMs: nowMs + 10 * i, heldMs: 0, latencyMs, failed: false });
    }
    const event = judge.tick(nowMs + 50, waiting(nowMs, holding));
    if (event !== undefined) events.push(event);
  }
  return { events, judge, held: held / (seconds * 20) };
}

const kinds = (events: readonly HoldingEvent[]) => events.map(({ kind }) => kind);

test("without a difference requests are held nine tenths of the time, and nothing is said", () => {
  const { events, held, judge } = run({ factor: () => 1, seconds: 600 });
  expect(events).toEqual([]);
  expect(held).toBeWithin(0.88, 0.95);
  expect(judge.stopped).toBe(false);
});

test("when holding makes requests slower by half it is turned off, with the figures", () => {
  for (const seed of [1, 2, 3]) {
    const { events, judge } = run({ factor: () => 1.5, seconds: 240, seed });
    expect(events[0].kind).toBe("holding_stopped");
    expect(events[0].reason).toMatch(/^requests fare worse when they are held: cost .* each a slice of time$/);
    expect(events[0].numbers.relative).toBeGreaterThan(0.2);
    expect(events[0].numbers.holdMs).toBe(10_000);
    expect(judge.stopped).toBe(true);
  }
});

test("when it is faster it is never turned off", () => {
  expect(run({ factor: () => 0.7, seconds: 900 }).events).toEqual([]);
});

test("it comes back through a probation once it does no harm any more", () => {
  const { events, judge } = run({ factor: (nowMs) => (nowMs < 120_000 ? 2 : 1), seconds: 400 });
  expect(kinds(events)[0]).toBe("holding_stopped");
  expect(kinds(events).slice(-2)).toEqual(["holding_probation_started", "holding_resumed"]);
  expect(judge.stopped).toBe(false);
});

test("each further time without it is twice as long", () => {
  const { events } = run({ factor: () => 3, seconds: 900 });
  const pauses = events.flatMap(({ kind, numbers }) => (kind === "holding_probation_started" ? [] : [numbers.holdMs]));
  expect(pauses.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
});

describe("while somebody is always held", () => {
  test("it is doubted after a minute: what is held is sent, and half of the time is without holding", () => {
    const always = (_: number, holding: boolean) => (holding ? 5 : 0);
    expect(run({ factor: () => 1, seconds: 55, waiting: always }).held).toBe(1);
    const { events, held } = run({ factor: () => 1.6, seconds: 300, waiting: always });
    expect(held).toBeLessThan(0.7);
    expect(kinds(events)).toContain("holding_stopped");
  });

  test("and less often when that shows nothing", () => {
    const always = (_: number, holding: boolean) => (holding ? 5 : 0);
    const { events, held } = run({ factor: () => 1, seconds: 1800, waiting: always });
    expect(events).toEqual([]);
    expect(held).toBeGreaterThan(0.9);
  });
});

test("what was decided survives a restart", () => {
  const { judge } = run({ factor: () => 3, seconds: 200 });
  const state = judge.state(200_000);
  expect(state.stopped).toBe(true);
  const next = new HoldingJudge(() => 0.5, 0, state);
  expect(next.holding).toBe(false);
  expect(next.state(0)).toEqual(state);
});

test("what is no time is not counted", () => {
  const judge = new HoldingJudge(() => 0.5, 0);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    judge.observe({ arrivedMs: 0, heldMs: 0, latencyMs: bad, failed: false });
    judge.observe({ arrivedMs: 0, heldMs: bad, latencyMs: 1, failed: false });
    judge.observe({ arrivedMs: bad === -1 ? Number.NaN : bad, heldMs: 0, latencyMs: 1, failed: false });
  }
  expect(judge.tick(50, 0)).toBeUndefined();
});
