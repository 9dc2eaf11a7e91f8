/**
 * Panic routing (after Envoy): when too few servers are eligible, the verdicts themselves are suspect or the rest would
 * drown, so every server that does not drain takes traffic again.
 */

/** How long enough servers must be eligible before panic ends: a fleet at the edge must not flip every tick. */
export const PANIC_HOLD_MS = 2_000;

export class PanicMode {
  #on = false;
  /** Since when enough servers are eligible; meaningful while panic is on. */
  #enoughSinceMs: number | undefined;

  get on(): boolean {
    return this.#on;
  }

  /**
   * @param eligible servers that are up; @param total servers that do not drain.
   * @param thresholdPercent panic begins when less than this share is eligible; 0 = never.
   * @returns whether panic is on now.
   */
  update(eligible: number, total: number, thresholdPercent: number, nowMs: number): boolean {
    const tooFew = total > 0 && eligible * 100 < thresholdPercent * total;
    if (tooFew) {
      this.#on = true;
      this.#enoughSinceMs = undefined;
    } else if (thresholdPercent === 0 || total === 0) {
      this.#on = false;
      this.#enoughSinceMs = undefined;
    } else if (this.#on) {
      // Time, not a second threshold: two servers can only be at 0, 50 or 100 %, and at 50 % panic has to end.
      this.#enoughSinceMs ??= nowMs;
      if (nowMs - this.#enoughSinceMs >= PANIC_HOLD_MS) this.#on = false;
    }
    return this.#on;
  }
}
