/** What the other instances of the cluster make of servers, as long as it may be believed. */
import type { OthersVotes } from "../../health/majority.ts";

/** Older than this they are not asked: who has heard nothing goes by his own view, within two seconds with a turn of the loop. */
const FRESH_MS = 1_500;
/** Who has stood still himself finds them old, too, and has not read yet what came meanwhile: that takes no longer. */
const DOUBT_MS = 200;

/** One instance's, for all of its fleets. */
export class OthersHeard {
  #votes: OthersVotes | null = null;
  #heardMs = Number.NEGATIVE_INFINITY;
  /** When they were found to be old first. */
  #doubtedMs: number | null = null;

  /** @param nowMs monotonic, when it was said. */
  hear(votes: OthersVotes, nowMs: number): void {
    this.#votes = votes;
    this.#heardMs = nowMs;
    this.#doubtedMs = null;
  }

  lose(): void {
    this.#votes = null;
  }

  /** `null` = nothing fresh is known. */
  fresh(nowMs: number): OthersVotes | null {
    if (this.#votes === null || nowMs - this.#heardMs <= FRESH_MS) return this.#votes;
    this.#doubtedMs ??= nowMs;
    if (nowMs - this.#doubtedMs >= DOUBT_MS) this.#votes = null;
    return this.#votes;
  }
}
