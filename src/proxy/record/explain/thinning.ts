/** Which part of requests is kept, so that what is kept lasts: found anew every second. */
import { ExplainRing } from "../../../shared/memory/layout/explain.ts";

const WINDOW_MS = 1_000;
/** Usual requests are to last so long. */
const LAST_SECONDS = 600;
/** What comes in a second has this part in the rate that is reckoned with: a short burst is kept as a whole. */
const SMOOTHING = 0.1;
/** Refusals of a second after which only half of those that follow are kept, and so on. */
const REFUSALS = 64;
const MOST_BITS = 20;
/** After this nothing of the old rate is left. */
const FORGET_SECONDS = 60;
/** Of the ring, what is being filled anew is not there. */
const USABLE = 0.95;

/** Of one worker. Shares are 1 in 2^bits. */
export class Thinning {
  readonly #limits: Float64Array;
  #beganMs = Number.NEGATIVE_INFINITY;
  /** Words per second that all usual requests would take. */
  #rate = 0;
  #refusals = 0;
  bits = 0;
  refusalBits = 0;
  /** Words of usual requests that were kept in this second. */
  words = 0;

  /** @param limits words that a ring may have, by `ExplainRing`. */
  constructor(limits: Float64Array) {
    this.#limits = limits;
  }

  /** Has the second ended? */
  isOver(nowMs: number): boolean {
    return nowMs - this.#beganMs >= WINDOW_MS;
  }

  /** Another second begins. @returns `bits`. */
  begin(nowMs: number): number {
    const seconds = (nowMs - this.#beganMs) / 1000;
    if (seconds > FORGET_SECONDS) this.#rate = 0;
    else {
      const rate = (this.words * 2 ** this.bits) / seconds;
      this.#rate += (rate - this.#rate) * (1 - (1 - SMOOTHING) ** seconds);
    }
    this.#beganMs = nowMs;
    this.words = 0;
    this.#refusals = 0;
    this.refusalBits = 0;
    const room = this.#limits[ExplainRing.USUAL] * USABLE;
    const wanted = room > 0 ? (this.#rate * LAST_SECONDS) / room : 0;
    this.bits = wanted <= 1 ? 0 : Math.min(MOST_BITS, Math.ceil(Math.log2(wanted)));
    return this.bits;
  }

  /** A refusal was kept. */
  refusalKept(): void {
    if (++this.#refusals < REFUSALS || this.refusalBits >= MOST_BITS) return;
    this.#refusals = 0;
    this.refusalBits++;
  }
}
