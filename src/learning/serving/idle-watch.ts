/** Tells when a fleet's tables need not be made anew: nothing has happened, and what time alone changes has hardly changed. */
import type { ObservedFleet } from "../features/fleet-features.ts";

/**
 * What is known fades exponentially with the silence, over half a second to a minute: after a silence of S it looks the same
 * for another S / 20.
 */
const PART_OF_SILENCE = 20;
/** Tables are made anew after so long in any case, milliseconds. */
const LONGEST_MS = 1000;

export class IdleWatch {
  readonly #fleet: ObservedFleet;
  #slots: Int32Array = new Int32Array(0);
  /** `[slots × columns]`: the fleet as it was at the last tick. */
  #seen = new Float64Array(0);
  #heardMs = Number.NEGATIVE_INFINITY;
  #tickMs = Number.NEGATIVE_INFINITY;
  #hasOutcomes = false;

  constructor(fleet: ObservedFleet) {
    this.#fleet = fleet;
  }

  onOutcome(atMs: number): void {
    this.#hasOutcomes = true;
    this.#heardMs = atMs;
  }

  /** Tables are made from what is known now. */
  onTick(slots: Int32Array, nowMs: number): void {
    this.#hasOutcomes = false;
    this.#tickMs = nowMs;
    this.#slots = slots;
    const columns = this.#columns();
    if (this.#seen.length < slots.length * columns.length) this.#seen = new Float64Array(slots.length * columns.length);
    let at = 0;
    for (const slot of slots) for (const column of columns) this.#seen[at++] = column[slot];
  }

  /** True when the tables of the last tick are as good as new ones. */
  isIdle(slots: Int32Array, nowMs: number): boolean {
    const longestMs = Math.min(LONGEST_MS, (nowMs - this.#heardMs) / PART_OF_SILENCE);
    if (this.#hasOutcomes || !(nowMs - this.#tickMs < longestMs) || slots.length !== this.#slots.length) return false;
    const columns = this.#columns();
    let at = 0;
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] !== this.#slots[i]) return false;
      for (const column of columns) if (!Object.is(column[slots[i]], this.#seen[at++])) return false;
    }
    return true;
  }

  /** All that features are made from beside outcomes. */
  #columns(): readonly ArrayLike<number>[] {
    const { id, inFlight, capacity, cpuUsagePercent, memoryUsagePercent } = this.#fleet;
    return [id, inFlight, capacity, cpuUsagePercent, memoryUsagePercent];
  }
}
