/** Where a message body ends, whatever frames it (RFC 9112 section 6.3): one object for all kinds, reused. */
import { ChunkedParser } from "./chunked.ts";
import { BodyKind } from "./head.ts";
import type { TrailerLimits } from "./trailer-rules.ts";

export class BodyReader {
  /** One of `BodyKind`. */
  kind: number = BodyKind.NONE;
  /** The body is complete. Never set by bytes when it lasts until the connection closes. */
  done = true;
  /** Body bytes so far: of the content, without chunk framing. */
  bytes = 0;
  /** Of an announced length, what is still to come. */
  #remaining = 0;
  #chunked: ChunkedParser | null = null;
  readonly #lax: boolean;
  /** Take the chunked coding off: see `contentEnd`. */
  #decode = false;
  /**
   * After `consume`: end of the bytes to pass on, which begin where the packet began. After an error, of those before it:
   * whole or partial data, and never a last chunk.
   */
  contentEnd = 0;
  /** After `consume`: what to pass on in their stead, when the server's chunks are not as they should be. */
  repaired: Buffer | null = null;

  /**
   * Of a complete body whose chunked coding was taken off: its trailers, as field lines that each end in CRLF, without those
   * that must not be passed on; null = none.
   */
  trailers: Buffer | null = null;

  /** @param lax bodies are of servers: see `ChunkedParser`. */
  constructor(lax = false) {
    this.#lax = lax;
  }

  /** An end here cannot be taken for the body's own: a length or a last chunk is missing. */
  get showsCut(): boolean {
    if (this.kind === BodyKind.CHUNKED) return !this.#decode && this.#chunked?.looksDone === false;
    return this.kind === BodyKind.LENGTH;
  }

  /**
   * @param length of a body of kind `LENGTH`.
   * @param decode take off the chunked coding, in place.
   * @param trailers of one that is chunked: these hold until others are given.
   */
  begin(kind: number, length: number, decode = false, trailers?: TrailerLimits): void {
    this.kind = kind;
    this.bytes = 0;
    this.repaired = null;
    this.trailers = null;
    this.#remaining = length;
    this.#decode = decode;
    this.done = kind === BodyKind.NONE || (kind === BodyKind.LENGTH && length === 0);
    if (kind === BodyKind.CHUNKED) {
      this.#chunked ??= new ChunkedParser(this.#lax);
      this.#chunked.reset(trailers);
    }
  }

  /**
   * Takes the body's part of `buf[start, end)`.
   * @returns the offset after it (what follows is not of this body), or a negative `ParseError`.
   */
  consume(buf: Uint8Array, start: number, end: number): number {
    if (this.done) {
      this.repaired = null;
      this.contentEnd = start;
      return start;
    }
    if (this.kind === BodyKind.CHUNKED) return this.#consumeChunked(buf, start, end);
    let stop = end;
    if (this.kind === BodyKind.LENGTH) {
      if (end - start >= this.#remaining) {
        stop = start + this.#remaining;
        this.done = true;
      }
      this.#remaining -= stop - start;
    }
    this.bytes += stop - start;
    this.contentEnd = stop;
    return stop;
  }

  #consumeChunked(buf: Uint8Array, start: number, end: number): number {
    const parser = this.#chunked as ChunkedParser;
    const stop = this.#decode
      ? parser.decode(buf, start, end)
      : this.#lax
        ? parser.repair(buf, start, end)
        : parser.consume(buf, start, end);
    this.bytes = parser.bodyBytes;
    this.done = parser.done;
    this.repaired = parser.repaired;
    if (this.#decode) {
      this.contentEnd = parser.decodedEnd;
      this.trailers = parser.trailers;
      parser.trailers = null; // a reader that waits for its next body keeps none of them
    } else if (this.#lax) this.contentEnd = parser.rawEnd;
    else this.contentEnd = stop < 0 ? parser.dataEnd : stop;
    return stop;
  }
}
