/** Requests of several routes: which arrives next, and how much work is in it. */
import { seededRandom } from "../../balancing/random.ts";
import type { RequestKind } from "../scenario.ts";

/** What tells the seed of kinds from a run's: scenarios with one kind draw what they always did. */
const KINDS_SEED = 0x5bd1e995;
const ONE_KIND: readonly RequestKind[] = [{ share: 1, cost: 1 }];

/** Draws routes. Work is scaled so that the mean over all of them is 1. */
export class RequestKinds {
  readonly #random: () => number;
  /** By kind: where its part of the unit interval ends. */
  readonly #ends: Float64Array;
  readonly #work: Float64Array;

  /** @param kinds left out = all requests are of one. @param seed the run's. */
  constructor(kinds: readonly RequestKind[] = ONE_KIND, seed: number) {
    const shares = kinds.reduce((sum, { share }) => sum + share, 0);
    const mean = kinds.reduce((sum, { share, cost }) => sum + share * cost, 0) / shares;
    let end = 0;
    this.#random = seededRandom(seed ^ KINDS_SEED).next;
    this.#ends = Float64Array.from(kinds, ({ share }) => {
      end += share / shares;
      return end;
    });
    this.#work = Float64Array.from(kinds, ({ cost }) => cost / mean);
  }

  /** The route of the next request. */
  draw(): number {
    const last = this.#ends.length - 1;
    if (last === 0) return 0;
    const drawn = this.#random();
    let kind = 0;
    while (kind < last && drawn >= this.#ends[kind]) kind++;
    return kind;
  }

  /** Mean work of a request of it, in mean requests. */
  work(kind: number): number {
    return this.#work[kind];
  }
}
