/** What is slow where nobody says: the slowest hundredth of late, followed from request to request. */

/** Requests after which the estimate is worth something. */
const WARM_UP = 500;
const SLOWEST_SHARE = 0.01;
/** How much of itself the estimate moves by. */
const STEP = 0.05;
/** Estimates below this would not come up again, milliseconds. */
const LEAST_MS = 0.01;

/** Of one worker. */
export class SlowWatch {
  #estimateMs = 0;
  #seen = 0;

  /**
   * A request took `durationMs`.
   * @param wantedMs what takes longer is slow as history has it; 0 = it does not say.
   * @returns the same for this request: what came before says it; 0 = too little has come.
   */
  look(durationMs: number, wantedMs: number): number {
    const before = this.#seen > WARM_UP ? this.#estimateMs : 0;
    this.#seen++;
    if (this.#estimateMs === 0) this.#estimateMs = Math.max(LEAST_MS, durationMs);
    // Steps up and down balance where a hundredth is above.
    else if (durationMs > this.#estimateMs) this.#estimateMs *= 1 + STEP * (1 - SLOWEST_SHARE);
    else this.#estimateMs = Math.max(LEAST_MS, this.#estimateMs * (1 - STEP * SLOWEST_SHARE));
    return wantedMs > 0 ? wantedMs : before;
  }
}
