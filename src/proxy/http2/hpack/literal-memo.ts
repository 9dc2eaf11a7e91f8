/**
 * Literals that come again and again, and the lines that they became. Many servers (nginx, HAProxy) never refer to a table, so
 * that each of their responses has the same literals as the one before: comparing their bytes is cheaper than decoding them.
 *
 * What a literal means follows from its bytes alone, unless its name is one of the dynamic table: those are not kept here. So
 * one memory does for all connections of a worker whose fields have the same rules.
 */
import { copyBytes, sameBytes } from "../../http1/copy.ts";

/** A power of two: more literals than the responses of a few servers have. */
const SLOTS = 128;
/** Longer ones seldom come again. */
const MAX_CODED_BYTES = 64;
const MAX_LINE_BYTES = 128;
/** Bytes at the end of a literal that its place follows from: where values differ. */
const TAIL_BYTES = 4;

/** One worker's, of one direction. */
export class LiteralMemo {
  /** The lines: see `start`. */
  readonly lines: Buffer = Buffer.allocUnsafeSlow(SLOTS * MAX_LINE_BYTES);
  readonly #coded = new Uint8Array(SLOTS * MAX_CODED_BYTES);
  /** 0 = nothing is there. */
  readonly #codedBytes = new Uint8Array(SLOTS);
  readonly #nameBytes = new Uint8Array(SLOTS);
  readonly #lineBytes = new Uint8Array(SLOTS);
  readonly #marks = new Int32Array(SLOTS);
  /** Where the literal that was looked for last would be; -1 = it is too long. */
  #place = -1;

  /** Looks for the literal `block[start … end)`, all of it. @returns its slot; -1 = it is not known. */
  find(block: Uint8Array, start: number, end: number): number {
    const bytes = end - start;
    if (bytes > MAX_CODED_BYTES) {
      this.#place = -1;
      return -1;
    }
    let hash = block[start] ^ (bytes << 8);
    for (let i = Math.max(start + 1, end - TAIL_BYTES); i < end; i++) hash = (Math.imul(hash, 31) + block[i]) | 0;
    const slot = (hash ^ (hash >>> 7) ^ (hash >>> 14)) & (SLOTS - 1);
    this.#place = slot;
    if (this.#codedBytes[slot] !== bytes) return -1;
    return sameBytes(this.#coded, slot * MAX_CODED_BYTES, block, start, bytes) ? slot : -1;
  }

  /** Offset in `lines` of the line in this slot; it stays there until the next `note`. */
  start(slot: number): number {
    return slot * MAX_LINE_BYTES;
  }

  /** Offset after its name. */
  nameEnd(slot: number): number {
    return slot * MAX_LINE_BYTES + this.#nameBytes[slot];
  }

  /** Offset after its CRLF. */
  end(slot: number): number {
    return slot * MAX_LINE_BYTES + this.#lineBytes[slot];
  }

  /** See `FieldRules`. */
  mark(slot: number): number {
    return this.#marks[slot];
  }

  /** The literal `block[start … end)`, which `find` has just not found, became `line[lineStart … lineEnd)`. */
  note(
    block: Uint8Array,
    start: number,
    end: number,
    line: Buffer,
    lineStart: number,
    nameEnd: number,
    lineEnd: number,
    mark: number,
  ): void {
    const slot = this.#place;
    if (slot < 0 || lineEnd - lineStart > MAX_LINE_BYTES) return;
    const bytes = end - start;
    const from = slot * MAX_CODED_BYTES;
    for (let i = 0; i < bytes; i++) this.#coded[from + i] = block[start + i];
    this.#codedBytes[slot] = bytes;
    copyBytes(this.lines, slot * MAX_LINE_BYTES, line, lineStart, lineEnd);
    this.#nameBytes[slot] = nameEnd - lineStart;
    this.#lineBytes[slot] = lineEnd - lineStart;
    this.#marks[slot] = mark;
  }
}
