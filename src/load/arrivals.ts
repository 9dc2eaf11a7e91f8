/**
 * When requests are meant to be sent: a Poisson process, as many independent users make. It does not wait for responses
 * (an open loop), so a slow server can't slow its own measurement down (no coordinated omission).
 */

/** Further behind than this, the sender itself was asleep (Ctrl-Z, a closed lid): it does not make up for it. */
const MAX_BEHIND_MS = 2000;

export class Arrivals {
  readonly #meanGapMs: number;
  readonly #random: () => number;
  #nextMs: number;

  /** @param perSecond mean rate, > 0. @param random uniform in [0, 1). */
  constructor(perSecond: number, startMs: number, random: () => number) {
    this.#meanGapMs = 1000 / perSecond;
    this.#random = random;
    this.#nextMs = startMs + this.#gap();
  }

  /** When the next request is due. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Calls `send` with the intended time of each request that is due by now. */
  take(nowMs: number, send: (intendedMs: number) => void): void {
    if (nowMs - this.#nextMs > MAX_BEHIND_MS) this.#nextMs = nowMs;
    while (this.#nextMs <= nowMs) {
      send(this.#nextMs);
      this.#nextMs += this.#gap();
    }
  }

  #gap(): number {
    return -Math.log(1 - this.#random()) * this.#meanGapMs;
  }
}
