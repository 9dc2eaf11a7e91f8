/**
 * A head that arrives in pieces. Parsing again from its start for every piece would cost the square of its length when
 * a client sends it byte by byte; so the parser is asked only when it may have something new to say: at the end of the
 * head, at a bare LF, after the first line, at the size limit, and each time the size has doubled since.
 */
import { CR, LF } from "./char-class.ts";

const FIRST_CAPACITY = 1024;
const EMPTY = new Uint8Array(0);
/** Until so many bytes have come, rubbish is noticed only by its line ends. */
const FIRST_CHECK = 256;

/**
 * Use: parse a packet where it lies; when that is `INCOMPLETE`, `push` it and every later packet; when `push` says so,
 * parse `bytes[0, length)`. On success what follows the head is in the last packet, from `restStart(headEnd)` on.
 */
export class HeadBuffer {
  /** Owned by this object until `take`. Only `[0, length)` means anything. */
  bytes: Uint8Array = EMPTY;
  /** Bytes collected, at most `maxHeadBytes`. */
  length = 0;
  readonly #maxHeadBytes: number;
  #lastByte = 0;
  /** Bytes of the present line so far: 0 after a line end. */
  #lineBytes = 0;
  #lines = 0;
  #bareLineFeed = false;
  #nextCheck = FIRST_CHECK;
  /** Where the last packet began, in its own buffer and here. */
  #packetStart = 0;
  #packetAt = 0;

  /** @param maxHeadBytes the limit given to the parser: nothing beyond it is kept. */
  constructor(maxHeadBytes: number) {
    this.#maxHeadBytes = maxHeadBytes;
  }

  /**
   * Appends a packet, `buf[start, end)`, as far as `maxHeadBytes` allows.
   * @returns whether the parser is to be run now; when it then says `INCOMPLETE`, go on pushing.
   */
  push(buf: Uint8Array, start: number, end: number): boolean {
    const count = Math.min(end - start, this.#maxHeadBytes - this.length);
    this.#packetStart = start;
    this.#packetAt = this.length;
    this.#reserve(this.length + count);
    const { bytes } = this;
    let at = this.length;
    let last = this.#lastByte;
    let lineBytes = this.#lineBytes;
    let check = false;
    for (let i = start; i < start + count; i++) {
      const byte = buf[i];
      bytes[at++] = byte;
      if (byte === LF) {
        // A blank line is the CR alone before this LF. Where a bare LF is allowed, the first one said so.
        const blank = last === CR ? lineBytes === 1 : lineBytes === 0 || !this.#bareLineFeed;
        if (blank || this.#lines === 0) check = true;
        if (last !== CR) this.#bareLineFeed = true;
        this.#lines++;
        lineBytes = 0;
      } else lineBytes++;
      last = byte;
    }
    this.#lastByte = last;
    this.#lineBytes = lineBytes;
    this.length = at;
    if (at >= this.#nextCheck || at === this.#maxHeadBytes) check = true;
    if (check) this.#nextCheck = Math.max(FIRST_CHECK, at * 2);
    return check;
  }

  /** Offset in the last packet's buffer of the first byte after a head that ends at `headEnd` here. */
  restStart(headEnd: number): number {
    return this.#packetStart + headEnd - this.#packetAt;
  }

  /** Hands over the bytes, to which the head's offsets refer, and makes this ready for the next head. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = EMPTY;
    this.clear();
    return taken;
  }

  /** Forgets what was collected and keeps the memory. */
  clear(): void {
    this.length = 0;
    this.#lastByte = 0;
    this.#lineBytes = 0;
    this.#lines = 0;
    this.#bareLineFeed = false;
    this.#nextCheck = FIRST_CHECK;
  }

  #reserve(needed: number): void {
    const { bytes, length } = this;
    if (needed <= bytes.length) return;
    let capacity = Math.max(FIRST_CAPACITY, bytes.length);
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(Math.min(capacity, Math.max(this.#maxHeadBytes, needed)));
    grown.set(bytes.subarray(0, length));
    this.bytes = grown;
  }
}
