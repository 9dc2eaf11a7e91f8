import { decayFactor } from "./decay.ts";

/** Before the first outcome every server has the same estimate; any figure will do. */
const DEFAULT_MS = 1;

/** The exponentially forgetting mean over all servers' outcomes: the neutral default of what is not known. */
export class FleetMean {
  readonly #timeConstantMs: number;
  #sum = 0;
  #count = 0;
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(timeConstantMs: number) {
    this.#timeConstantMs = timeConstantMs;
  }

  observe(valueMs: number, nowMs: number): void {
    const keep = decayFactor(nowMs - this.#heardMs, this.#timeConstantMs);
    this.#sum = this.#sum * keep + valueMs;
    this.#count = this.#count * keep + 1;
    this.#heardMs = nowMs;
  }

  /** Milliseconds, > 0. Silence of the whole fleet does not change it. */
  read(): number {
    return this.#count > 0 ? this.#sum / this.#count : DEFAULT_MS;
  }
}
