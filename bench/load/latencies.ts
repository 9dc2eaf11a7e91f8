/** Latencies of one run: as many samples as it has room for, and their quantiles. */
export class Latencies {
  readonly #samples: Float32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#samples = new Float32Array(capacity);
  }

  add(ms: number): void {
    if (this.#count < this.#samples.length) this.#samples[this.#count++] = ms;
  }

  /** The quantiles asked for (0 … 1), by nearest rank; NaN without samples. */
  quantiles(...wanted: readonly number[]): number[] {
    const sorted = this.#samples.subarray(0, this.#count).sort();
    return wanted.map((q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN);
  }
}
