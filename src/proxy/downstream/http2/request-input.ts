/**
 * What a client sends on its stream behind the head, until the exchange takes it: DATA and trailers of HTTP/2, given in the
 * form of HTTP/1.1. The frames of one packet are one piece.
 */
import { copyAll } from "../../http1/copy.ts";
import type { RequestHead } from "../../http1/head.ts";
import { ReceiveWindow } from "../../http2/windows.ts";
import { keep } from "../../sockets/receive-memory.ts";
import { STREAM_WINDOW_BYTES } from "./bounds.ts";

const NOTHING = Buffer.alloc(0);
const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n");
/** Digits of a chunk's size, and two line ends. */
const CHUNK_FRAME_BYTES = 8 + 4;

/** What the bytes are. */
const Form = {
  /** The head has not been looked at: they wait. */
  UNKNOWN: 0,
  /** A body of known length. */
  LENGTH: 1,
  /** A body whose length the head does not say: in the chunked coding. */
  CHUNKED: 2,
  /** A tunnel's, or will be one's: as they come. */
  TUNNEL: 3,
} as const;
type Form = (typeof Form)[keyof typeof Form];

/** One stream's. */
export class RequestInput {
  /** What the client may send. */
  readonly window = new ReceiveWindow(STREAM_WINDOW_BYTES);
  #form: Form = Form.UNKNOWN;
  /** Of a body of known length, what is still to come; below zero when there is more than was said. */
  #remaining = 0;
  /** What has not been taken, in order; views of the packet until `endPacket`. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Those before are copies already. */
  #kept = 0;
  #ended = false;
  #endTaken = false;
  #trailers: Buffer | null = null;

  /** There is something to take. */
  get isWaiting(): boolean {
    return this.#bytes > 0 || (this.#ended && !this.#endTaken);
  }

  /** There is less of the body, or more, than the head said (RFC 9113 section 8.1.1). */
  get isWrong(): boolean {
    return this.#form === Form.LENGTH && (this.#remaining < 0 || (this.#ended && this.#remaining > 0));
  }

  /** The client has said that it sends nothing more, and all of it was taken. */
  get isOver(): boolean {
    return this.#ended && this.#bytes === 0;
  }

  /** Its head is understood. @returns whether what has come is not what that says: see `isWrong`. */
  begin({ chunked, contentLength, upgrade }: RequestHead): boolean {
    this.#form = upgrade ? Form.TUNNEL : chunked ? Form.CHUNKED : Form.LENGTH;
    this.#remaining = Math.max(contentLength, 0) - this.#bytes;
    return this.isWrong;
  }

  /** `buf[start … end)` has come. */
  add(buf: Buffer, start: number, end: number): void {
    if (start === end) return;
    this.#pieces.push(buf.subarray(start, end));
    this.#bytes += end - start;
    if (this.#form !== Form.UNKNOWN) this.#remaining -= end - start;
  }

  /** Nothing more comes. @param trailers field lines; null = none. */
  end(trailers: Buffer | null): void {
    this.#ended = true;
    this.#trailers = trailers;
  }

  /** Nobody takes what has come. */
  drop(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#kept = 0;
  }

  /** The packet's memory is used again: what was not taken is copied. */
  endPacket(): void {
    const pieces = this.#pieces;
    for (let i = this.#kept; i < pieces.length; i++) pieces[i] = keep(pieces[i]);
    this.#kept = pieces.length;
  }

  /** What has come since; empty = nothing, or nothing that HTTP/1.1 has a form for. It may be borrowed (receive-memory.ts). */
  take(): Buffer {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    this.#kept = 0;
    if (this.#form === Form.CHUNKED) return this.#chunks(pieces, bytes);
    this.#endTaken = this.#ended;
    if (pieces.length <= 1) return pieces[0] ?? NOTHING;
    return Buffer.concat(pieces, bytes);
  }

  #chunks(pieces: readonly Buffer[], bytes: number): Buffer {
    const ends = this.#ended && !this.#endTaken;
    const trailers = ends ? this.#trailers : null;
    const last = ends ? LAST_CHUNK.length + (trailers?.length ?? 0) + CRLF.length : 0;
    const out = Buffer.allocUnsafe(bytes + CHUNK_FRAME_BYTES + last);
    let at = 0;
    if (bytes > 0) {
      at += out.write(bytes.toString(16), at, "latin1");
      at = copyAll(out, at, CRLF);
      for (const piece of pieces) at = copyAll(out, at, piece);
      at = copyAll(out, at, CRLF);
    }
    if (ends) {
      this.#endTaken = true;
      at = copyAll(out, at, LAST_CHUNK);
      if (trailers !== null) at = copyAll(out, at, trailers);
      at = copyAll(out, at, CRLF);
    }
    return out.subarray(0, at);
  }
}
