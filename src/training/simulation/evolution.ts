/**
 * Separable covariance matrix adaptation (sep-CMA-ES; Ros & Hansen 2008, with the parameters of Hansen's tutorial,
 * arXiv:1604.00772): searches where there is no gradient. It asks for trials, is told how good each was, and moves its
 * mean, the size of its steps and the spread of each coordinate.
 */
export class Evolution {
  readonly #dimensions: number;
  readonly #random: () => number;
  readonly population: number;
  readonly #weights: Float64Array;
  readonly #muEff: number;
  readonly #cSigma: number;
  readonly #dSigma: number;
  readonly #cc: number;
  readonly #c1: number;
  readonly #cMu: number;
  readonly #chi: number;
  readonly #mean: Float64Array;
  readonly #variance: Float64Array;
  readonly #pathSigma: Float64Array;
  readonly #pathC: Float64Array;
  #sigma = 1;
  #generation = 0;
  #trials: Float64Array[] = [];

  /**
   * @param mean where to begin.
   * @param spread standard deviation of each coordinate at the beginning.
   * @param population trials in a generation, even, ≥ 4.
   * @param random uniform in [0, 1).
   */
  constructor(mean: Float64Array, spread: Float64Array, population: number, random: () => number) {
    const n = mean.length;
    this.#dimensions = n;
    this.#random = random;
    this.population = population;
    const mu = population >> 1;
    const raw = Float64Array.from({ length: mu }, (_, i) => Math.log((population + 1) / 2) - Math.log(i + 1));
    const sum = raw.reduce((a, b) => a + b, 0);
    this.#weights = raw.map((w) => w / sum);
    this.#muEff = 1 / this.#weights.reduce((a, w) => a + w * w, 0);
    this.#cSigma = (this.#muEff + 2) / (n + this.#muEff + 5);
    this.#dSigma = 1 + 2 * Math.max(0, Math.sqrt((this.#muEff - 1) / (n + 1)) - 1) + this.#cSigma;
    this.#cc = (4 + this.#muEff / n) / (n + 4 + (2 * this.#muEff) / n);
    const faster = (n + 2) / 3; // a diagonal is learned so much faster than a whole matrix
    this.#c1 = Math.min(1, (faster * 2) / ((n + 1.3) ** 2 + this.#muEff));
    this.#cMu = Math.min(
      1 - this.#c1,
      (faster * 2 * (this.#muEff - 2 + 1 / this.#muEff)) / ((n + 2) ** 2 + this.#muEff),
    );
    this.#chi = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
    this.#mean = mean.slice();
    this.#variance = spread.map((s) => s * s);
    this.#pathSigma = new Float64Array(n);
    this.#pathC = new Float64Array(n);
  }

  /** The centre of the search: the best guess there is, because trials are lucky or unlucky. */
  get mean(): Float64Array {
    return this.#mean.slice();
  }

  /** Size of the steps relative to those at the beginning. */
  get sigma(): number {
    return this.#sigma;
  }

  /** The trials of the next generation. They come in mirrored pairs, whose luck cancels. */
  ask(): readonly Float64Array[] {
    this.#trials = [];
    for (let i = 0; i < this.population; i += 2) {
      const z = this.#mean.map(() => normal(this.#random));
      for (const sign of [1, -1]) {
        this.#trials.push(this.#mean.map((m, d) => m + sign * this.#sigma * Math.sqrt(this.#variance[d]) * z[d]));
      }
    }
    return this.#trials;
  }

  /** @param losses of the trials that `ask` gave, in their order; lower is better. */
  tell(losses: readonly number[]): void {
    this.#generation++;
    const order = losses.map((_, i) => i).sort((a, b) => losses[a] - losses[b]);
    const best = order.slice(0, this.#weights.length).map((i) => this.#trials[i]);
    const pathNorm = this.#moveMean(best);
    const expected = Math.sqrt(1 - (1 - this.#cSigma) ** (2 * this.#generation)) * this.#chi;
    const steady = pathNorm / expected < 1.4 + 2 / (this.#dimensions + 1) ? 1 : 0;
    this.#adaptSpread(best, steady);
    this.#sigma *= Math.exp((this.#cSigma / this.#dSigma) * (pathNorm / this.#chi - 1));
    this.#mean.set(this.#next);
  }

  #next = new Float64Array(0);

  /** Where the mean goes, and the path that it has come. Returns the length of that path. */
  #moveMean(best: readonly Float64Array[]): number {
    const keep = Math.sqrt(this.#cSigma * (2 - this.#cSigma) * this.#muEff);
    let squared = 0;
    this.#next = this.#mean.map((_, d) => best.reduce((sum, trial, i) => sum + this.#weights[i] * trial[d], 0));
    for (let d = 0; d < this.#dimensions; d++) {
      const step = (this.#next[d] - this.#mean[d]) / (this.#sigma * Math.sqrt(this.#variance[d]));
      this.#pathSigma[d] = (1 - this.#cSigma) * this.#pathSigma[d] + keep * step;
      squared += this.#pathSigma[d] ** 2;
    }
    return Math.sqrt(squared);
  }

  #adaptSpread(best: readonly Float64Array[], steady: number): void {
    const keep = steady * Math.sqrt(this.#cc * (2 - this.#cc) * this.#muEff);
    for (let d = 0; d < this.#dimensions; d++) {
      const moved = (this.#next[d] - this.#mean[d]) / this.#sigma;
      this.#pathC[d] = (1 - this.#cc) * this.#pathC[d] + keep * moved;
      let spread = 0;
      for (const [i, trial] of best.entries()) {
        spread += this.#weights[i] * ((trial[d] - this.#mean[d]) / this.#sigma) ** 2;
      }
      this.#variance[d] =
        (1 - this.#c1 - this.#cMu) * this.#variance[d] + this.#c1 * this.#pathC[d] ** 2 + this.#cMu * spread;
    }
  }
}

/** A standard normal variate (Box & Muller 1958). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
