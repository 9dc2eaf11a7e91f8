import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/**
 * The least `(inFlight + 1) / effectiveWeight`: the load that the request would make, so that weights count on an idle
 * fleet too. Ties are broken at random with equal chances (reservoir sampling), in the same pass: always taking the
 * first would make a herd of workers.
 */
export class LeastConnections implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
  }

  pick(candidates: Int32Array, count: number): number {
    const { inFlight, effectiveWeight } = this.#fleet;
    let best = candidates[0];
    let least = (inFlight[best] + 1) / effectiveWeight[best];
    let ties = 1;
    for (let i = 1; i < count; i++) {
      const slot = candidates[i];
      const load = (inFlight[slot] + 1) / effectiveWeight[slot];
      if (load > least) continue;
      if (load < least) {
        least = load;
        best = slot;
        ties = 1;
      } else if (this.#random() * ++ties < 1) {
        best = slot;
      }
    }
    return best;
  }

  explain(
    candidates: Int32Array,
    count: number,
    _key: number,
    _nowMs: number,
    _slot: number,
    notes: ChoiceNotes,
  ): void {
    const { inFlight, effectiveWeight } = this.#fleet;
    const { scores } = notes;
    notes.made(Choice.BEST, Scale.LOAD);
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      scores[slot] = (inFlight[slot] + 1) / effectiveWeight[slot];
    }
    notes.ranked(candidates, count);
  }
}

/** How configuration and documentation know it. */
export const leastConnections = {
  name: "least_connections",
  description: "The server with the fewest requests in flight for its weight; ties at random.",
  create: (dependencies) => new LeastConnections(dependencies),
} as const satisfies StrategyEntry;
