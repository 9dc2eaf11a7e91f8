/**
 * One clock for all times that are shown. Durations and deadlines run on the monotonic clock, which nobody sets; times
 * of day in access lines, `Date` fields, verdicts and responses must follow when the system's clock is set, or they
 * contradict the process log. So what relates the two is looked at again and again, and not once at the start.
 */

/** Readings are less late than this as a rule: one clock counts whole milliseconds, and something may come between. */
const JITTER_MS = 5;

export class WallClock {
  readonly #nowMs: () => number;
  readonly #wallMs: () => number;
  #offsetMs: number;

  /**
   * @param nowMs monotonic.
   * @param wallMs since the epoch, whenever it is asked.
   */
  constructor(nowMs: () => number, wallMs: () => number) {
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
    this.#offsetMs = wallMs() - nowMs();
  }

  /**
   * What, added to the monotonic clock, gives milliseconds since the epoch at present. A reading is late, never early, so
   * the highest one counts, and times do not jitter backwards, until the wall clock is set: by a step of NTP, by `date`,
   * or while the machine was suspended.
   */
  offsetMs(): number {
    const offsetMs = this.#wallMs() - this.#nowMs();
    if (offsetMs > this.#offsetMs || offsetMs < this.#offsetMs - JITTER_MS) this.#offsetMs = offsetMs;
    return this.#offsetMs;
  }
}
