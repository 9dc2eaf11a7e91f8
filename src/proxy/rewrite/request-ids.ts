/** Request, trace and span ids: unique, random enough to sample by, and cheap. They are identifiers, not secrets. */

const HEX = "0123456789abcdef";
const HIGH_DIGIT = Uint8Array.from({ length: 256 }, (_, b) => HEX.charCodeAt(b >> 4));
const LOW_DIGIT = Uint8Array.from({ length: 256 }, (_, b) => HEX.charCodeAt(b & 15));

/** Length of a request or trace id in hexadecimal digits (W3C Trace Context section 3.2.2.3). */
export const TRACE_ID_DIGITS = 32;
/** Length of a span id in hexadecimal digits (section 3.2.2.4). */
export const SPAN_ID_DIGITS = 16;

/** xoshiro128** (Blackman and Vigna, 2018), writing hexadecimal digits instead of numbers. */
export class IdSource {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed four words, not all zero; from a cryptographic source, so that two workers never share a sequence. */
  constructor(seed: Uint32Array) {
    this.#a = seed[0] | 0;
    this.#b = seed[1] | 0;
    this.#c = seed[2] | 0;
    this.#d = seed[3] | 1;
  }

  /** Writes `digits` (a multiple of 8) hexadecimal digits at `out[at]`. Not all of them are zero in practice. */
  write(out: Uint8Array, at: number, digits: number): void {
    for (let end = at + digits; at < end; at += 8) {
      const word = this.#next();
      writeByte(out, at, word >>> 24);
      writeByte(out, at + 2, (word >>> 16) & 255);
      writeByte(out, at + 4, (word >>> 8) & 255);
      writeByte(out, at + 6, word & 255);
    }
  }

  #next(): number {
    const b5 = Math.imul(this.#b, 5);
    const result = Math.imul((b5 << 7) | (b5 >>> 25), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }
}

function writeByte(out: Uint8Array, at: number, byte: number): void {
  out[at] = HIGH_DIGIT[byte];
  out[at + 1] = LOW_DIGIT[byte];
}
