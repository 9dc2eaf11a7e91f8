import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { DriftWatch, type TrainingInputs } from "../../../../../src/learning/judge/guardrail/drift.ts";
import { JUDGE_DEFAULTS } from "../../../../../src/learning/judge/options.ts";
import { lognormal } from "../traffic.ts";

const TRAINING: TrainingInputs = {
  names: ["cpu_usage", "active_conns", "response_p95", "capacity", "log_expected", "unused"],
  mean: [40, 5, 80, 10, 0, 1],
  scale: [15, 4, 60, 0, 0.5, 1],
  relevance: [1, 3, 2, 1, 5, 0.001],
  inputLimit: 4,
};
const SERVERS = 5;

/** A plausible row. */
function row(random: () => number): number[] {
  const spread = () => random() + random() + random() - 1.5;
  return [
    40 + 20 * spread(),
    Math.floor(random() * 12),
    60 * lognormal({ next: random, nextUint32: () => 0 }),
    10,
    spread() * 0.7,
    0,
  ];
}

/** Twenty seconds of ordinary rows, then ten of changed ones; the finding at the end. */
function findingOf(change: (row: number[], server: number) => number[], normal = (r: number[]) => r) {
  const watch = new DriftWatch(TRAINING, JUDGE_DEFAULTS.drift);
  const random = seededRandom(1).next;
  for (let nowMs = 0; nowMs < 30_000; nowMs += 100) {
    for (let server = 0; server < SERVERS; server++) {
      const ordinary = normal(row(random));
      watch.observe(nowMs < 20_000 ? ordinary : change(ordinary, server), nowMs);
    }
    if (nowMs === 19_900) expect(watch.finding(nowMs)).toBeUndefined();
  }
  return watch.finding(29_950);
}

describe("what happens every day is no drift", () => {
  test.each<[string, (row: number[], server: number) => number[]]>([
    ["nothing", (r) => r],
    ["twice the load", ([cpu, conns, p95, ...rest]) => [cpu * 2, conns * 2, p95 * 2, ...rest]],
    ["a surge to four times the load", ([, conns, p95, ...rest]) => [100, conns * 4, p95 * 3, ...rest]],
    ["one server fails", (r, server) => (server === 0 ? [0, 0, 1e6, 10, 8, 0] : r)],
    ["one server's metrics are gone", (r, server) => (server === 0 ? [Number.NaN, ...r.slice(1)] : r)],
    ["a constant of the training changes a little", ([a, b, c, , ...rest]) => [a, b, c, 11, ...rest]],
    ["a feature that the model does not heed is garbage", (r) => [...r.slice(0, 5), 1e9]],
  ])("%s", (_, change) => {
    expect(findingOf(change)).toBeUndefined();
  });
});

describe("garbage is drift, by name", () => {
  test.each<[string, string, (row: number[]) => number[]]>([
    [
      "a unit changed from milliseconds to microseconds",
      "response_p95",
      (r) => [...r.slice(0, 2), r[2] * 1000, ...r.slice(3)],
    ],
    ["a metric jumps to a hundred times and stays", "cpu_usage", (r) => [4000, ...r.slice(1)]],
    ["infinity", "active_conns", (r) => [r[0], Number.POSITIVE_INFINITY, ...r.slice(2)]],
    ["a constant of the training is ten times as large", "capacity", (r) => [...r.slice(0, 3), 100, ...r.slice(4)]],
    ["the estimate of our own is nonsense", "log_expected", (r) => [...r.slice(0, 4), -20, r[5]]],
    ["what used to be known is unknown", "active_conns", (r) => [r[0], Number.NaN, ...r.slice(2)]],
  ])("%s", (_, name, change) => {
    const finding = findingOf(change);
    expect(finding?.passed).toBe(false);
    expect(Object.keys(finding?.numbers ?? {})).toEqual([`shift_${name}`, `beyond_${name}`, `unknown_${name}`]);
    expect(finding?.reason).toContain(name);
  });
});

test("what was never known is no drift", () => {
  const silent = (r: number[]) => [Number.NaN, ...r.slice(1)];
  expect(findingOf(silent, silent)).toBeUndefined();
});

test("it shows within seconds, and goes when the garbage has gone", () => {
  const watch = new DriftWatch(TRAINING, JUDGE_DEFAULTS.drift);
  const random = seededRandom(2).next;
  const feed = (fromMs: number, toMs: number, scale: number) => {
    for (let nowMs = fromMs; nowMs < toMs; nowMs += 100) {
      for (let server = 0; server < SERVERS; server++) {
        const [a, b, c, ...rest] = row(random);
        watch.observe([a, b, c * scale, ...rest], nowMs);
      }
    }
    return watch.finding(toMs) !== undefined;
  };
  expect(feed(0, 10_000, 1)).toBe(false);
  expect(feed(10_000, 14_000, 1000)).toBe(true);
  expect(feed(14_000, 22_000, 1)).toBe(false);
});

test("too few inputs say nothing; an old window is empty", () => {
  const watch = new DriftWatch(TRAINING, JUDGE_DEFAULTS.drift);
  for (let i = 0; i < 20; i++) watch.observe([1e9, 1e9, 1e9, 1e9, 1e9, 1e9], i);
  expect(watch.finding(100)).toBeUndefined();
  for (let i = 0; i < 100; i++) watch.observe([1e9, 1e9, 1e9, 1e9, 1e9, 1e9], 200 + i);
  expect(watch.finding(400)).toBeDefined();
  expect(watch.finding(60_000)).toBeUndefined();
});

test("lists of different lengths are refused", () => {
  const training = { ...TRAINING, names: ["a", "b"], mean: [0], scale: [1, 1], relevance: [1, 1] };
  expect(() => new DriftWatch(training, JUDGE_DEFAULTS.drift)).toThrow("2 features but 1 values of mean");
});
