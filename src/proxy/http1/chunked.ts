/**
 * The chunked transfer coding (RFC 9112 section 7.1), read byte by byte over any split into packets. It finds the end
 * and refuses what is not exact; the proxy passes the raw bytes on, or, for clients of HTTP/1.0, the decoded ones.
 */
import {
  BACKSLASH,
  CHAR_CLASS,
  COLON,
  CR,
  DQUOTE,
  EQUALS,
  HEX_VALUE,
  HTAB,
  LF,
  SEMICOLON,
  SP,
  TOKEN,
  VALUE,
} from "./char-class.ts";
import { FieldId, fieldIdOf } from "./field-names.ts";
import { ParseError } from "./parse-error.ts";

/** Bounds of the trailer section. */
export interface TrailerLimits {
  /** Bytes of all trailer lines. */
  readonly maxTrailerBytes: number;
  readonly maxTrailerFields: number;
}

/** Bounds that hold unless others are given. */
export const DEFAULT_TRAILER_LIMITS: TrailerLimits = Object.freeze({ maxTrailerBytes: 8192, maxTrailerFields: 64 });

/** Most digits of a chunk size, leading zeros counted: it stays below 2^52, an exact number. */
const MAX_SIZE_DIGITS = 13;
const MAX_EXTENSION_BYTES_PER_CHUNK = 4096;
const MAX_EXTENSION_BYTES = 16_384;
/** Longer trailer names can't be ones that are refused. */
const NAME_BYTES = 32;

/**
 * Fields that must not come as trailers, because they frame, route, authenticate or describe the message (RFC 9110
 * section 6.5.1), or because whoever merges trailers into the head would be told a client's address by the client.
 */
const FORBIDDEN = buildForbidden();

const State = {
  SIZE: 0,
  SIZE_LF: 1,
  DATA: 2,
  DATA_CR: 3,
  DATA_LF: 4,
  EXTENSION_NAME: 5,
  EXTENSION_VALUE: 6,
  EXTENSION_QUOTED: 7,
  EXTENSION_ESCAPE: 8,
  EXTENSION_QUOTED_END: 9,
  TRAILER_START: 10,
  TRAILER_NAME: 11,
  TRAILER_VALUE: 12,
  TRAILER_LF: 13,
  END_LF: 14,
  DONE: 15,
} as const;

/** One per message body, or one per connection, `reset` for each body. After an error it must be reset. */
export class ChunkedParser {
  /** The body is complete: `consume` returned the offset after its last byte. */
  done = false;
  /** Decoded bytes so far, this packet's included. */
  bodyBytes = 0;
  /** After `decode`: end of the decoded bytes, which start where the packet started. */
  decodedEnd = 0;
  /** After an error: end of the packet's last data before it; the packet's start when there is none. */
  dataEnd = 0;
  #state: number = State.SIZE;
  /** While a size is read: its value. While data is read: the bytes of the chunk still to come. */
  #remaining = 0;
  /** Digits of the size, or bytes of the present token, name or value. */
  #length = 0;
  #chunkExtensionBytes = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerFields = 0;
  #limits: TrailerLimits = DEFAULT_TRAILER_LIMITS;
  readonly #name = new Uint8Array(NAME_BYTES);

  /** Makes it ready for the next body. Limits given once stay until others are given. */
  reset(limits?: TrailerLimits): void {
    if (limits !== undefined) this.#limits = limits;
    this.done = false;
    this.bodyBytes = 0;
    this.decodedEnd = 0;
    this.#state = State.SIZE;
    this.#remaining = 0;
    this.#length = 0;
    this.#chunkExtensionBytes = 0;
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#trailerFields = 0;
  }

  /**
   * The last chunk has begun, or the first zeros of a size have come: readers that are not exact take a body that ends
   * here for complete.
   */
  get looksDone(): boolean {
    switch (this.#state) {
      case State.DATA:
      case State.DATA_CR:
      case State.DATA_LF:
        return false;
      case State.SIZE:
        return this.#remaining === 0 && this.#length > 0;
      default:
        return this.#remaining === 0;
    }
  }

  /**
   * Reads the next packet, `buf[start, end)`.
   * @returns the offset after what belongs to this body: `end` while more is to come, else where the next message
   * starts, with `done` set; or a negative `ParseError`. An offset of 0 is possible only for an empty packet at 0.
   */
  consume(buf: Uint8Array, start: number, end: number): number {
    return this.#run(buf, start, end, false);
  }

  /**
   * Like `consume`, and moves the decoded bytes together in place: they are `buf[start, decodedEnd)` afterwards.
   * Trailers and extensions are dropped. What follows the body in the packet is untouched.
   */
  decode(buf: Uint8Array, start: number, end: number): number {
    this.decodedEnd = start;
    return this.#run(buf, start, end, true);
  }

  #run(buf: Uint8Array, start: number, end: number, compact: boolean): number {
    let pos = start;
    this.dataEnd = start;
    while (pos < end && !this.done) {
      if (this.#state === State.DATA) {
        const take = Math.min(this.#remaining, end - pos);
        if (compact) {
          if (this.decodedEnd !== pos) buf.copyWithin(this.decodedEnd, pos, pos + take);
          this.decodedEnd += take;
        }
        pos += take;
        this.dataEnd = pos;
        this.bodyBytes += take;
        this.#remaining -= take;
        if (this.#remaining === 0) this.#state = State.DATA_CR;
        continue;
      }
      const error = this.#step(buf[pos]);
      if (error !== 0) return error;
      pos++;
    }
    return pos;
  }

  /** Takes one byte of framing. @returns 0 or a `ParseError`. */
  #step(byte: number): number {
    switch (this.#state) {
      case State.SIZE:
        return this.#size(byte);
      case State.SIZE_LF:
        if (byte !== LF) return ParseError.BARE_CR;
        this.#length = 0;
        this.#chunkExtensionBytes = 0;
        this.#state = this.#remaining === 0 ? State.TRAILER_START : State.DATA;
        return 0;
      case State.DATA_CR:
        if (byte !== CR) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_CHUNK_END;
        this.#state = State.DATA_LF;
        return 0;
      case State.DATA_LF:
        if (byte !== LF) return ParseError.BARE_CR;
        this.#state = State.SIZE;
        return 0;
      case State.TRAILER_START:
      case State.TRAILER_NAME:
      case State.TRAILER_VALUE:
      case State.TRAILER_LF:
        return this.#trailer(byte);
      case State.END_LF:
        if (byte !== LF) return ParseError.BARE_CR;
        this.#state = State.DONE;
        this.done = true;
        return 0;
      default:
        return this.#extension(byte);
    }
  }

  #size(byte: number): number {
    const digit = HEX_VALUE[byte];
    if (digit !== 255) {
      if (this.#length === MAX_SIZE_DIGITS) return ParseError.CHUNK_SIZE_TOO_LONG;
      this.#length++;
      this.#remaining = this.#remaining * 16 + digit;
      return 0;
    }
    if (this.#length === 0) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_CHUNK_SIZE;
    if (byte === CR) this.#state = State.SIZE_LF;
    else if (byte === SEMICOLON) {
      this.#length = 0;
      this.#state = State.EXTENSION_NAME;
    } else return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_CHUNK_SIZE;
    return 0;
  }

  /**
   * `;name`, `;name=token`, `;name="quoted"`. The white space that the grammar calls bad is refused: no sender makes it,
   * and parsers differ in how they skip it.
   */
  #extension(byte: number): number {
    this.#chunkExtensionBytes++;
    this.#extensionBytes++;
    if (this.#chunkExtensionBytes > MAX_EXTENSION_BYTES_PER_CHUNK || this.#extensionBytes > MAX_EXTENSION_BYTES) {
      return ParseError.CHUNK_EXTENSION_TOO_LARGE;
    }
    if (byte === LF) return ParseError.BARE_LF;
    switch (this.#state) {
      case State.EXTENSION_NAME:
        if ((CHAR_CLASS[byte] & TOKEN) !== 0) {
          this.#length++;
          return 0;
        }
        if (this.#length === 0) return ParseError.INVALID_CHUNK_EXTENSION;
        if (byte !== EQUALS) return this.#extensionEnd(byte);
        this.#length = 0;
        this.#state = State.EXTENSION_VALUE;
        return 0;
      case State.EXTENSION_VALUE:
        if ((CHAR_CLASS[byte] & TOKEN) !== 0) {
          this.#length++;
          return 0;
        }
        if (this.#length > 0) return this.#extensionEnd(byte);
        if (byte !== DQUOTE) return ParseError.INVALID_CHUNK_EXTENSION;
        this.#state = State.EXTENSION_QUOTED;
        return 0;
      case State.EXTENSION_QUOTED:
        if ((CHAR_CLASS[byte] & VALUE) === 0) return ParseError.INVALID_CHUNK_EXTENSION;
        if (byte === DQUOTE) this.#state = State.EXTENSION_QUOTED_END;
        else if (byte === BACKSLASH) this.#state = State.EXTENSION_ESCAPE;
        return 0;
      case State.EXTENSION_ESCAPE:
        if ((CHAR_CLASS[byte] & VALUE) === 0) return ParseError.INVALID_CHUNK_EXTENSION;
        this.#state = State.EXTENSION_QUOTED;
        return 0;
      default:
        return this.#extensionEnd(byte);
    }
  }

  /** What may follow a complete extension. */
  #extensionEnd(byte: number): number {
    if (byte === CR) this.#state = State.SIZE_LF;
    else if (byte === SEMICOLON) {
      this.#length = 0;
      this.#state = State.EXTENSION_NAME;
    } else return ParseError.INVALID_CHUNK_EXTENSION;
    return 0;
  }

  #trailer(byte: number): number {
    if (this.#state === State.TRAILER_START && byte === CR) {
      this.#state = State.END_LF;
      return 0;
    }
    if (++this.#trailerBytes > this.#limits.maxTrailerBytes) return ParseError.TRAILER_TOO_LARGE;
    switch (this.#state) {
      case State.TRAILER_START:
        if (this.#trailerFields === this.#limits.maxTrailerFields) return ParseError.TRAILER_TOO_LARGE;
        if (byte === SP || byte === HTAB) {
          return this.#trailerFields === 0 ? ParseError.SPACE_BEFORE_FIELDS : ParseError.OBS_FOLD;
        }
        this.#trailerFields++;
        this.#length = 0;
        this.#state = State.TRAILER_NAME;
        return this.#trailerName(byte);
      case State.TRAILER_NAME:
        return this.#trailerName(byte);
      case State.TRAILER_VALUE:
        if ((CHAR_CLASS[byte] & VALUE) !== 0) return 0;
        if (byte !== CR) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_FIELD_VALUE;
        this.#state = State.TRAILER_LF;
        return 0;
      default:
        if (byte !== LF) return ParseError.BARE_CR;
        this.#state = State.TRAILER_START;
        return 0;
    }
  }

  #trailerName(byte: number): number {
    if ((CHAR_CLASS[byte] & TOKEN) !== 0) {
      if (this.#length < NAME_BYTES) this.#name[this.#length] = byte;
      this.#length++;
      return 0;
    }
    if (byte === LF) return ParseError.BARE_LF;
    if (this.#length === 0) return byte === COLON ? ParseError.EMPTY_FIELD_NAME : ParseError.INVALID_FIELD_NAME;
    if (byte === SP || byte === HTAB) return ParseError.SPACE_BEFORE_COLON;
    if (byte !== COLON) return ParseError.INVALID_FIELD_NAME;
    if (this.#length <= NAME_BYTES && FORBIDDEN[fieldIdOf(this.#name, 0, this.#length)] !== 0) {
      return ParseError.FORBIDDEN_TRAILER;
    }
    this.#state = State.TRAILER_VALUE;
    return 0;
  }
}

function buildForbidden(): Uint8Array {
  const table = new Uint8Array(Object.keys(FieldId).length);
  for (const id of [
    FieldId.HOST,
    FieldId.CONTENT_LENGTH,
    FieldId.TRANSFER_ENCODING,
    FieldId.CONNECTION,
    FieldId.KEEP_ALIVE,
    FieldId.PROXY_CONNECTION,
    FieldId.TE,
    FieldId.TRAILER,
    FieldId.UPGRADE,
    FieldId.EXPECT,
    FieldId.X_FORWARDED_FOR,
    FieldId.X_FORWARDED_PROTO,
    FieldId.X_FORWARDED_HOST,
    FieldId.X_FORWARDED_PORT,
    FieldId.X_REAL_IP,
    FieldId.FORWARDED,
    FieldId.COOKIE,
    FieldId.SET_COOKIE,
    FieldId.PROXY_AUTHENTICATE,
    FieldId.PROXY_AUTHORIZATION,
    FieldId.AUTHORIZATION,
    FieldId.HTTP2_SETTINGS,
    FieldId.MAX_FORWARDS,
    FieldId.CONTENT_TYPE,
    FieldId.CONTENT_ENCODING,
    FieldId.CONTENT_RANGE,
  ]) {
    table[id] = 1;
  }
  return table;
}
