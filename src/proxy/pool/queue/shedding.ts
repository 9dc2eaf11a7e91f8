/**
 * When requests that wait are refused, so that those that are served are served soon: controlled delay (CoDel, RFC 8289) for a
 * queue of requests, as "Fail at Scale" (Maurer, 2015) has it. A queue that a burst has filled drains; one in which even the
 * shortest wait of an interval was beyond the target stands, and all that waiting in it does is to make everybody late. While
 * it stands, who has waited for twice the target is refused, and those behind are served in time.
 */

/** Waits of so much of the longest one are a standing queue; an interval is as long as the longest wait. */
const TARGET_OF_LONGEST = 1 / 20;

/** One queue's. */
export class Shedding {
  /** The longest wait that is allowed, milliseconds. */
  #longestMs = 0;
  #intervalEndMs = 0;
  /** The shortest wait in this interval. */
  #shortestMs = Number.POSITIVE_INFINITY;
  #stands = false;

  /** @param longestMs the longest wait that is allowed at all (`QUEUE_TIMEOUT_MS`). */
  configure(longestMs: number): void {
    this.#longestMs = longestMs;
  }

  /** It stands: see `mostMs`. */
  get stands(): boolean {
    return this.#stands;
  }

  /** The one that has waited longest has waited so long: it is served now, or the queue is looked at. Nobody waits = 0. */
  observe(waitedMs: number, nowMs: number): void {
    if (nowMs >= this.#intervalEndMs) {
      // An interval in which nobody was seen to wait has no standing queue.
      this.#stands = this.#shortestMs !== Number.POSITIVE_INFINITY && this.#shortestMs > this.#targetMs;
      this.#shortestMs = Number.POSITIVE_INFINITY;
      this.#intervalEndMs = nowMs + this.#longestMs;
    }
    if (waitedMs < this.#shortestMs) this.#shortestMs = waitedMs;
    if (waitedMs <= this.#targetMs) this.#stands = false;
  }

  /** Who has waited longer is refused, milliseconds; infinity = nobody is. */
  get mostMs(): number {
    return this.#stands ? 2 * this.#targetMs : Number.POSITIVE_INFINITY;
  }

  get #targetMs(): number {
    return this.#longestMs * TARGET_OF_LONGEST;
  }
}
