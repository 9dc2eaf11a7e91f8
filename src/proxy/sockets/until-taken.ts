/** How long a reset waits: it destroys what is on its way to the peer, so it comes when the peer has taken that. */

/** How often the system is asked, milliseconds. */
const LOOK_MS = 50;
/** How long is waited where the system does not tell. */
const BLIND_MS = 1000;

/** One such wait. */
export class UntilTaken {
  #left = Number.POSITIVE_INFINITY;
  #untilMs = 0;

  /**
   * @param left bytes that the peer has not acknowledged; 0 also when the socket is gone, -1 = nobody knows.
   * @param patienceMs how long its peer may acknowledge nothing more.
   * @returns when to look again; 0 = there is nothing more to wait for.
   */
  nextLook(left: number, patienceMs: number, nowMs: number): number {
    if (left < this.#left) this.#untilMs = nowMs + (left < 0 ? BLIND_MS : patienceMs);
    this.#left = left;
    return left === 0 || nowMs >= this.#untilMs ? 0 : Math.min(nowMs + LOOK_MS, this.#untilMs);
  }
}
