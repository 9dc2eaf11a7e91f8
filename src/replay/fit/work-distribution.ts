/** How much work requests have: the hazard of being done, by the work that was received. */

/** From one point of the grid to the next, in log work. */
const STEP = 0.05;
/** Beyond what was seen the grid goes on so far, in log work. */
const MARGIN = 2;
/** A part of the mass is spread over everything, so that nothing is impossible. */
const FLAT_SHARE = 0.002;

/** A smooth distribution of positive works. Asked through `cumulativeHazard` and `logHazard`, by linear interpolation. */
export class WorkDistribution {
  /** Mean of the logarithm. */
  readonly meanLog: number;
  /** Deviation of the logarithm, with what smoothing adds to it. */
  readonly deviationLog: number;
  readonly #lowest: number;
  /** Cumulative hazard, -log of the share that has more work, by log work. */
  readonly #cumulative: Float64Array;
  /** Log of the hazard per unit of work. */
  readonly #hazard: Float64Array;

  /** @param logs logarithms of works, at least one. @param weights how many each stands for. */
  constructor(logs: ArrayLike<number>, weights: ArrayLike<number>) {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    let total = 0;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < logs.length; i++) {
      least = Math.min(least, logs[i]);
      most = Math.max(most, logs[i]);
      total += weights[i];
      sum += weights[i] * logs[i];
      squares += weights[i] * logs[i] * logs[i];
    }
    this.meanLog = sum / total;
    const deviation = Math.sqrt(Math.max(0, squares / total - this.meanLog ** 2));
    // Silverman's rule, a little sharper: what is fitted here has often two humps.
    const bandwidth = Math.max(STEP, 0.7 * deviation * logs.length ** -0.2);
    this.deviationLog = Math.hypot(deviation, bandwidth);
    this.#lowest = least - MARGIN;
    const points = Math.ceil((most - least + 2 * MARGIN) / STEP) + 2;
    const counts = new Float64Array(points);
    for (let i = 0; i < logs.length; i++) {
      const at = (logs[i] - this.#lowest) / STEP;
      const below = Math.floor(at);
      counts[below] += weights[i] * (1 - at + below);
      counts[below + 1] += weights[i] * (at - below);
    }
    const density = smooth(counts, total, bandwidth);
    this.#cumulative = new Float64Array(points);
    this.#hazard = new Float64Array(points);
    let survival = 0;
    for (let at = points - 1; at >= 0; at--) {
      survival += density[at] * STEP;
      this.#cumulative[at] = -Math.log(survival);
      this.#hazard[at] = Math.log(density[at] / survival) - this.#logAt(at);
    }
    const certain = this.#cumulative[0];
    for (let at = 0; at < points; at++) this.#cumulative[at] -= certain;
  }

  /** 0 at 0; how much evidence it is that a request is not done yet after so much work. */
  cumulativeHazard(work: number): number {
    if (work <= 0) return 0;
    return this.#read(this.#cumulative, Math.log(work), 0);
  }

  /** Log of the rate, per unit of work, at which requests are done that have received so much. */
  logHazard(work: number): number {
    return this.#read(this.#hazard, Math.log(Math.max(1e-9, work)), this.#hazard[0]);
  }

  #read(table: Float64Array, log: number, below: number): number {
    const at = (log - this.#lowest) / STEP;
    if (!(at > 0)) return below;
    const last = table.length - 1;
    if (at >= last) return table[last] + (table === this.#cumulative ? at - last : 0);
    const i = at | 0;
    return table[i] + (table[i + 1] - table[i]) * (at - i);
  }

  #logAt(at: number): number {
    return this.#lowest + at * STEP;
  }
}

/** Density on the grid: counts under a normal kernel, and the flat part. */
function smooth(counts: Float64Array, total: number, bandwidth: number): Float64Array {
  const reach = Math.ceil((4 * bandwidth) / STEP);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-0.5 * (((i - reach) * STEP) / bandwidth) ** 2),
  );
  const scale = (1 - FLAT_SHARE) / (total * kernel.reduce((a, b) => a + b, 0) * STEP);
  const density = new Float64Array(counts.length).fill(FLAT_SHARE / (counts.length * STEP));
  for (let at = 0; at < counts.length; at++) {
    if (counts[at] === 0) continue;
    const from = Math.max(0, at - reach);
    const to = Math.min(counts.length - 1, at + reach);
    for (let i = from; i <= to; i++) density[i] += counts[at] * scale * kernel[i - at + reach];
  }
  return density;
}
