import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

/** Upper bound of the turns skipped at the start: covers the whole sequence up to a weight ratio of about 1:1000. */
const START_SPAN = 1024;

/**
 * Smooth weighted round robin (nginx, Igor Sysoev 2012): every candidate earns its weight, the richest is chosen and
 * pays what all earned. Weights 5, 1, 1 give `a a b a c a a`. Credit belongs to the server in a slot: it outlives
 * absence and changes of the candidates, but not a change of hands.
 */
export class WeightedRoundRobin implements Strategy {
  readonly #fleet: FleetView;
  readonly #random: () => number;
  readonly #credit: Float64Array;
  readonly #owner: Int32Array;
  #started = false;

  constructor({ fleet, random }: StrategyDependencies) {
    this.#fleet = fleet;
    this.#random = random;
    this.#credit = new Float64Array(fleet.id.length);
    this.#owner = new Int32Array(fleet.id.length);
  }

  /** Credit that is no number would never be one again; what earned it has just been replaced. */
  onCandidates(candidates: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      if (!Number.isFinite(this.#credit[candidates[i]])) this.#credit[candidates[i]] = 0;
    }
  }

  pick(candidates: Int32Array, count: number): number {
    if (!this.#started) {
      // Each worker enters the sequence at a place of its own: together they would send the same burst to one server.
      this.#started = true;
      for (let skip = (this.#random() * START_SPAN) | 0; skip > 0; skip--) this.#turn(candidates, count);
    }
    return this.#turn(candidates, count);
  }

  /** What each had earned before the one that was chosen paid for it. */
  explain(candidates: Int32Array, count: number, _key: number, _nowMs: number, slot: number, notes: ChoiceNotes): void {
    const { effectiveWeight } = this.#fleet;
    const { scores } = notes;
    notes.made(Choice.TURN, Scale.CREDIT);
    let total = 0;
    for (let i = 0; i < count; i++) total += effectiveWeight[candidates[i]];
    for (let i = 0; i < count; i++) {
      const candidate = candidates[i];
      const credit = this.#credit[candidate];
      scores[candidate] = candidate === slot ? credit + total : credit;
    }
    notes.ranked(candidates, count);
  }

  #turn(candidates: Int32Array, count: number): number {
    const { effectiveWeight, id } = this.#fleet;
    const credit = this.#credit;
    const owner = this.#owner;
    let total = 0;
    let best = candidates[0];
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      if (owner[slot] !== id[slot]) {
        owner[slot] = id[slot];
        credit[slot] = 0;
      }
      const weight = effectiveWeight[slot];
      total += weight;
      credit[slot] += weight;
      if (credit[slot] > most) {
        most = credit[slot];
        best = slot;
      }
    }
    credit[best] -= total;
    return best;
  }
}

/** How configuration and documentation know it. */
export const weightedRoundRobin = {
  name: "weighted_round_robin",
  description: "Each server in turn, as often as its weight says, evenly spread (smooth).",
  create: (dependencies) => new WeightedRoundRobin(dependencies),
} as const satisfies StrategyEntry;
