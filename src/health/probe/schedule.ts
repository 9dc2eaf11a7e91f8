/**
 * When a server's next check is due. The interval is what a server that is well costs; whenever something may be about to
 * change, checks come sooner. Pure; the clock is passed in.
 */

/** Checks are spread by this share around their time, so that servers and balancers do not fall into step. */
const JITTER = 0.2;
/** How many times as often a server is checked in a hurry (as with HAProxy's `fastinter` and `downinter`). */
export const HURRY = 5;

export class ProbeSchedule {
  readonly #random: () => number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #spread = 1;

  /** @param random uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The first check is due at once. */
  isDue(nowMs: number, intervalMs: number, hurry: boolean): boolean {
    return nowMs >= this.#lastMs + (intervalMs * this.#spread) / (hurry ? HURRY : 1);
  }

  /** A check begins now. */
  begun(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#spread = 1 - JITTER + 2 * JITTER * this.#random();
  }

  /** Something has happened that a check should look at: the next one is due at once. */
  alarm(): void {
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}
