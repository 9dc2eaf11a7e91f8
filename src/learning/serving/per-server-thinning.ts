/** Which outcomes become features when more come than can be learned from: as many of each server as of the others. */

/** So many outcomes a second are taken for each server, whatever comes: twice what a simulated server gives. */
export const MOST_PER_SERVER = 500;
/** And so many in all, of all pools. */
export const MOST_PER_SECOND = 10_000;
/** An outcome of a server of which none was taken for so long always is, milliseconds: nobody is forgotten. */
const ALWAYS_MS = 20;
/** How often the rate is looked at, milliseconds. */
const LOOK_MS = 200;

/**
 * Takes every n-th outcome of each server, with the n that keeps the sum below the most: by server, because turns over the
 * whole fleet could fall into step with a strategy that asks the servers in turn. The same n for all leaves the servers'
 * shares of the requests and of the failures as they are.
 */
export class PerServerThinning {
  readonly #part: () => number;
  readonly #skipped: Int32Array;
  readonly #takenMs: Float64Array;
  /** By slot: the last look before which it was heard of. */
  readonly #look: Int32Array;
  #looks = 1;
  #servers = 0;
  /** Of so many outcomes of a server one is taken. */
  #every = 1;
  #count = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** @param part the pool's part of what is taken in all, 0 … 1. */
  constructor(slots: number, part: () => number = () => 1) {
    this.#part = part;
    this.#skipped = new Int32Array(slots);
    this.#takenMs = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY);
    this.#look = new Int32Array(slots);
  }

  /** Looks at the rate, now and then. To be called before each round of outcomes. @param nowMs any even clock. */
  begin(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < LOOK_MS) return;
    const perSecond = (this.#count / elapsedMs) * 1000;
    const most = Math.min(MOST_PER_SECOND * this.#part(), MOST_PER_SERVER * Math.max(1, this.#servers));
    this.#every = Math.max(1, Math.ceil(perSecond / most));
    this.#count = 0;
    this.#servers = 0;
    this.#looks++;
    this.#sinceMs = nowMs;
  }

  /** True when the outcome that ended at `atMs` is to be taken in. */
  takes(slot: number, atMs: number): boolean {
    this.#count++;
    if (this.#look[slot] !== this.#looks) {
      this.#look[slot] = this.#looks;
      this.#servers++;
    }
    if (this.#every > 1 && ++this.#skipped[slot] < this.#every && atMs - this.#takenMs[slot] < ALWAYS_MS) return false;
    this.#skipped[slot] = 0;
    this.#takenMs[slot] = atMs;
    return true;
  }
}
