/**
 * Requests of HTTP/2 as heads of HTTP/1.1 (RFC 9113 section 8.3.1): whoever is behind this needs to know one form only. What
 * servers of HTTP/1.1 could read otherwise is refused.
 */
import { SP } from "../../http1/char-class.ts";
import { copyAll, copyBytes, equalBytes } from "../../http1/copy.ts";
import { isWord } from "../../http1/framing.ts";
import { ParseError } from "../../http1/parse-error.ts";
import { FIRST_PSEUDO_KIND, FieldKind } from "./field-mark.ts";
import { LineReader } from "./line-reader.ts";

const GET = Buffer.from("GET ");
const CONNECT = Buffer.from("CONNECT");
const METHODS_WITH_BODY: readonly Buffer[] = ["POST", "PUT", "PATCH"].map((name) => Buffer.from(name));
const VERSION_AND_HOST = Buffer.from(" HTTP/1.1\r\nhost: ");
const COOKIE = Buffer.from("cookie: ");
const COOKIE_SEPARATOR = Buffer.from("; ");
const CRLF = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);
const CHUNKED = Buffer.from("transfer-encoding: chunked\r\n");
const EMPTY_BODY = Buffer.from("content-length: 0\r\n");
const UPGRADE = Buffer.from("connection: upgrade\r\nupgrade: ");
const KEY = Buffer.from("sec-websocket-key: ");

const WEBSOCKET = Buffer.from("websocket");

/** Where the values of pseudo-fields and of Host are, by kind; `HOST` takes the place behind the last of them. */
const HOST_PLACE = FieldKind.STATUS;
const PLACES = HOST_PLACE + 1;

/**
 * Reads one request after the other: `begin`, the block through an `HpackDecoder` of `REQUEST_RULES`, `finish`, and then `write`.
 * What it wrote is parsed as any request head.
 */
export class RequestReader extends LineReader {
  /** Values of pseudo-fields and of Host. */
  #values: Buffer = Buffer.allocUnsafeSlow(1024);
  #valuesEnd = 0;
  /** Where each is in it, by kind; a start of -1 = there is none. */
  readonly #starts = new Int32Array(PLACES);
  readonly #ends = new Int32Array(PLACES);
  /** The pieces of Cookie (RFC 9113 section 8.2.3), joined. */
  #cookie: Buffer = Buffer.allocUnsafeSlow(1024);
  #cookieEnd = 0;
  #hasLength = false;
  /** The line that frames the body, unless the client's own does. */
  #framing: Buffer = NOTHING;
  /** Where in `#starts` the target and the host are. */
  #target: number = FieldKind.PATH;
  #host: number = FieldKind.AUTHORITY;
  /** Of an extended CONNECT: the value of Sec-WebSocket-Key, maybe empty. */
  #upgradeKey: Buffer | null = null;

  /** @param maxBytes bound of the head, in the form of HTTP/1.1. */
  begin(maxBytes: number): void {
    this.reset(maxBytes);
    this.#valuesEnd = 0;
    this.#starts.fill(-1);
    this.#cookieEnd = 0;
    this.#hasLength = false;
  }

  protected override special(buf: Buffer, start: number, nameEnd: number, end: number, kind: number): void {
    if (kind >= FIRST_PSEUDO_KIND) {
      if (this.#starts[kind] >= 0) this.refuse(ParseError.DUPLICATE_PSEUDO_FIELD);
      else this.#keepValue(kind, buf, nameEnd + 2, end - 2);
    } else if (kind === FieldKind.HOST) {
      if (this.#starts[HOST_PLACE] >= 0) this.refuse(ParseError.DUPLICATE_HOST);
      else this.#keepValue(HOST_PLACE, buf, nameEnd + 2, end - 2);
    } else if (kind === FieldKind.COOKIE) this.#addCookie(buf, nameEnd + 2, end - 2);
    else if (kind !== FieldKind.WEBSOCKET_KEY) {
      if (kind === FieldKind.CONTENT_LENGTH) this.#hasLength = true;
      this.take(buf, start, end);
    }
  }

  /**
   * The block is complete.
   * @param endStream there is no body, nor trailers.
   * @param webSocketKey the value of Sec-WebSocket-Key that a server of HTTP/1.1 gets for an extended CONNECT (RFC 8441), which
   * has none; null = extended CONNECT is not offered.
   * @returns the bytes of the head, or a `ParseError`. It is one whose status is 400 if RFC 9113 calls the request malformed.
   */
  finish(endStream: boolean, webSocketKey: Buffer | null): number {
    this.flushRun();
    if (this.error !== 0) return this.error;
    const error = this.#checkPseudo(webSocketKey);
    if (error !== 0) return error;
    const isTunnel = this.#upgradeKey !== null;
    if (isTunnel && this.#hasLength) return ParseError.INVALID_CONTENT_LENGTH;
    this.#framing = isTunnel || this.#hasLength ? NOTHING : this.#framingLine(endStream);
    return this.#length();
  }

  /** Writes the head to `out[at]`. @returns the offset after it. */
  write(out: Buffer, start: number): number {
    const upgradeKey = this.#upgradeKey;
    let at: number;
    if (upgradeKey === null) {
      at = this.#writeValue(out, start, FieldKind.METHOD);
      out[at++] = SP;
    } else at = copyAll(out, start, GET);
    at = this.#writeValue(out, at, this.#target);
    at = copyAll(out, at, VERSION_AND_HOST);
    at = this.#writeValue(out, at, this.#host);
    at = copyAll(out, at, CRLF);
    if (upgradeKey !== null) at = this.#writeUpgrade(out, at, upgradeKey);
    at = copyBytes(out, at, this.line, 0, this.linesEnd);
    if (this.#cookieEnd > 0) {
      at = copyAll(out, at, COOKIE);
      at = copyBytes(out, at, this.#cookie, 0, this.#cookieEnd);
      at = copyAll(out, at, CRLF);
    }
    return copyAll(out, copyAll(out, at, this.#framing), CRLF);
  }

  /** Which pseudo-fields there must be (RFC 9113 sections 8.3.1 and 8.5, RFC 8441 section 4). @returns 0 or a `ParseError`. */
  #checkPseudo(webSocketKey: Buffer | null): number {
    const starts = this.#starts;
    const isConnect = this.#isValue(FieldKind.METHOD, CONNECT);
    const isTunnel = starts[FieldKind.PROTOCOL] >= 0;
    if (isTunnel && (!isConnect || webSocketKey === null)) return ParseError.UNEXPECTED_PSEUDO_FIELD;
    if (starts[FieldKind.METHOD] < 0) return ParseError.MISSING_PSEUDO_FIELD;
    const hasScheme = starts[FieldKind.SCHEME] >= 0;
    const hasPath = starts[FieldKind.PATH] >= 0;
    if (isConnect && !isTunnel) {
      if (hasScheme || hasPath) return ParseError.UNEXPECTED_PSEUDO_FIELD;
      if (starts[FieldKind.AUTHORITY] < 0) return ParseError.MISSING_PSEUDO_FIELD;
    } else if (!hasScheme || !hasPath) return ParseError.MISSING_PSEUDO_FIELD;

    const hasHost = starts[HOST_PLACE] >= 0;
    this.#host = FieldKind.AUTHORITY;
    if (starts[FieldKind.AUTHORITY] < 0) {
      if (!hasHost) return ParseError.MISSING_HOST;
      this.#host = HOST_PLACE;
    } else if (hasHost && !this.#sameHost()) return ParseError.HOST_UNLIKE_AUTHORITY;
    this.#target = isConnect && !isTunnel ? FieldKind.AUTHORITY : FieldKind.PATH;
    this.#upgradeKey = isTunnel ? webSocketKey : null;
    return 0;
  }

  /**
   * How a body is framed whose length the client did not say. Of methods that have one, none is said, too (RFC 9110 section
   * 8.6): servers would ask for a length.
   */
  #framingLine(endStream: boolean): Buffer {
    if (!endStream) return CHUNKED;
    for (const method of METHODS_WITH_BODY) if (this.#isValue(FieldKind.METHOD, method)) return EMPTY_BODY;
    return NOTHING;
  }

  #length(): number {
    const upgradeKey = this.#upgradeKey;
    const method = upgradeKey === null ? this.#valueBytes(FieldKind.METHOD) + 1 : GET.length;
    const target =
      this.#valueBytes(this.#target) + VERSION_AND_HOST.length + this.#valueBytes(this.#host) + CRLF.length;
    const cookie = this.#cookieEnd > 0 ? COOKIE.length + this.#cookieEnd + CRLF.length : 0;
    let length = method + target + this.linesEnd + cookie + this.#framing.length + CRLF.length;
    if (upgradeKey !== null) {
      length += UPGRADE.length + this.#valueBytes(FieldKind.PROTOCOL) + CRLF.length;
      if (this.#isWebSocket()) length += KEY.length + upgradeKey.length + CRLF.length;
    }
    return length;
  }

  #writeUpgrade(out: Buffer, start: number, key: Buffer): number {
    let at = copyAll(out, start, UPGRADE);
    at = this.#writeValue(out, at, FieldKind.PROTOCOL);
    at = copyAll(out, at, CRLF);
    if (!this.#isWebSocket()) return at;
    return copyAll(out, copyAll(out, copyAll(out, at, KEY), key), CRLF);
  }

  #keepValue(place: number, buf: Buffer, start: number, end: number): void {
    const at = this.#valuesEnd;
    this.#values = grown(this.#values, at, at + end - start);
    this.#starts[place] = at;
    this.#valuesEnd = copyBytes(this.#values, at, buf, start, end);
    this.#ends[place] = this.#valuesEnd;
  }

  #addCookie(buf: Buffer, start: number, end: number): void {
    if (start === end) return;
    let at = this.#cookieEnd;
    this.#cookie = grown(this.#cookie, at, at + COOKIE_SEPARATOR.length + end - start);
    if (at > 0) at = copyAll(this.#cookie, at, COOKIE_SEPARATOR);
    this.#cookieEnd = copyBytes(this.#cookie, at, buf, start, end);
  }

  #valueBytes(place: number): number {
    return this.#ends[place] - this.#starts[place];
  }

  #writeValue(out: Buffer, at: number, place: number): number {
    return copyBytes(out, at, this.#values, this.#starts[place], this.#ends[place]);
  }

  #isValue(place: number, text: Buffer): boolean {
    return this.#starts[place] >= 0 && equalBytes(this.#values, this.#starts[place], this.#ends[place], text);
  }

  #isWebSocket(): boolean {
    return isWord(this.#values, this.#starts[FieldKind.PROTOCOL], this.#ends[FieldKind.PROTOCOL], WEBSOCKET);
  }

  /** Letter case does not matter in a host (RFC 3986 section 3.2.2). */
  #sameHost(): boolean {
    const values = this.#values;
    const authority = this.#starts[FieldKind.AUTHORITY];
    const host = this.#starts[HOST_PLACE];
    const bytes = this.#valueBytes(FieldKind.AUTHORITY);
    if (this.#valueBytes(HOST_PLACE) !== bytes) return false;
    for (let i = 0; i < bytes; i++) if (lower(values[authority + i]) !== lower(values[host + i])) return false;
    return true;
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** `buf` with room for so many bytes, of which the first `used` are kept. */
function grown(buf: Buffer, used: number, needed: number): Buffer {
  if (needed <= buf.length) return buf;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, buf.length * 2));
  buf.copy(larger, 0, 0, used);
  return larger;
}
