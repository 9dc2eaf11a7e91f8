import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { costOf } from "../../../../../src/evidence/cost.ts";
import type { Finding } from "../../../../../src/learning/judge/finding.ts";
import { JUDGE_DEFAULTS, type ShadowOptions } from "../../../../../src/learning/judge/options.ts";
import type { DecisionViews, PolicyView } from "../../../../../src/learning/judge/record.ts";
import { Shadow } from "../../../../../src/learning/judge/trials/shadow/shadow.ts";
import { lognormal } from "../traffic.ts";

const OPTIONS = JUDGE_DEFAULTS.shadow;
const EXPLORATION = 0.01;
type Predicts = (slot: number, k: number) => number;

function view(score: Predicts, predicted: Predicts = score): PolicyView {
  return { score, predicted };
}

interface Study {
  readonly speeds: readonly number[];
  readonly views: DecisionViews;
  readonly perSecond?: number;
  readonly seconds?: number;
  readonly options?: Partial<ShadowOptions>;
  readonly exploration?: number;
}

/** Champion's traffic with known truth: latency is `20 ms · speed · (1 + 0.2 k) · lognormal`, the mean is 30 ms. */
function study(
  seed: number,
  { speeds, views, perSecond = 200, seconds = 400, options = {}, exploration = EXPLORATION }: Study,
) {
  const random = seededRandom(seed);
  const shadow = new Shadow({ ...OPTIONS, ...options }, 0);
  const slots = speeds.map((_, slot) => slot);
  const truth = { candidate: 0, champion: 0 };
  const attempt = (slot: number, k: number) => 20 * speeds[slot] * (1 + 0.2 * k) * lognormal(random);
  for (let second = 1; second <= seconds; second++) {
    for (let i = 0; i < perSecond; i++) {
      const inFlight = slots.map(() => Math.floor(-Math.log(1 - random.next()) * 2));
      const by = (policy: PolicyView) =>
        [...slots].sort((a, b) => policy.score(a, inFlight[a]) - policy.score(b, inFlight[b]));
      const order = by(views.incumbent);
      const explores = random.next() < exploration;
      const slot = order[explores ? 1 : 0];
      const wanted = by(views.candidate)[0];
      truth.champion += costOf(attempt(order[0], inFlight[order[0]]), false, 30);
      truth.candidate += costOf(attempt(wanted, inFlight[wanted]), false, 30);
      const latencyMs = attempt(slot, inFlight[slot]);
      const nowMs = second * 1000;
      shadow.observe(
        {
          arm: "champion",
          modelVersion: 1,
          slot,
          latencyMs,
          failed: false,
          inFlight: inFlight[slot],
          dispatchedMs: nowMs,
          endedMs: nowMs,
          propensity: explores ? exploration : 1 - exploration,
          meanMs: 30,
          candidates: slots,
          candidatesInFlight: inFlight,
        },
        views,
      );
    }
    const finding = shadow.finding(second * 1000);
    if (finding !== undefined) return { finding, seconds: second, truth: truth.candidate / truth.champion - 1 };
  }
  throw new Error("the shadow never ended");
}

const exact =
  (speeds: readonly number[]): Predicts =>
  (slot, k) =>
    (speeds[slot] * (1 + 0.2 * k)) / 1.5;

describe("the estimate is doubly robust", () => {
  const speeds = [1, 2];
  const candidate = view(exact(speeds));
  const incumbent = view(exact([1.5, 1.5]));
  // No verdict before all the data is in.
  const options = { leastRecords: 60_000, mostRecords: 60_000, mostMs: 1e9 };
  const shapes: [string, Predicts][] = [
    ["with a right outcome model", exact(speeds)],
    ["with a wrong outcome model and right propensities", () => 1],
    ["with an outcome model that believes the opposite", exact([2, 1])],
  ];
  test.each(shapes)("%s", (_, direct) => {
    let inside = 0;
    let total = 0;
    let truth = 0;
    const seeds = 10;
    for (let seed = 1; seed <= seeds; seed++) {
      const { finding, truth: true_ } = study(seed, { speeds, views: { candidate, incumbent, direct }, options });
      const { estimatedDifference, estimatedDifferenceError } = finding.numbers;
      total += estimatedDifference;
      truth += true_;
      if (Math.abs(estimatedDifference - true_) <= 2.5 * estimatedDifferenceError) inside++;
    }
    expect(truth / seeds).toBeLessThan(-0.1);
    expect(Math.abs(total - truth) / seeds).toBeLessThan(0.04);
    expect(inside).toBeGreaterThanOrEqual(8);
  });
});

/** Findings of many seeds of one case, among four servers and an incumbent that knows them fairly well. */
const SPEEDS = [1, 1, 2, 3];
const KNOWS = view(exact([1.2, 0.9, 1.8, 3.2]));
function findings(candidate: PolicyView, seeds = 8, incumbent = KNOWS): Finding[] {
  const views = { candidate, incumbent, direct: exact([1.1, 1.1, 1.7, 2.8]) };
  return Array.from({ length: seeds }, (_, i) => study(i + 1, { speeds: SPEEDS, views }).finding);
}

describe("passes", () => {
  test("a better candidate", () => {
    for (const finding of findings(view(exact(SPEEDS)))) {
      expect(finding.passed).toBe(true);
      expect(finding.numbers.agreement).toBeGreaterThan(0.3);
      expect(finding.numbers.calibration).toBeGreaterThan(0.85);
      expect(finding.numbers.calibration).toBeLessThan(1.15);
    }
  });

  test("one that is exactly the incumbent", () => {
    for (const finding of findings(KNOWS)) expect(finding).toMatchObject({ passed: true, numbers: { agreement: 1 } });
  });

  test("one whose dissent is hardly ever tried, if it predicts no worse: the canary will tell", () => {
    // The fast server is the fifth in the incumbent's eyes, so exploration never goes there.
    const speeds = [1, 1, 1, 1, 0.8];
    const views = {
      candidate: view((slot, k) => exact(speeds)(slot, k) * (slot === 4 && k < 4 ? 0.1 : 1), exact(speeds)),
      incumbent: view((slot, k) => (slot === 4 ? 1000 : exact(speeds)(slot, k)), exact(speeds)),
      direct: exact(speeds),
    };
    const { finding, seconds } = study(1, { speeds, views, options: { herdShare: 2 } });
    expect(seconds).toBe(OPTIONS.mostMs / 1000);
    expect(finding.passed).toBe(true);
    expect(finding.reason).toStartWith("inconclusive");
  });
});

describe("fails", () => {
  test("a poisoned candidate that believes the opposite, in seconds", () => {
    for (const finding of findings(view(exact([3, 3, 1.5, 1])))) {
      expect(finding.passed).toBe(false);
      expect(finding.numbers.records).toBeLessThan(5000);
    }
  });

  test("one that predicts well and chooses badly", () => {
    for (const finding of findings(view((slot, k) => -exact(SPEEDS)(slot, k), exact(SPEEDS)))) {
      expect(finding.passed).toBe(false);
    }
  });

  test("one whose predictions are all too low", () => {
    for (const finding of findings(view((slot, k) => exact(SPEEDS)(slot, k) / 3))) {
      expect(finding).toMatchObject({ passed: false, reason: expect.stringContaining("predicts worse") });
    }
  });

  test("one that sends everything to one server, however well it predicts", () => {
    for (const finding of findings(view((slot) => slot, exact(SPEEDS)))) {
      expect(finding).toMatchObject({ passed: false, reason: expect.stringContaining("it would send 100 %") });
    }
  });

  test.each<[string, PolicyView, string]>([
    ["a score", view((slot, k) => (slot === 2 && k > 3 ? Number.NaN : k), exact(SPEEDS)), "a score of the candidate"],
    ["a prediction", view(exact(SPEEDS), () => Number.NaN), "predicts a cost of NaN"],
    ["an infinite prediction", view(exact(SPEEDS), () => Number.POSITIVE_INFINITY), "predicts a cost of Infinity"],
    ["a prediction of nothing", view(exact(SPEEDS), () => 0), "predicts a cost of 0"],
  ])("at once on %s that is no number", (_, candidate, reason) => {
    for (const finding of findings(candidate, 1)) {
      expect(finding).toMatchObject({ passed: false, reason: expect.stringContaining(reason) });
    }
  });
});

test("only the champion's arm counts, and a propensity must be one", () => {
  const shadow = new Shadow(OPTIONS, 0);
  const record = {
    arm: "control" as const,
    modelVersion: null,
    slot: 0,
    latencyMs: 10,
    failed: false,
    inFlight: 0,
    dispatchedMs: 0,
    endedMs: 10,
    propensity: 1,
    meanMs: 30,
    candidates: [0, 1],
    candidatesInFlight: [0, 0],
  };
  const views = { candidate: KNOWS, incumbent: KNOWS, direct: exact(SPEEDS) };
  shadow.observe(record, views);
  shadow.observe({ ...record, arm: "champion", candidates: [0], candidatesInFlight: [0] }, views);
  expect(shadow.records).toBe(0);
  shadow.observe({ ...record, arm: "champion" }, views);
  expect(shadow.records).toBe(1);
  expect(() => shadow.observe({ ...record, arm: "champion", propensity: 0 }, views)).toThrow("propensity is 0");
});

test("where nobody explores there is no waiting for what will not come: who predicts well passes, who does not fails", () => {
  const direct = exact([1.1, 1.1, 1.7, 2.8]);
  const run = (candidate: PolicyView) =>
    study(1, { speeds: SPEEDS, views: { candidate, incumbent: KNOWS, direct }, exploration: 0 });
  const good = run(view(exact(SPEEDS)));
  expect(good.finding).toMatchObject({ passed: true, numbers: { overlap: 0 } });
  expect(good.seconds).toBe(OPTIONS.leastMs / 1000);
  expect(run(view(exact([3, 3, 1, 1]))).finding.passed).toBe(false);
});
