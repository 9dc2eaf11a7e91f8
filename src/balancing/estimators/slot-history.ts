import type { FleetView } from "../strategy.ts";

/** When each server was last heard of, and whether a slot still holds the server that was heard. */
export class SlotHistory {
  readonly #id: Int32Array;
  readonly #owner: Int32Array;
  readonly #heardMs: Float64Array;
  readonly #probedMs: Float64Array;

  constructor(fleet: Pick<FleetView, "id">) {
    this.#id = fleet.id;
    this.#owner = new Int32Array(fleet.id.length);
    this.#heardMs = new Float64Array(fleet.id.length).fill(Number.NEGATIVE_INFINITY);
    this.#probedMs = new Float64Array(fleet.id.length).fill(Number.NEGATIVE_INFINITY);
  }

  /**
   * To be called before anything is read or written for a slot. True once after the slot went to another server; the
   * silence is infinite then, so that evidence which decays with it is void, and only the rest has to be cleared.
   */
  claim(slot: number): boolean {
    if (this.#owner[slot] === this.#id[slot]) return false;
    this.#owner[slot] = this.#id[slot];
    this.#heardMs[slot] = Number.NEGATIVE_INFINITY;
    this.#probedMs[slot] = Number.NEGATIVE_INFINITY;
    return true;
  }

  /** Milliseconds since the last outcome; `Infinity` before the first. */
  silenceMs(slot: number, nowMs: number): number {
    return nowMs - this.#heardMs[slot];
  }

  /** True when neither an outcome nor a probe was noted for more than `expiryMs`. */
  isSilent(slot: number, nowMs: number, expiryMs: number): boolean {
    return nowMs - this.#heardMs[slot] > expiryMs && nowMs - this.#probedMs[slot] > expiryMs;
  }

  heard(slot: number, nowMs: number): void {
    this.#heardMs[slot] = nowMs;
  }

  probed(slot: number, nowMs: number): void {
    this.#probedMs[slot] = nowMs;
  }
}
