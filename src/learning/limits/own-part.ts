/** Which part of the requests at each server is this instance's, where others send requests there, too. */
import { decayFactor } from "../../balancing/estimators/decay.ts";
import { atWork, NO_LIMIT, type PeerRequests } from "../../balancing/holding/room.ts";

/** How long what is in flight counts, milliseconds: the others' is told in steps of some hundred. */
const MEMORY_MS = 1000;
/** Others of whom there is less at a server on average are not there. */
const LEAST_OTHERS = 0.01;
/** Others who have less than this part of the pool's requests have no queue that could count. */
const LEAST_PART = 0.02;
/** So many requests of its own each server counts for: who has had none may have its first. */
const PRIOR = 0.01;

/** One pool's. Pure: the clock is passed in. */
export class OwnPart {
  /** By slot: requests that the server works on, on average of late. */
  readonly #own: Float64Array;
  readonly #others: Float64Array;
  #toldMs = Number.NEGATIVE_INFINITY;
  #hasOthers = false;

  /** @param slots how many servers there can be. */
  constructor(slots: number) {
    this.#own = new Float64Array(slots);
    this.#others = new Float64Array(slots);
  }

  /** Whether a part of the pool's requests that matters is placed by other instances. */
  get hasOthers(): boolean {
    return this.#hasOthers;
  }

  /** Forgets the server in `slot`. */
  clear(slot: number): void {
    this.#own[slot] = 0;
    this.#others[slot] = 0;
  }

  /**
   * Looks at what is in flight; call it several times a second.
   * @param all everything, that of others too.
   * @param peers of that, what others have told of.
   */
  tick(slots: ArrayLike<number>, count: number, all: PeerRequests, peers: PeerRequests, nowMs: number): void {
    const keep = decayFactor(nowMs - this.#toldMs, MEMORY_MS);
    this.#toldMs = nowMs;
    let ownSum = 0;
    let othersSum = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i];
      const others = atWork(peers, slot);
      const own = atWork(all, slot) - others;
      this.#own[slot] = Math.max(0, own + keep * (this.#own[slot] - own));
      this.#others[slot] = Math.max(0, others + keep * (this.#others[slot] - others));
      ownSum += this.#own[slot];
      othersSum += this.#others[slot];
    }
    this.#hasOthers = othersSum > Math.max(LEAST_OTHERS, LEAST_PART * (ownSum + othersSum));
  }

  /** This instance's part of the `limit` of the server in `slot`, ≥ 1; 0 = nobody else sends requests there, or there is no limit. */
  ownLimit(slot: number, limit: number): number {
    const others = this.#others[slot];
    if (limit <= NO_LIMIT || others < LEAST_OTHERS) return 0;
    const own = this.#own[slot] + PRIOR;
    return Math.max(1, Math.ceil((limit * own) / (own + others)));
  }
}
