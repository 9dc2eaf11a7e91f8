import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { admits } from "./slow-start.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/**
 * Each candidate in turn, weights ignored. The turn is kept as the slot last served rather than as an index, so that
 * the order survives candidates that come and go. The first pick is random: workers do not march in step.
 */
export class RoundRobin implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  #last = -1;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
  }

  pick(candidates: Int32Array, count: number): number {
    let slot = this.#last;
    if (slot < 0) slot = candidates[(this.#random() * count) | 0];
    else slot = successor(candidates, count, slot);
    // Servers in slow start let some turns pass. After a full round the turn stands: somebody has to take it.
    for (let passed = 0; passed < count && !admits(this.#fleet, slot, this.#random); passed++) {
      slot = successor(candidates, count, slot);
    }
    this.#last = slot;
    return slot;
  }

  /** Turns until it is theirs, as the slots follow each other. */
  explain(candidates: Int32Array, count: number, _key: number, _nowMs: number, slot: number, notes: ChoiceNotes): void {
    notes.made(Choice.TURN, Scale.TURN);
    const { scores } = notes;
    const slots = this.#fleet.id.length;
    for (let i = 0; i < count; i++) {
      const turns = candidates[i] - slot;
      scores[candidates[i]] = turns < 0 ? turns + slots : turns;
    }
    notes.ranked(candidates, count);
  }
}

/** The lowest candidate above `slot`, or the lowest of all. */
function successor(candidates: Int32Array, count: number, slot: number): number {
  let lowest = candidates[0];
  let next = -1;
  for (let i = 0; i < count; i++) {
    const candidate = candidates[i];
    if (candidate < lowest) lowest = candidate;
    if (candidate > slot && (next < 0 || candidate < next)) next = candidate;
  }
  return next < 0 ? lowest : next;
}

/** How configuration and documentation know it. */
export const roundRobin = {
  name: "round_robin",
  description: "Each server in turn, whatever its weight.",
  create: (dependencies) => new RoundRobin(dependencies),
} as const satisfies StrategyEntry;
