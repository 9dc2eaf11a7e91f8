/** Which attempts are judged, and which are kept as samples: a random part, so that either costs the same whatever the traffic. */

const WINDOW_MS = 1000;

/**
 * Passes about `perSecond` events a second on. Which ones is chance alone, so what passes is like what came: each event of a
 * second has the same probability, set by the second before it.
 */
export class RandomThinning {
  readonly #perSecond: () => number;
  /** As it was when the second began. */
  #most = 0;
  readonly #random: () => number;
  #probability = 1;
  #count = 0;
  #passed = 0;
  #endMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: () => number, random: () => number) {
    this.#perSecond = perSecond;
    this.#random = random;
  }

  /** True for an event that passes. @param nowMs any clock that does not run backwards. */
  passes(nowMs: number): boolean {
    if (nowMs >= this.#endMs) {
      this.#most = this.#perSecond();
      this.#probability = Math.min(1, this.#most / Math.max(1, this.#count));
      this.#count = 0;
      this.#passed = 0;
      this.#endMs = nowMs + WINDOW_MS;
    }
    this.#count++;
    // A surge is not known yet in its first second.
    if (this.#passed >= 2 * this.#most) return false;
    if (this.#probability < 1 && this.#random() >= this.#probability) return false;
    this.#passed++;
    return true;
  }
}
