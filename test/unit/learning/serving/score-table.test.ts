import { describe, expect, test } from "bun:test";
import { columnLoad } from "../../../../src/balancing/score-columns.ts";
import { costsOf, MOST_OF_MEDIAN, UnusableScoresError } from "../../../../src/learning/serving/score-table.ts";
import { SCORE_COLUMNS } from "../../../../src/shared/memory/layout/learning.ts";

const column = (costs: Float32Array, servers: number, at: number) =>
  Array.from({ length: servers }, (_, server) => costs[server * SCORE_COLUMNS + at]);

describe("costs", () => {
  test("are the fleet's mean times e to the model's power", () => {
    const costs = costsOf([0, 1, Math.log(2), -1], "log_relative_cost", 20, 2, 2);
    expect(costs[0]).toBeCloseTo(20);
    expect(costs[1]).toBeCloseTo(20 * Math.E);
    expect(costs[SCORE_COLUMNS]).toBeCloseTo(40);
    expect(costs[SCORE_COLUMNS + 1]).toBeCloseTo(20 / Math.E);
  });

  test("grow with the load behind the columns that were asked for", () => {
    const costs = costsOf([0, 0, 0], "log_relative_cost", 10, 1, 3);
    expect(costs[3]).toBeCloseTo((10 * 4) / 3, 4);
    const last = SCORE_COLUMNS - 1;
    expect(costs[last]).toBeCloseTo((10 * (columnLoad(last) + 1)) / 3, 1);
  });

  test("are capped at a multiple of the median at the same load, and only there", () => {
    const costs = costsOf([0, 0, 0, 0, 0, 0, 10, 0.5], "log_relative_cost", 1, 4, 2);
    expect(column(costs, 4, 0)).toEqual([1, 1, 1, MOST_OF_MEDIAN]);
    expect(column(costs, 4, 1)[3]).toBeCloseTo(Math.exp(0.5), 5);
  });

  test.each([
    ["positive", [3, 1, 2]],
    ["negative", [-1, -3, -2]],
    ["mixed", [5, -200, 0]],
    ["all the same", [-7, -7, -7]],
    ["all zero", [0, 0, 0]],
  ])("of scores that are %s keep their order and are positive", (_, scores) => {
    const costs = column(costsOf(scores, "score", 1, 3, 1), 3, 0);
    for (let a = 0; a < 3; a++) {
      expect(costs[a]).toBeGreaterThan(0);
      for (let b = 0; b < 3; b++) expect(Math.sign(costs[a] - costs[b])).toBe(Math.sign(scores[a] - scores[b]));
    }
  });

  test("of positive scores are the scores themselves: their proportions may mean something", () => {
    expect(column(costsOf([3, 1, 2], "score", 99, 3, 1), 3, 0)).toEqual([3, 1, 2]);
  });

  test.each([
    ["log_relative_cost", Number.NaN],
    ["log_relative_cost", Number.POSITIVE_INFINITY],
    ["log_relative_cost", Number.NEGATIVE_INFINITY],
    ["log_relative_cost", 1000],
    ["score", Number.NaN],
    ["score", Number.NEGATIVE_INFINITY],
    ["score", 1e300],
  ] as const)("%s of %p is refused", (kind, score) => {
    expect(() => costsOf([1, score, 1], kind, 1, 3, 1)).toThrow(UnusableScoresError);
  });
});
