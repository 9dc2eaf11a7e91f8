import { Choice, type ChoiceNotes, Scale } from "./choice.ts";
import { mix32 } from "./hash.ts";
import type { FleetView, Strategy, StrategyDependencies, StrategyEntry } from "./strategy.ts";

const DEFAULT_BALANCE_FACTOR = 1.25;

/** What it may be told. */
export interface ConsistentHashOptions {
  /** Most load of a server relative to its fair share, ≥ 1; `Infinity` = no bound. Default 1.25. */
  readonly hashBalanceFactor?: number;
}

/**
 * The same key goes to the same server, and nobody gets much more than its share.
 *
 * - Placement is weighted rendezvous hashing (Thaler & Ravishankar 1998; weights after Schindelhauer & Schomaker 2005):
 *   a server's score for a key is an exponential variate of rate `effectiveWeight` drawn by hash, and the lowest wins.
 *   A server that leaves gives up only its own keys, spread over all others; one that joins takes only what it will
 *   own; a change of weight moves only the difference. No ring has to be rebuilt, and scores depend on `identityHash`
 *   alone, so every worker, instance and restart agrees.
 * - Bounded loads (Mirrokni, Thorup & Zadimoghaddam 2016): with m requests in flight, this one included, a server takes
 *   no more than ceil(c · m · its share of the weights). A key whose server is full goes to its next in order.
 *   Workers count together but pick apart, so the bound can be overrun by the requests placed at the same instant.
 */
export class ConsistentHash implements Strategy {
  readonly usesKey = true;
  readonly #fleet: FleetView;
  readonly #balanceFactor: number;

  /** Throws a `RangeError` when `hashBalanceFactor` is below 1: there would not be room for every request. */
  constructor({ fleet }: StrategyDependencies, options: ConsistentHashOptions = {}) {
    const factor = options.hashBalanceFactor ?? DEFAULT_BALANCE_FACTOR;
    if (!(factor >= 1)) throw new RangeError(`the balance factor of consistent_hash must be at least 1, got ${factor}`);
    this.#fleet = fleet;
    this.#balanceFactor = factor;
  }

  pick(candidates: Int32Array, count: number, key: number): number {
    const { inFlight, effectiveWeight } = this.#fleet;
    const weight = effectiveWeight[candidates[0]];
    let requests = 1;
    let totalWeight = 0;
    let equal = true;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      requests += inFlight[slot];
      totalWeight += effectiveWeight[slot];
      if (effectiveWeight[slot] !== weight) equal = false;
    }
    // A server of weight w has room while inFlight < c · m · w / W: for whole numbers k < ceil(x) is k < x.
    const roomPerWeight = (this.#balanceFactor * requests) / totalWeight;
    const slot = equal
      ? this.#highestHash(candidates, count, key, roomPerWeight * weight)
      : this.#lowestScore(candidates, count, key, roomPerWeight);
    if (slot >= 0) return slot;
    // Other workers may fill the last room between the loops; then the key's own server is as good as any.
    const own = this.#lowestScore(candidates, count, key, Number.POSITIVE_INFINITY);
    return own >= 0 ? own : candidates[0];
  }

  /** The distance of the key to each server; those that had their share of the load were left out. */
  explain(candidates: Int32Array, count: number, key: number, _nowMs: number, slot: number, notes: ChoiceNotes): void {
    const { inFlight, effectiveWeight } = this.#fleet;
    let requests = 1;
    let totalWeight = 0;
    for (let i = 0; i < count; i++) {
      requests += inFlight[candidates[i]];
      totalWeight += effectiveWeight[candidates[i]];
    }
    const roomPerWeight = (this.#balanceFactor * requests) / totalWeight;
    const { scores } = notes;
    let own = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const candidate = candidates[i];
      const score = -Math.log(this.#uniform(key, candidate)) / effectiveWeight[candidate];
      scores[candidate] = score;
      if (score >= least) continue;
      least = score;
      own = candidate;
    }
    notes.made(own === slot ? Choice.OWNER : Choice.NEXT_OWNER, Scale.HASH);
    notes.ranked(candidates, count, roomPerWeight);
  }

  /** In (0, 1): where a key and a server meet. */
  #uniform(key: number, slot: number): number {
    return (mix32(key ^ this.#fleet.identityHash[slot]) + 0.5) / 0x1_0000_0000;
  }

  /** Of equal weights, the candidate with room that has the lowest score, or -1: scores fall as hashes rise. */
  #highestHash(candidates: Int32Array, count: number, key: number, room: number): number {
    const { inFlight, identityHash } = this.#fleet;
    let best = -1;
    let most = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      if (inFlight[slot] >= room) continue;
      const hash = mix32(key ^ identityHash[slot]);
      // The mixing is a bijection: only servers of one identity can tie, and then the order of candidates decides.
      if (hash > most || best < 0) {
        most = hash;
        best = slot;
      }
    }
    return best;
  }

  /** The candidate with room that has the lowest score, or -1. */
  #lowestScore(candidates: Int32Array, count: number, key: number, roomPerWeight: number): number {
    const { inFlight, effectiveWeight } = this.#fleet;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const weight = effectiveWeight[slot];
      if (inFlight[slot] >= roomPerWeight * weight) continue;
      const uniform = this.#uniform(key, slot);
      // 1 - u ≤ -ln u, and nearly equal where winners are: most candidates are out before the logarithm.
      if ((1 - uniform) / weight >= least) continue;
      const score = -Math.log(uniform) / weight;
      if (score < least) {
        least = score;
        best = slot;
      }
    }
    return best;
  }
}

/** How configuration and documentation know it. */
export const consistentHash = {
  name: "consistent_hash",
  description: "The same key (client address, header or cookie) to the same server, with bounded load.",
  options: ["hashBalanceFactor"],
  create: (dependencies, options) => new ConsistentHash(dependencies, options),
} as const satisfies StrategyEntry<ConsistentHashOptions>;
