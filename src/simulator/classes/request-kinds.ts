/** Requests of several routes: which arrives next, and how much work is in it. */
import type { RequestKind } from "../scenario.ts";

/** Draws routes. Work is scaled so that the mean over all of them is 1. */
export class RequestKinds {
  readonly #random: () => number;
  /** By kind: where its part of the unit interval ends. */
  readonly #ends: Float64Array;
  readonly #work: Float64Array;

  constructor(kinds: readonly RequestKind[], random: () => number) {
    const shares = kinds.reduce((sum, { share }) => sum + share, 0);
    const mean = kinds.reduce((sum, { share, cost }) => sum + share * cost, 0) / shares;
    let end = 0;
    this.#random = random;
    this.#ends = Float64Array.from(kinds, ({ share }) => (end += share / shares));
    this.#work = Float64Array.from(kinds, ({ cost }) => cost / mean);
  }

  /** The route of the next request; each call takes one variate. */
  draw(): number {
    const drawn = this.#random();
    const last = this.#ends.length - 1;
    let kind = 0;
    while (kind < last && drawn >= this.#ends[kind]) kind++;
    return kind;
  }

  /** Mean work of a request of it, in mean requests. */
  work(kind: number): number {
    return this.#work[kind];
  }
}
