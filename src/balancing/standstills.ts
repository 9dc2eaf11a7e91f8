/** So many are remembered: enough for a process that only runs now and then, and requests that take a second. */
const KEPT = 8;

/**
 * When whoever places requests stood still itself: the process got no processor, was stopped, or was busy with something long.
 * It heard of nothing then, and the whole machine may have stood still with it, servers and all. So that time is no server's:
 * it is taken off latencies (`lostSince`), and strategies are told, because it is nobody's silence (`Strategy.onStandstill`).
 *
 * What a server did meanwhile cannot be known. If it worked on, a latency becomes too short by what its response waited for us,
 * which is less than the server took; if it was left, it would be too long by all of that time.
 */
export class Standstills {
  readonly #fromMs = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY);
  readonly #untilMs = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY);
  #last = 0;

  /** It stood still from `fromMs` until `untilMs`: one clock, milliseconds, and later than those before. */
  add(fromMs: number, untilMs: number): void {
    this.#last = (this.#last + 1) % KEPT;
    this.#fromMs[this.#last] = fromMs;
    this.#untilMs[this.#last] = untilMs;
  }

  /** How long it has stood still since `sinceMs`, a moment at which it did not; milliseconds. */
  lostSince(sinceMs: number): number {
    if (sinceMs >= this.#untilMs[this.#last]) return 0; // nearly always
    let lostMs = 0;
    for (let i = 0; i < KEPT; i++) {
      if (this.#fromMs[i] >= sinceMs) lostMs += this.#untilMs[i] - this.#fromMs[i];
    }
    return lostMs;
  }
}
