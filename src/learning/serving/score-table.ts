/** What a model said, made into the costs of a table. */

import { columnLoad, columnOf } from "../../balancing/score-columns.ts";
import { SCORE_COLUMNS } from "../../shared/memory/layout/learning.ts";
import { inRange, SCORE } from "../../shared/ranges.ts";
import type { OutputKind } from "../models/score-model.ts";

/**
 * No server costs more than so many times the fleet's median at the same load: one that is shunned must still be there when
 * the others are full.
 */
export const MOST_OF_MEDIAN = 50;

/** Columns beyond twice the highest load are extrapolated, but for so many: bursts come between two tables. */
const HEADROOM = 6;

/** As much as scores may differ: all columns of a table are finite 32-bit floats then. */
const COST = { least: 0, most: 4 * SCORE.most };
/** Who says more, or less than its negative, has learned nothing of costs: that would be e^100 times the fleet's mean. */
const MOST_LOG = 100;
/** What is left of a cost that is next to nothing, milliseconds: a 32-bit float above 0. */
const LEAST_COST = 1e-30;

/** Thrown when a model gave something that cannot be a cost. */
export class UnusableScoresError extends Error {
  override readonly name = "UnusableScoresError";
}

/** How many columns a model is asked for. @param inFlight by slot. @param count of the slots that are looked at. */
export function columnsFor(inFlight: ArrayLike<number>, slots: ArrayLike<number>, count: number): number {
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, inFlight[slots[i]]);
  return columnOf(2 * most + HEADROOM) + 1;
}

/**
 * Costs, all > 0, lower is better, from the scores of `servers` × `columns` rows. A `log_relative_cost` becomes
 * milliseconds; of a `score` only the order is known, and it is kept.
 * @param scores `[servers × columns]`.
 * @returns `[servers × SCORE_COLUMNS]`: columns behind the given ones grow with the load.
 * Throws an `UnusableScoresError` when one of them is no finite number, or a logarithm beyond 100.
 */
export function costsOf(
  scores: ArrayLike<number>,
  kind: OutputKind,
  meanMs: number,
  servers: number,
  columns: number,
): Float32Array {
  const costs = new Float32Array(servers * SCORE_COLUMNS);
  const shift = kind === "score" ? shiftOf(scores) : 0;
  for (let server = 0; server < servers; server++) {
    for (let column = 0; column < columns; column++) {
      const score = scores[server * columns + column];
      const at = server * SCORE_COLUMNS + column;
      costs[at] = kind === "score" ? score + shift : relativeCost(score, meanMs);
      // The columns behind are up to two thousand times as much.
      if (!(costs[at] > 0) || !inRange(costs[at], COST)) {
        throw new UnusableScoresError(`the model's score ${score} for load ${columnLoad(column)} is not usable`);
      }
    }
  }
  capAtMedian(costs, servers, columns);
  for (let server = 0; server < servers; server++) extrapolate(costs, server * SCORE_COLUMNS, columns);
  return costs;
}

/** Where the mean itself is of days, its multiples end at what a cost can be: nothing beyond tells servers apart. */
function relativeCost(score: number, meanMs: number): number {
  if (Math.abs(score) > MOST_LOG) return Number.NaN;
  return Math.min(Math.max(meanMs * Math.exp(score), LEAST_COST), COST.most / 2);
}

/** What makes all scores positive, without a change where they are so already. */
function shiftOf(scores: ArrayLike<number>): number {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    least = Math.min(least, scores[i]);
    most = Math.max(most, scores[i]);
  }
  return least > 0 ? 0 : (most - least || 1) - least;
}

function capAtMedian(costs: Float32Array, servers: number, columns: number): void {
  const atLoad = new Float32Array(servers);
  for (let column = 0; column < columns; column++) {
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let server = 0; server < servers; server++) {
      const cost = costs[server * SCORE_COLUMNS + column];
      atLoad[server] = cost;
      least = Math.min(least, cost);
      most = Math.max(most, cost);
    }
    if (most <= MOST_OF_MEDIAN * least) continue; // as it is nearly always
    atLoad.sort();
    const cap = MOST_OF_MEDIAN * atLoad[(servers - 1) >> 1];
    for (let server = 0; server < servers; server++) {
      const at = server * SCORE_COLUMNS + column;
      if (costs[at] > cap) costs[at] = cap;
    }
  }
}

/** Lets the columns behind the first `columns` of a server's row grow with the load. @param from where its row begins. */
export function extrapolate(costs: Float32Array, from: number, columns: number): void {
  const last = costs[from + columns - 1];
  const lastLoad = columnLoad(columns - 1) + 1;
  for (let column = columns; column < SCORE_COLUMNS; column++) {
    costs[from + column] = (last * (columnLoad(column) + 1)) / lastLoad;
  }
}
