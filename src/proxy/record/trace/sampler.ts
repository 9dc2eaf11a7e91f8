/** Which requests are traced: the standard samplers of OpenTelemetry, which look at nothing but the trace's id and its parent. */
import type { TraceSampling } from "../../../protocol/tracer.ts";

/** Of the 64 random bits of an id (its right half) so many decide: as many as a number holds exactly. */
const DIGITS = 13;
const RIGHT_HALF_AT = 16;
/** Comes behind all digits. */
const BEHIND_ALL = "g";

/** What a worker goes by. */
export class Sampler {
  readonly #parentBased: boolean;
  /** Ids whose right half comes before it are sampled. */
  readonly #bound: Buffer;

  /** @param sampling with a ratio from 0 to 1. */
  constructor({ ratio, parentBased }: Pick<TraceSampling, "ratio" | "parentBased">) {
    this.#parentBased = parentBased;
    const bound = Math.ceil(ratio * 16 ** DIGITS);
    this.#bound = Buffer.from(bound === 16 ** DIGITS ? BEHIND_ALL : bound.toString(16).padStart(DIGITS, "0"));
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

  /** By the 16 digits at `at`: they have the order of their values, so the first ones decide almost always. */
  #chooses(buf: Uint8Array, at: number): boolean {
    const bound = this.#bound;
    for (let i = 0; i < DIGITS; i++) if (buf[at + i] !== bound[i]) return buf[at + i] < bound[i];
    return false;
  }
}
