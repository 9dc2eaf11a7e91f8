/** Which requests are traced: the standard samplers of OpenTelemetry, which look at nothing but the trace's id and its parent. */
import type { TraceSampling } from "../../../protocol/tracer.ts";
import { hexDigit } from "../../rewrite/trace-context.ts";

/** Of the 64 random bits of an id (its right half) so many decide: as many as a number holds exactly. */
const LOW_DIGITS = 5;
const HIGH_DIGITS = 8;
const RIGHT_HALF_AT = 16;
const HIGH = 2 ** 32;
const LOW = 2 ** (4 * LOW_DIGITS);

/** What a worker goes by. */
export class Sampler {
  readonly #parentBased: boolean;
  /** Ids whose right half begins with less than this are sampled, and some of those that begin with it. */
  readonly #high: number;
  readonly #low: number;

  /** @param sampling with a ratio from 0 to 1. */
  constructor({ ratio, parentBased }: Pick<TraceSampling, "ratio" | "parentBased">) {
    this.#parentBased = parentBased;
    const scaled = ratio * HIGH;
    this.#high = Math.floor(scaled);
    this.#low = (scaled - this.#high) * LOW;
  }

  /**
   * Whether the trace with the id `buf[idStart …]` (32 hexadecimal digits) is sampled.
   * @param parent 1 = the client has it sampled, 0 = it has not, -1 = the trace begins here.
   */
  samples(buf: Uint8Array, idStart: number, parent: number): boolean {
    if (this.#parentBased && parent >= 0) return parent === 1;
    // As the SDKs for Go, Python and Ruby decide: so services that are set to one ratio choose the same traces.
    return this.#chooses(buf, idStart + RIGHT_HALF_AT);
  }

  /**
   * The same for the trace of a client that may be anybody, who may have chosen its id so that it is sampled: without
   * `parentbased_…` 16 hexadecimal digits of ours, `buf[randomStart …]`, decide in its place.
   */
  samplesOfStranger(buf: Uint8Array, randomStart: number, parent: number): boolean {
    return this.#parentBased ? parent === 1 : this.#chooses(buf, randomStart);
  }

  /** By the number that the 16 digits at `at` are. */
  #chooses(buf: Uint8Array, at: number): boolean {
    const high = hexNumber(buf, at, HIGH_DIGITS);
    if (high !== this.#high) return high < this.#high;
    return hexNumber(buf, at + HIGH_DIGITS, LOW_DIGITS) < this.#low;
  }
}

/** The number that `digits` lower-case hexadecimal digits (8 at most) are. */
function hexNumber(buf: Uint8Array, start: number, digits: number): number {
  let value = 0;
  for (let i = start; i < start + digits; i++) value = (value << 4) | hexDigit(buf[i]);
  return value >>> 0;
}
