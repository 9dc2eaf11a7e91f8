/** Sends at a rate that no response changes. */
import { Arrivals } from "./arrivals.ts";

/** What is sent, and how often. */
export interface OpenLoopOptions {
  /** Requests per second, > 0. */
  readonly perSecond: number;
  /** Sends one. @param intendedMs when it was due. */
  readonly send: (intendedMs: number) => void;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

export class OpenLoop {
  readonly #options: OpenLoopOptions;
  #arrivals: Arrivals;
  #perSecond: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts to send at once. */
  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#perSecond = options.perSecond;
    this.#arrivals = this.#from(options.perSecond);
    this.#schedule();
  }

  /** Requests a second. */
  get rate(): number {
    return this.#perSecond;
  }

  /** Sends so many from now on, > 0. */
  setRate(perSecond: number): void {
    this.#perSecond = perSecond;
    this.#arrivals = this.#from(perSecond);
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** Sends nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #from(perSecond: number): Arrivals {
    const { nowMs, random } = this.#options;
    return new Arrivals(perSecond, nowMs(), random);
  }

  #schedule(): void {
    const { nowMs, send } = this.#options;
    const timer = setTimeout(
      () => {
        this.#arrivals.take(nowMs(), send);
        // It may have been stopped by what was sent, or another rate set.
        if (this.#timer === timer) this.#schedule();
      },
      Math.max(0, this.#arrivals.nextMs - nowMs()),
    );
    this.#timer = timer;
  }
}
