/** Whether a server is up, by its active health checks. Pure: fed with the outcome of each probe. */

/** How many probes in a row change a verdict. */
export interface HealthThresholds {
  /** Successes that bring a server that is down back up, ≥ 1. */
  readonly rise: number;
  /** Failures that take a proven server down, ≥ 1. */
  readonly fall: number;
}

/** What a probe's outcome changed. */
export type HealthTransition = "none" | "proven" | "down" | "up";

/**
 * A server starts up but unproven, as in HAProxy: the proxy serves from its first moment and does not wait for a round
 * of probes. In return the first probe decides alone: a failure takes the server down at once, a success proves it.
 * After that `fall` failures in a row take it down and `rise` successes in a row bring it back.
 */
export class HealthState {
  #thresholds: HealthThresholds;
  #up = true;
  #proven = false;
  /** Outcomes in a row that contradict the present verdict. */
  #against = 0;

  constructor(thresholds: HealthThresholds) {
    this.#thresholds = thresholds;
  }

  get up(): boolean {
    return this.#up;
  }

  /** True once a probe has succeeded. Readiness counts only proven servers. */
  get proven(): boolean {
    return this.#proven;
  }

  /** True while probes contradict the verdict but not yet often enough: worth probing sooner. */
  get wavering(): boolean {
    return this.#against > 0;
  }

  /** New thresholds from the next outcome on; the verdict stays. */
  configure(thresholds: HealthThresholds): void {
    this.#thresholds = thresholds;
  }

  /** Without checks there is nothing to prove: up from now on. */
  assumeUp(): void {
    this.#up = true;
    this.#proven = true;
    this.#against = 0;
  }

  /** @param corroborated requests say the same of a server that fails: one check is enough then. */
  onProbe(healthy: boolean, corroborated = false): HealthTransition {
    if (healthy === this.#up) {
      this.#against = 0;
      if (!healthy || this.#proven) return "none";
      this.#proven = true;
      return "proven";
    }
    this.#against++;
    const { rise, fall } = this.#thresholds;
    const needed = healthy ? rise : this.#proven && !corroborated ? fall : 1;
    if (this.#against < needed) return "none";
    this.#against = 0;
    this.#up = healthy;
    if (!healthy) return "down";
    this.#proven = true;
    return "up";
  }
}
