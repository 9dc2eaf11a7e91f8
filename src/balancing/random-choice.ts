import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/** A random candidate, with chances proportional to `effectiveWeight`. */
export class RandomChoice implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
  }

  pick(candidates: Int32Array, count: number): number {
    const { effectiveWeight } = this.#fleet;
    const first = effectiveWeight[candidates[0]];
    let total = 0;
    let equal = true;
    for (let i = 0; i < count; i++) {
      const weight = effectiveWeight[candidates[i]];
      total += weight;
      if (weight !== first) equal = false;
    }
    if (equal) return candidates[(this.#random() * count) | 0];
    let left = this.#random() * total;
    for (let i = 0; i < count - 1; i++) {
      left -= effectiveWeight[candidates[i]];
      if (left < 0) return candidates[i];
    }
    return candidates[count - 1]; // also takes what rounding left over
  }

  explain(
    candidates: Int32Array,
    count: number,
    _key: number,
    _nowMs: number,
    _slot: number,
    notes: ChoiceNotes,
  ): void {
    const { effectiveWeight } = this.#fleet;
    const { scores } = notes;
    notes.made(Choice.DRAW, Scale.CHANCE);
    let total = 0;
    for (let i = 0; i < count; i++) total += effectiveWeight[candidates[i]];
    for (let i = 0; i < count; i++) scores[candidates[i]] = effectiveWeight[candidates[i]] / total;
    notes.ranked(candidates, count);
  }
}

/** How configuration and documentation know it. */
export const randomChoice = {
  name: "random",
  description: "A random server, with chances proportional to the weights.",
  create: (dependencies) => new RandomChoice(dependencies),
} as const satisfies StrategyEntry;
