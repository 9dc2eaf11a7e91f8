/** The body of one request on its way to a server of HTTP/2: without chunks, no faster than the windows allow. */
import { BodyReader } from "../../http1/body-reader.ts";
import { BodyKind } from "../../http1/head.ts";
import { isBorrowed } from "../../sockets/receive-memory.ts";

/** Sends content of the body. */
export interface ContentSink {
  /**
   * @param last the body ends with it.
   * @returns the offset after what was sent now.
   */
  writeContent(data: Buffer, start: number, end: number, last: boolean): number;
  /** The body ends, behind content that was sent before. @param trailers field lines behind it; null = none. */
  writeEnd(trailers: Buffer | null): void;
}

/** One body. */
export class Upload {
  readonly #sink: ContentSink;
  readonly #body: BodyReader | null;
  readonly #queue: Buffer[] = [];
  #offset = 0;
  /** Content that was not sent yet, bytes. */
  queuedBytes = 0;
  /** All of it has come. */
  #complete = false;
  /** And was sent. */
  ended = false;
  #trailers: Buffer | null = null;

  /** @param kind one of `BodyKind`: what `take` gets. */
  constructor(sink: ContentSink, kind: number) {
    this.#sink = sink;
    this.#body = kind === BodyKind.CHUNKED ? new BodyReader() : null;
    this.#body?.begin(kind, 0, true);
  }

  /**
   * Takes the next bytes of the body, framed as its head said.
   * @param owned the memory will not be reused: what is left over may be kept without a copy, and chunks taken off in place.
   */
  take(data: Uint8Array, start: number, end: number, owned: boolean): void {
    let bytes = Buffer.from(data.buffer, data.byteOffset + start, end - start);
    let kept = owned && !isBorrowed(bytes);
    let length = bytes.length;
    if (this.#body !== null) {
      if (!kept) bytes = copyOf(bytes);
      kept = true;
      // Its chunks were read before, so there is nothing wrong with them.
      this.#body.consume(bytes, 0, length);
      length = this.#body.contentEnd;
    }
    const sent = this.#queue.length === 0 ? this.#sink.writeContent(bytes, 0, length, false) : 0;
    if (sent === length) return;
    const left = bytes.subarray(sent, length);
    this.#queue.push(kept ? left : copyOf(left));
    this.queuedBytes += left.length;
  }

  /** Its last chunk has come. */
  get isWhole(): boolean {
    return this.#body?.done === true;
  }

  /** The body is complete. @param trailers field lines behind it, where its framing did not hold them; null = none. */
  end(trailers: Buffer | null): void {
    if (this.#complete) return;
    this.#complete = true;
    this.#trailers = trailers ?? this.#body?.trailers ?? null;
    if (this.#queue.length === 0) this.#finish();
  }

  /** There is room: sends what waits. @returns whether something was sent. */
  resume(): boolean {
    const before = this.queuedBytes;
    while (this.#queue.length > 0) {
      const [first] = this.#queue;
      const last = this.#complete && this.#queue.length === 1 && this.#trailers === null;
      const stop = this.#sink.writeContent(first, this.#offset, first.length, last);
      this.queuedBytes -= stop - this.#offset;
      this.#offset = stop;
      if (stop < first.length) break;
      this.#queue.shift();
      this.#offset = 0;
      if (last) this.ended = true;
    }
    if (this.#complete && !this.ended && this.#queue.length === 0) this.#finish();
    return this.queuedBytes < before;
  }

  /** Nothing of it is sent any more. */
  drop(): void {
    this.queuedBytes = 0;
    if (this.#queue.length > 0) this.#queue.length = 0;
  }

  #finish(): void {
    this.ended = true;
    this.#sink.writeEnd(this.#trailers);
  }
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
