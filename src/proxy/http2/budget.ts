/**
 * What a peer may do that costs us work and brings nobody forward: resets, frames that move nothing, mistakes. One budget
 * for all of it, because an attack is whatever comes often: resets of its own streams (CVE-2023-44487) and those that it
 * makes us send (CVE-2025-8671), floods of PING, SETTINGS, PRIORITY, WINDOW_UPDATE and empty frames (CVE-2019-9511 to 9518).
 */

/** What a connection has at first, and at most by waiting. */
const BURST = 200;
/** What comes back each second. */
const PER_SECOND = 20;
/** What useful work has brought is kept up to here. */
const MOST = 2000;

/** One connection's. */
export class AbuseBudget {
  #left = BURST;
  #atMs: number;

  /** @param nowMs monotonic, as all times here. */
  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Something useful was done: a peer that is served has windows to update and asks whether we are there. */
  earn(units: number): void {
    if (this.#left < MOST) this.#left += units;
  }

  /** Something useless was done. @returns false when that was too often: the connection ends (ENHANCE_YOUR_CALM). */
  spend(nowMs: number): boolean {
    if (this.#left < BURST) this.#left = Math.min(BURST, this.#left + ((nowMs - this.#atMs) * PER_SECOND) / 1000);
    this.#atMs = nowMs;
    this.#left--;
    return this.#left >= 0;
  }
}
