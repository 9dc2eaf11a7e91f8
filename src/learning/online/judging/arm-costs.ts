/** What attempts of each arm cost of late: for people, the judges keep figures of their own. */

import { costOf } from "../../../evidence/cost.ts";
import { type Arm, LearnerFigure } from "../../../shared/memory/layout/learning.ts";
import type { AttemptRecord } from "../../judge/record.ts";

/** Attempts fade with this time constant, milliseconds. */
const FADE_MS = 15_000;
/** Fewer are no mean. */
const LEAST_WEIGHT = 0.5;

const FIGURE_OF: Readonly<Partial<Record<Arm, number>>> = {
  champion: LearnerFigure.CHAMPION_COST,
  control: LearnerFigure.CONTROL_COST,
  canary: LearnerFigure.CANARY_COST,
};

export class ArmCosts {
  readonly #sums = new Map<Arm, { weight: number; cost: number; atMs: number }>();

  add({ arm, latencyMs, failed, meanMs, endedMs }: AttemptRecord): void {
    const sum = this.#sums.get(arm) ?? { weight: 0, cost: 0, atMs: endedMs };
    const left = Math.exp(-Math.max(0, endedMs - sum.atMs) / FADE_MS);
    sum.weight = sum.weight * left + 1;
    sum.cost = sum.cost * left + costOf(latencyMs, failed, meanMs);
    sum.atMs = endedMs;
    this.#sums.set(arm, sum);
  }

  /** Writes the means, in mean latencies of the fleet; 0 where there were no attempts of late. */
  show(figures: Float64Array, nowMs: number): void {
    for (const [arm, figure] of Object.entries(FIGURE_OF)) {
      const sum = this.#sums.get(arm as Arm);
      const weight = sum === undefined ? 0 : sum.weight * Math.exp(-Math.max(0, nowMs - sum.atMs) / FADE_MS);
      figures[figure] = sum === undefined || weight < LEAST_WEIGHT ? 0 : sum.cost / sum.weight;
    }
  }
}
