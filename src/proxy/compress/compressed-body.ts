/** One body on its way to a client that gets it compressed: what is sent for what came. */
import type { Encoder } from "./encoder.ts";

const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n");
const NOTHING = Buffer.alloc(0);

/** The body until its end or its `close`. What it returns is the caller's to keep. */
export class CompressedBody {
  readonly #encoder: Encoder;
  readonly #chunked: boolean;
  /** Bytes of the content that was sent: compressed, and without framing. */
  bytes = 0;
  #complete = false;

  /** @param chunked it is sent in the chunked coding; otherwise the content alone. */
  constructor(encoder: Encoder, chunked: boolean) {
    this.#encoder = encoder;
    this.#chunked = chunked;
  }

  /** What was sent so far cannot be taken for all of it. */
  get showsCut(): boolean {
    return this.#chunked && !this.#complete;
  }

  /** For a part that more follows. May be empty. */
  more(data: Uint8Array, start: number, end: number): Buffer {
    return this.#framed(this.#encoder.encode(data, start, end, false));
  }

  /**
   * For the last part.
   * @param trailers the field lines behind the body; null = none. Sent with the chunks, if there are any.
   */
  last(data: Uint8Array, start: number, end: number, trailers: Buffer | null): Buffer {
    const content = this.#framed(this.#encoder.encode(data, start, end, true));
    this.#complete = true;
    this.close();
    return this.#chunked ? Buffer.concat([content, LAST_CHUNK, trailers ?? NOTHING, CRLF]) : content;
  }

  /** For all of it at once, without framing. */
  whole(data: Uint8Array, start: number, end: number): Buffer {
    const content = Buffer.from(this.#encoder.encode(data, start, end, true));
    this.bytes = content.length;
    this.#complete = true;
    this.close();
    return content;
  }

  /** Nothing more is asked of it. */
  close(): void {
    this.#encoder.close();
  }

  /** Of an empty part no chunk is made: it would be the last one. */
  #framed(content: Uint8Array): Buffer {
    this.bytes += content.length;
    if (content.length === 0 || !this.#chunked) return Buffer.from(content);
    return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, CRLF]);
  }
}
