/**
 * How numbers become text for Redis, and are read again with suspicion: others wrote it. It is printable, so that it passes any
 * client as it is, and redis-cli shows it.
 */
import { notOurs } from "./replies.ts";

/** Largest number that is written or believed. */
export const MOST = 0x7fff_ffff;

/** Digits are "0" … "o": five bits, and a sixth that says that more follow. */
const ZERO = 48;
const BITS = 5;
const MORE = 1 << BITS;
/** So many digits has the largest number. */
const MOST_DIGITS = 7;

/** Text that grows; used again and again. */
export class DigitWriter {
  #bytes = Buffer.alloc(1024);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** Six bits. */
  digit(bits: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = ZERO + bits;
  }

  /** Whole numbers from 0 to `MOST`, small ones in fewer digits; others become the nearest of these. */
  number(value: number): void {
    this.#reserve(MOST_DIGITS);
    let rest = Math.max(0, Math.min(MOST, value));
    while (rest >= MORE) {
      this.#bytes[this.#length++] = ZERO + ((rest & (MORE - 1)) | MORE);
      rest >>>= BITS;
    }
    this.#bytes[this.#length++] = ZERO + rest;
  }

  /** An id, or a hash: as it is. */
  id(hex: string): void {
    this.#reserve(hex.length);
    this.#length += this.#bytes.write(hex, this.#length, "latin1");
  }

  /** What was written since `clear`. */
  take(): string {
    return this.#bytes.toString("latin1", 0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.alloc(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what a `DigitWriter` has written. Each method throws an `Error` where that is not so. */
export class DigitReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, at = 0) {
    this.#text = text;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  digit(): number {
    const bits = this.#text.charCodeAt(this.#at++) - ZERO;
    if (!(bits >= 0 && bits < 2 * MORE)) throw notOurs(); // beyond the end it is NaN
    return bits;
  }

  number(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < MOST_DIGITS; i++) {
      const bits = this.digit();
      value += (bits & (MORE - 1)) * unit;
      if (bits < MORE) {
        if (value > MOST) throw notOurs();
        return value;
      }
      unit *= MORE;
    }
    throw notOurs();
  }

  /** 16 hexadecimal digits. */
  id(): string {
    const hex = this.#text.slice(this.#at, this.#at + 16);
    if (!/^[0-9a-f]{16}$/.test(hex)) throw notOurs();
    this.#at += 16;
    return hex;
  }
}
