import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/**
 * Power of two choices (Mitzenmacher 2001): of two distinct random candidates, the one with the lower
 * `(inFlight + 1) / effectiveWeight`. Constant time in any fleet. A server is one of the two with probability 2/n, so no
 * weight gives it more than twice the average share.
 */
export class PowerOfTwoChoices implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  /** The two that were drawn last. */
  #first = -1;
  #second = -1;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
  }

  pick(candidates: Int32Array, count: number): number {
    if (count === 1) return candidates[0];
    const { inFlight, effectiveWeight } = this.#fleet;
    const i = (this.#random() * count) | 0;
    let j = (this.#random() * (count - 1)) | 0;
    if (j >= i) j++;
    const a = candidates[i];
    const b = candidates[j];
    this.#first = a;
    this.#second = b;
    // A tie goes to the first drawn, which is as random as any.
    return (inFlight[a] + 1) * effectiveWeight[b] <= (inFlight[b] + 1) * effectiveWeight[a] ? a : b;
  }

  /** Of the two that were drawn: nobody else was looked at. */
  explain(
    _candidates: Int32Array,
    count: number,
    _key: number,
    _nowMs: number,
    slot: number,
    notes: ChoiceNotes,
  ): void {
    const { inFlight, effectiveWeight } = this.#fleet;
    notes.made(Choice.BEST_OF_TWO, Scale.LOAD);
    const first = count === 1 ? slot : this.#first;
    notes.add(first, (inFlight[first] + 1) / effectiveWeight[first]);
    if (count === 1) return;
    const second = this.#second;
    notes.add(second, (inFlight[second] + 1) / effectiveWeight[second]);
  }
}

/** How configuration and documentation know it. */
export const powerOfTwoChoices = {
  name: "p2c",
  description: "Power of two choices: of two random servers, the one with fewer requests in flight for its weight.",
  create: (dependencies) => new PowerOfTwoChoices(dependencies),
} as const satisfies StrategyEntry;
