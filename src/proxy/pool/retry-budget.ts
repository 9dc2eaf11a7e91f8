/**
 * A retry budget (as in Finagle): retries are a bounded share of requests, so that a failing fleet is not buried under
 * its own retries. A token bucket that each request fills by `ratio` and each retry empties by one; a small floor per
 * second lets a quiet service retry at all.
 */
export class RetryBudget {
  #balance: number;
  #lastMs: number;
  readonly #ratio: number;
  readonly #floorPerMs: number;
  readonly #max: number;

  /**
   * @param ratio retries per request, 0 … 1.
   * @param floorPerSecond retries per second that are always allowed.
   */
  constructor(ratio: number, floorPerSecond: number, nowMs: number) {
    this.#ratio = ratio;
    this.#floorPerMs = ratio > 0 ? floorPerSecond / 1000 : 0;
    this.#max = ratio > 0 ? Math.max(floorPerSecond * 10, ratio * 1000) : 0;
    this.#balance = Math.min(floorPerSecond, this.#max);
    this.#lastMs = nowMs;
  }

  onRequest(): void {
    if (this.#balance < this.#max) this.#balance += this.#ratio;
  }

  /** Takes one retry from the budget; false when it is spent. */
  tryTake(nowMs: number): boolean {
    this.#balance = Math.min(this.#max, this.#balance + (nowMs - this.#lastMs) * this.#floorPerMs);
    this.#lastMs = nowMs;
    if (this.#balance < 1) return false;
    this.#balance--;
    return true;
  }
}
