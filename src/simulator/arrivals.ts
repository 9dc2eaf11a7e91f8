import type { Arrivals } from "./scenario.ts";

/** When requests arrive. Surges change the rate; they do not change which variates are drawn. */
export class ArrivalProcess {
  readonly #random: () => number;
  readonly #calmPerMs: number;
  readonly #burstPerMs: number;
  readonly #burstMs: number;
  readonly #calmMs: number;
  #surge = 1;
  #bursting = false;
  #phaseEndsMs = Number.POSITIVE_INFINITY;
  /** Until the next arrival, in expected arrivals: a unit-rate Poisson process that the rate stretches. */
  #gap: number;
  #readMs = 0;

  /** @param perMs mean rate without surges. */
  constructor(arrivals: Arrivals, perMs: number, random: () => number) {
    this.#random = random;
    this.#gap = this.#exponential(1);
    if (arrivals.kind === "poisson") {
      this.#calmPerMs = perMs;
      this.#burstPerMs = perMs;
      this.#burstMs = 0;
      this.#calmMs = 0;
      return;
    }
    const { factor, burstMs, calmMs } = arrivals;
    this.#burstMs = burstMs;
    this.#calmMs = calmMs;
    this.#calmPerMs = (perMs * (burstMs + calmMs)) / (factor * burstMs + calmMs);
    this.#burstPerMs = factor * this.#calmPerMs;
    this.#phaseEndsMs = this.#exponential(calmMs);
  }

  /** When the next request arrives or the rate changes by itself, whichever is first. */
  get nextMs(): number {
    return Math.min(this.#readMs + this.#gap / this.#rate, this.#phaseEndsMs);
  }

  /** Moves to `nextMs`. @returns true when a request arrives there. */
  advance(): boolean {
    const nowMs = this.nextMs;
    if (nowMs === this.#phaseEndsMs) {
      this.#read(nowMs);
      this.#bursting = !this.#bursting;
      this.#phaseEndsMs = nowMs + this.#exponential(this.#bursting ? this.#burstMs : this.#calmMs);
      return false;
    }
    this.#readMs = nowMs;
    this.#gap = this.#exponential(1);
    return true;
  }

  /** Multiplies the rate from now on. */
  surge(factor: number, nowMs: number): void {
    this.#read(nowMs);
    this.#surge *= factor;
  }

  get #rate(): number {
    return (this.#bursting ? this.#burstPerMs : this.#calmPerMs) * this.#surge;
  }

  #read(nowMs: number): void {
    this.#gap = Math.max(0, this.#gap - (nowMs - this.#readMs) * this.#rate);
    this.#readMs = nowMs;
  }

  #exponential(mean: number): number {
    return -Math.log(1 - this.#random()) * mean;
  }
}
