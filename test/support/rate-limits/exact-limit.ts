/**
 * What passed, held against one exact limit: what that would have let pass of the same requests, and whether in any window more passed
 * than it could have. All windows of a key are looked at in one pass: in none of any length `w` do more than f × (burst + rate × w)
 * pass if and only if a GCRA of f times the rate and the burst is never ahead by more than its burst.
 */

/** By how much more than the limit is looked for. */
export const FACTORS = [1, 1.02, 1.05, 1.1, 1.2, 1.5, 2] as const;

/** Less than a request: what is lost by counting times in fractions. */
const EPSILON = 1e-6;

/** All keys of one limit. */
export class ExactLimit {
  readonly #intervalMs: number;
  readonly #burst: number;
  /** Theoretical arrivals of an exact limit, by key. */
  readonly #arrivals: Float64Array;
  /** The same of what passed, by factor and key. */
  readonly #windows: readonly Float64Array[];
  /** Keys that had such a window, by factor. */
  readonly #exceeded: readonly Uint8Array[];
  /** What the exact limit let pass. */
  allowed = 0;
  passed = 0;

  constructor(keys: number, requests: number, periodMs: number, burst: number) {
    this.#intervalMs = periodMs / requests;
    this.#burst = burst;
    this.#arrivals = new Float64Array(keys);
    this.#windows = FACTORS.map(() => new Float64Array(keys));
    this.#exceeded = FACTORS.map(() => new Uint8Array(keys));
  }

  /** A request came, and passed or not. */
  request(key: number, atMs: number, passed: boolean): void {
    const most = this.#burst * this.#intervalMs;
    const arrival = Math.max(this.#arrivals[key], atMs) + this.#intervalMs;
    if (arrival - atMs <= most + EPSILON) {
      this.#arrivals[key] = arrival;
      this.allowed++;
    }
    if (!passed) return;
    this.passed++;
    for (let i = 0; i < FACTORS.length; i++) {
      const arrivals = this.#windows[i];
      arrivals[key] = Math.max(arrivals[key], atMs) + this.#intervalMs / FACTORS[i];
      if (arrivals[key] - atMs > most + EPSILON) this.#exceeded[i][key] = 1;
    }
  }

  /** How many keys had a window in which more than so many times the limit passed, by factor. */
  exceeded(): readonly { readonly factor: number; readonly keys: number }[] {
    return FACTORS.map((factor, i) => ({ factor, keys: this.#exceeded[i].reduce((sum, one) => sum + one, 0) }));
  }

  /** How much more passed than would have, as a part of it. */
  get error(): number {
    return this.allowed === 0 ? 0 : this.passed / this.allowed - 1;
  }
}
