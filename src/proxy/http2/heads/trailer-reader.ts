/** Trailers of HTTP/2 as field lines of HTTP/1.1 (RFC 9113 section 8.1). */
import { COLON, CR } from "../../http1/char-class.ts";
import { ParseError } from "../../http1/parse-error.ts";
import { isRefusedTrailer, TRAILER_NAME_BYTES, type TrailerLimits } from "../../http1/trailer-rules.ts";
import { FIRST_PSEUDO_KIND } from "./field-mark.ts";
import { LineReader } from "./line-reader.ts";

/** Reads one trailer section after the other: `begin`, the block through an `HpackDecoder`, `finish`; then there are `lines`. */
export class TrailerReader extends LineReader {
  /** @param maxBytes bound of all lines. */
  begin(maxBytes: number): void {
    this.reset(maxBytes);
  }

  protected override special(buf: Buffer, start: number, _nameEnd: number, end: number, kind: number): void {
    if (kind >= FIRST_PSEUDO_KIND) this.refuse(ParseError.UNEXPECTED_PSEUDO_FIELD);
    else this.take(buf, start, end);
  }

  /**
   * The block is complete.
   * @param limits of a server's trailers: those that must not be passed on are left out. Null = who gets the lines checks them,
   * as those behind chunks.
   * @returns the bytes of the lines, or a `ParseError`.
   */
  finish(limits: TrailerLimits | null): number {
    this.flushRun();
    if (this.error !== 0) return this.error === ParseError.HEAD_TOO_LARGE ? ParseError.TRAILER_TOO_LARGE : this.error;
    if (limits !== null && this.#leaveOut(limits) > limits.maxTrailerFields) return ParseError.TRAILER_TOO_LARGE;
    return this.linesEnd;
  }

  /** A copy of the lines, each with its CRLF; null = there are none. */
  get lines(): Buffer | null {
    return this.linesEnd === 0 ? null : Buffer.from(this.line.subarray(0, this.linesEnd));
  }

  /** @returns how many lines are left. */
  #leaveOut(limits: TrailerLimits): number {
    const { line, linesEnd } = this;
    let kept = 0;
    let count = 0;
    for (let start = 0; start < linesEnd; ) {
      const nameBytes = line.indexOf(COLON, start) - start;
      const end = line.indexOf(CR, start) + 2;
      const name = line.subarray(start, start + Math.min(nameBytes, TRAILER_NAME_BYTES));
      if (!isRefusedTrailer(name, nameBytes, limits)) {
        line.copyWithin(kept, start, end);
        kept += end - start;
        count++;
      }
      start = end;
    }
    this.linesEnd = kept;
    return count;
  }
}
