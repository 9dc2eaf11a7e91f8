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
    const bound = this.#bound;
    const at = idStart + RIGHT_HALF_AT;
    // Hexadecimal digits have the order of their values, so the first ones decide almost always.
    for (let i = 0; i < DIGITS; i++) if (buf[at + i] !== bound[i]) return buf[at + i] < bound[i];
    return false;
  }
}
