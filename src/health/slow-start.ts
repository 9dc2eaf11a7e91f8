/**
 * Slow start: a server that is new or recovering gets a growing share of traffic, so that cold caches, pools and
 * just-in-time compilers are not hit by a full share at once, and a recovery that is not one harms few requests.
 */

/** Share of its weight that a server begins with: enough traffic to judge it by, little enough to lose. */
export const SLOW_START_FLOOR = 0.1;

export class SlowStart {
  #beganMs = Number.NEGATIVE_INFINITY;

  /** Starts the ramp at `nowMs` (monotonic). */
  begin(nowMs: number): void {
    this.#beganMs = nowMs;
  }

  /** Full weight at once. */
  cancel(): void {
    this.#beganMs = Number.NEGATIVE_INFINITY;
  }

  active(nowMs: number, durationMs: number): boolean {
    return nowMs - this.#beganMs < durationMs;
  }

  /** Factor to multiply the weight by: `SLOW_START_FLOOR` … 1, linear over `durationMs`; 1 when that is 0. */
  factor(nowMs: number, durationMs: number): number {
    const elapsed = nowMs - this.#beganMs;
    if (!(elapsed < durationMs)) return 1;
    return SLOW_START_FLOOR + ((1 - SLOW_START_FLOOR) * Math.max(0, elapsed)) / durationMs;
  }
}
