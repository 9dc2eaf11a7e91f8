/** Mean and variance of a stream of weighted values (West 1979), in constant memory. */
export class RunningMean {
  #weight = 0;
  #squaredWeight = 0;
  #mean = 0;
  #squares = 0;

  /** Values with a weight above 0. */
  count = 0;

  add(value: number, weight = 1): void {
    if (weight <= 0) return;
    this.count++;
    this.#weight += weight;
    this.#squaredWeight += weight * weight;
    const off = value - this.#mean;
    this.#mean += (off * weight) / this.#weight;
    this.#squares += weight * off * (value - this.#mean);
  }

  /** NaN of none. */
  get mean(): number {
    return this.count === 0 ? Number.NaN : this.#mean;
  }

  /** Squared standard error of the mean; NaN of fewer than two values. */
  get squaredError(): number {
    if (this.count < 2) return Number.NaN;
    const variance = (this.#squares / this.#weight) * (this.count / (this.count - 1));
    return (variance * this.#squaredWeight) / (this.#weight * this.#weight);
  }

  get standardError(): number {
    return Math.sqrt(this.squaredError);
  }
}
