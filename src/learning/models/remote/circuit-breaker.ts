/**
 * Keeps a model server that fails from being asked all the time: closed → open after failures in a row → half-open when the
 * time is over: one prediction tries it, and its end closes or opens the circuit again.
 */

/** What the circuit lets through: all, nothing, or one try. */
export type CircuitState = "closed" | "open" | "half_open";

/** How a circuit behaves. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open, milliseconds. */
  readonly resetMs: number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/** Leave to ask once. Whoever has it says how that ended: once, and always. */
export interface Permit {
  succeeded(): void;
  failed(): void;
}

export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #state: CircuitState = "closed";
  #failuresInARow = 0;
  #reopensAtMs = 0;
  /** Raised by every change of state: what was permitted before a change has no say after it. */
  #era = 0;
  #timesOpened = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    return this.#state;
  }

  /** How often it was opened. */
  get timesOpened(): number {
    return this.#timesOpened;
  }

  /** Milliseconds until one try is let through; 0 unless it is open. */
  get msUntilTry(): number {
    return this.#state === "open" ? Math.max(0, this.#reopensAtMs - this.#options.nowMs()) : 0;
  }

  /** Leave to ask now, or `null`. */
  ask(): Permit | null {
    if (this.#state === "half_open") return null;
    if (this.#state === "open") {
      if (this.msUntilTry > 0) return null;
      this.#change("half_open");
    }
    const era = this.#era;
    return {
      succeeded: () => {
        if (era === this.#era) this.#succeeded();
      },
      failed: () => {
        if (era === this.#era) this.#failed();
      },
    };
  }

  #succeeded(): void {
    this.#failuresInARow = 0;
    if (this.#state === "half_open") this.#change("closed");
  }

  #failed(): void {
    this.#failuresInARow++;
    if (this.#state !== "half_open" && this.#failuresInARow < this.#options.failures) return;
    this.#failuresInARow = 0;
    this.#reopensAtMs = this.#options.nowMs() + this.#options.resetMs;
    this.#timesOpened++;
    this.#change("open");
  }

  #change(state: CircuitState): void {
    this.#state = state;
    this.#era++;
  }
}
