/** Responses of HTTP/2 as heads of HTTP/1.1 (RFC 9113 section 8.3.2): whoever is behind this needs to know one form only. */
import { copyAll, copyBytes } from "../../http1/copy.ts";
import { ParseError } from "../../http1/parse-error.ts";
import { FieldKind } from "./field-mark.ts";
import { LineReader } from "./line-reader.ts";

const VERSION = Buffer.from("HTTP/1.1 ");
const STATUS_LINE_BYTES = "HTTP/1.1 200 \r\n".length;
const STATUS_LINE_END = Buffer.from(" \r\n");
const SWITCHING_LINE = Buffer.from("HTTP/1.1 101 Switching Protocols\r\n");
const EMPTY_BODY = Buffer.from("content-length: 0\r\n");
const CRLF = Buffer.from("\r\n");

/**
 * Reads one response after the other: `begin`, the block through an `HpackDecoder` of `RESPONSE_RULES`, `finish`, and then
 * `write`. What it wrote is parsed as any response head.
 */
export class ResponseReader extends LineReader {
  #status = 0;
  #hasLength = false;
  /** Lines of an upgrade: the response to an extended CONNECT is a switch of protocols. Null = it is none. */
  #switched: Buffer | null = null;
  #empty = false;

  /** @param maxBytes bound of the head, in the form of HTTP/1.1. */
  begin(maxBytes: number): void {
    this.reset(maxBytes);
    this.#status = 0;
    this.#hasLength = false;
  }

  /** 200 … 999, or that of an interim response; 0 = it was not said. */
  get status(): number {
    return this.#status;
  }

  protected override special(buf: Buffer, start: number, nameEnd: number, end: number, kind: number): void {
    if (kind === FieldKind.STATUS) {
      if (this.#status !== 0) this.refuse(ParseError.DUPLICATE_PSEUDO_FIELD);
      else this.#status = readStatus(buf, nameEnd + 2);
      return;
    }
    if (kind === FieldKind.CONTENT_LENGTH) this.#hasLength = true;
    this.take(buf, start, end);
  }

  /**
   * The block is complete.
   * @param endStream nothing follows.
   * @param hasBody false: there is no body by the method of the request (HEAD).
   * @param switchLines what a client of HTTP/1.1 is told with 101 when the tunnel that it asked for is there, as complete
   * field lines; null = it asked for none.
   * @returns the bytes of the head, or a `ParseError`.
   */
  finish(endStream: boolean, hasBody: boolean, switchLines: Buffer | null): number {
    this.flushRun();
    if (this.error !== 0) return this.error;
    const status = this.#status;
    if (status === 0) return ParseError.MISSING_PSEUDO_FIELD;
    // An interim response is never the last (RFC 9113 section 8.1).
    if (status < 200 && endStream) return ParseError.LENGTH_UNLIKE_BODY;
    const tunnel = switchLines !== null && status >= 200 && status < 300;
    this.#switched = tunnel ? switchLines : null;
    // Without it, a client of HTTP/1.1 would wait for the end of the connection.
    this.#empty = endStream && hasBody && !tunnel && !this.#hasLength && status !== 204 && status !== 304;
    const line = tunnel ? SWITCHING_LINE.length + (switchLines?.length ?? 0) : STATUS_LINE_BYTES;
    return line + this.linesEnd + (this.#empty ? EMPTY_BODY.length : 0) + CRLF.length;
  }

  /** Writes the head to `out[at]`. @returns the offset after it. */
  write(out: Buffer, start: number): number {
    let at: number;
    if (this.#switched !== null) at = copyAll(out, copyAll(out, start, SWITCHING_LINE), this.#switched);
    else {
      at = copyAll(out, start, VERSION);
      for (let unit = 100, rest = this.#status; unit >= 1; unit /= 10) {
        out[at++] = 48 + ((rest / unit) | 0);
        rest %= unit;
      }
      at = copyAll(out, at, STATUS_LINE_END);
    }
    at = copyBytes(out, at, this.line, 0, this.linesEnd);
    if (this.#empty) at = copyAll(out, at, EMPTY_BODY);
    return copyAll(out, at, CRLF);
  }
}

/** Three digits, which is known. */
function readStatus(buf: Buffer, at: number): number {
  return (buf[at] - 48) * 100 + (buf[at + 1] - 48) * 10 + (buf[at + 2] - 48);
}
