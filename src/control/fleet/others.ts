/** What the other instances of the cluster make of servers, as long as it may be believed. */
import type { OthersVotes } from "../../health/majority.ts";

/** Older than this they are not asked: who has heard nothing goes by his own view, within two seconds with a turn of the loop. */
const FRESH_MS = 1_500;

/** One instance's, for all of its fleets. */
export class OthersHeard {
  #votes: OthersVotes | null = null;
  #heardMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs monotonic, when it was said. */
  hear(votes: OthersVotes, nowMs: number): void {
    this.#votes = votes;
    this.#heardMs = nowMs;
  }

  lose(): void {
    this.#votes = null;
  }

  /** `null` = nothing fresh is known. */
  fresh(nowMs: number): OthersVotes | null {
    if (this.#votes !== null && nowMs - this.#heardMs > FRESH_MS) this.#votes = null;
    return this.#votes;
  }
}
