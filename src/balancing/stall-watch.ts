import type { FleetView } from "./strategy.ts";

/** A server is stalled when it should have answered this many requests by now and has not answered one. */
const MISSED_ANSWERS = 4;

/**
 * Notices servers that have stopped answering (a garbage collection, a hang) from the silence alone, long before the
 * answers that do not come could be counted. One balancer's view: what it sent and what it heard.
 */
export class StallWatch {
  readonly #fleet: Pick<FleetView, "id" | "inFlight">;
  readonly #owner: Int32Array;
  /** Picks without an outcome. */
  readonly #waiting: Int32Array;
  /** When the last answer came, or when the first request was sent that waits since. */
  readonly #silentSinceMs: Float64Array;

  constructor(fleet: Pick<FleetView, "id" | "inFlight">) {
    this.#fleet = fleet;
    this.#owner = new Int32Array(fleet.id.length);
    this.#waiting = new Int32Array(fleet.id.length);
    this.#silentSinceMs = new Float64Array(fleet.id.length);
  }

  onPick(slot: number, nowMs: number): void {
    const { id } = this.#fleet;
    if (this.#owner[slot] !== id[slot]) {
      this.#owner[slot] = id[slot];
      this.#waiting[slot] = 0;
    }
    const waiting = this.waiting(slot);
    if (waiting === 0) this.#silentSinceMs[slot] = nowMs;
    this.#waiting[slot] = waiting + 1;
  }

  onOutcome(slot: number, nowMs: number): void {
    this.#silentSinceMs[slot] = nowMs;
    if (this.#waiting[slot] > 0) this.#waiting[slot]--;
  }

  /**
   * Requests sent by this balancer that wait for their answer. A client that gives up leaves no outcome; but no more
   * can wait than is in flight, and so the count mends itself.
   */
  waiting(slot: number): number {
    if (this.#owner[slot] !== this.#fleet.id[slot]) return 0;
    return Math.max(0, Math.min(this.#waiting[slot], this.#fleet.inFlight[slot]));
  }

  /** By what to multiply an expected latency of `expectedMs`: 1 unless the server is stalled. */
  penalty(slot: number, expectedMs: number, nowMs: number): number {
    const silentMs = nowMs - this.#silentSinceMs[slot];
    return silentMs * this.waiting(slot) > MISSED_ANSWERS * expectedMs ? 1 + silentMs / expectedMs : 1;
  }
}
