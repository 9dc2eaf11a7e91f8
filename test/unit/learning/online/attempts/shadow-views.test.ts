import { describe, expect, test } from "bun:test";
import { crowdFactor } from "../../../../../src/balancing/crowd.ts";
import { columnOf } from "../../../../../src/balancing/score-columns.ts";
import { FEATURE_NAMES } from "../../../../../src/learning/features/feature-names.ts";
import { shadowViews } from "../../../../../src/learning/online/attempts/shadow-views.ts";
import type { PublishedTable } from "../../../../../src/learning/serving/table-history.ts";
import type { RecordedCandidate, RecordedDecision } from "../../../../../src/learning/serving/worker-rings.ts";
import { SCORE_COLUMNS } from "../../../../../src/shared/memory/layout/learning.ts";

const LOG_EXPECTED = FEATURE_NAMES.indexOf("log_expected");
const MEAN_MS = 20;
const SLOTS = [4, 9];
const WEIGHT = new Float64Array(16).fill(1);

/** A table whose cost is `cost` of each server plus what is in flight; the estimator expects 1 + k means. */
function table(cost: readonly number[], changed: Partial<PublishedTable> = {}): PublishedTable {
  const costs = new Float32Array(cost.length * SCORE_COLUMNS);
  for (const [server, base] of cost.entries()) {
    for (let k = 0; k < 12; k++) costs[server * SCORE_COLUMNS + columnOf(k)] = base + k;
  }
  const features = {
    slots: Int32Array.from(SLOTS.slice(0, cost.length)),
    meanMs: MEAN_MS,
    fillRow: (_server: number, inFlight: number, row: Float64Array) => {
      row[LOG_EXPECTED] = Math.log(1 + inFlight);
    },
  };
  return { isCost: true, costs, features, ...changed } as unknown as PublishedTable;
}

const candidate = (slot: number, inFlight: number, waiting: number, score: number): RecordedCandidate => ({
  slot,
  inFlight,
  waiting,
  score,
});
const decision = (candidates: RecordedCandidate[], table = 7): RecordedDecision =>
  ({ table: table, candidates }) as unknown as RecordedDecision;

describe("what a candidate would have said", () => {
  // Slot 4 scored three times its cost (a stall), slot 9 twice.
  const placed = decision([candidate(4, 1, 1, 3 * 11), candidate(9, 2, 0, 2 * 32)]);

  test("is its cost times whatever the worker multiplied the champion's by", () => {
    const views = shadowViews(placed, table([10, 30]), table([50, 5]), WEIGHT)!;
    expect(views.candidate.score(4, 1)).toBeCloseTo(3 * 51, 4);
    expect(views.candidate.score(9, 2)).toBeCloseTo(2 * 7, 4);
    expect(views.candidate.score(9, 6)).toBeCloseTo(2 * 11, 4);
    expect(views.candidate.predicted(9, 2)).toBeCloseTo(7 / MEAN_MS, 6);
    expect(views.incumbent.score(4, 1)).toBeCloseTo(33, 4);
    expect(views.incumbent.predicted(4, 1)).toBeCloseTo(11 / MEAN_MS, 6);
    expect(views.direct(9, 2)).toBeCloseTo(3, 6);
  });

  test("is compared with the estimator where that placed the request", () => {
    const weight = WEIGHT.slice();
    weight[9] = 2;
    const byEstimator = decision([candidate(4, 1, 1, 0), candidate(9, 2, 0, 0)], 0);
    const views = shadowViews(byEstimator, table([10, 30]), table([50, 5]), weight)!;
    expect(views.candidate.score(4, 1)).toBeCloseTo(51 * crowdFactor(1, 1), 4);
    expect(views.candidate.score(9, 2)).toBeCloseTo((7 * crowdFactor(0, 2)) / 2, 4);
    expect(views.incumbent.score(9, 2)).toBeCloseTo((3 * crowdFactor(0, 2)) / 2, 6);
    expect(views.incumbent.predicted(4, 1)).toBeCloseTo(2, 6);
  });

  test("is no number where it could not make a table", () => {
    const views = shadowViews(placed, table([10, 30]), null, WEIGHT)!;
    expect([views.candidate.score(4, 1), views.candidate.predicted(4, 1)]).toEqual([Number.NaN, Number.NaN]);
    expect(views.incumbent.score(4, 1)).toBeCloseTo(33, 4);
  });

  test("is unknown when a server is in neither table", () => {
    expect(shadowViews(placed, table([10]), table([50, 5]), WEIGHT)).toBeUndefined();
    expect(shadowViews(placed, table([10, 30]), table([50]), WEIGHT)).toBeUndefined();
  });

  test("a champion that gives scores without a unit predicts nothing", () => {
    const views = shadowViews(placed, table([10, 30], { isCost: false }), table([50, 5]), WEIGHT)!;
    expect(views.incumbent.predicted(4, 1)).toBeNaN();
    expect(views.incumbent.score(4, 1)).toBeCloseTo(11, 4);
    expect(views.candidate.predicted(4, 1)).toBeCloseTo(51 / MEAN_MS, 6);
  });
});
