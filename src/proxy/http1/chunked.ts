/**
 * The chunked transfer coding (RFC 9112 section 7.1), read byte by byte over any split into packets. It finds the end
 * and refuses what is not exact; the proxy passes the raw bytes on, or, to who knows no chunks, the decoded ones. Of
 * servers more is accepted (`lax`), and passed on as they should have written it.
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
  LAX_VALUE,
  LF,
  SEMICOLON,
  SP,
  TOKEN,
  UNDERSCORE,
  VALUE,
} from "./char-class.ts";
import { ParseError } from "./parse-error.ts";
import { RewrittenPacket } from "./rewritten-packet.ts";
import {
  DEFAULT_TRAILER_LIMITS,
  isRefusedTrailer,
  LAX_TRAILER_LIMITS,
  TRAILER_NAME_BYTES as NAME_BYTES,
  type TrailerLimits,
} from "./trailer-rules.ts";

/** Most digits of a chunk size, leading zeros counted: it stays below 2^52, an exact number. */
const MAX_SIZE_DIGITS = 13;
/** Of a server leading zeros do not count, within reason: the size must be below this before its last digit is read. */
const MAX_LAX_SIZE_DIGITS = 64;
const MAX_BEFORE_LAST_DIGIT = 2 ** 48;
const MAX_EXTENSION_BYTES_PER_CHUNK = 4096;
const MAX_EXTENSION_BYTES = 16_384;

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
  // Only of servers: what is left out when it is passed on.
  SIZE_SPACE: 16,
  SKIPPED_EXTENSION: 17,
  SKIPPED_TRAILER: 18,
  SKIPPED_TRAILER_LF: 19,
} as const;

/** One per message body, or one per connection, `reset` for each body. After an error it must be reset. */
export class ChunkedParser {
  /** The body is complete: `consume` returned the offset after its last byte. */
  done = false;
  /** Decoded bytes so far, this packet's included. */
  bodyBytes = 0;
  /** After `decode`: end of the decoded bytes, which start where the packet started. */
  decodedEnd = 0;
  /** After `decode` of the last packet: the trailers, as field lines that each end in CRLF; null = none. */
  trailers: Buffer | null = null;
  /** After an error: end of the packet's last data before it; the packet's start when there is none. */
  dataEnd = 0;
  /** After `repair`: what to pass on instead of the packet; null = the packet, up to `rawEnd`. */
  repaired: Buffer | null = null;
  /** After `repair`: where the bytes to pass on end in the packet. The name of a trailer is held back until it is whole. */
  rawEnd = 0;
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
  readonly #lax: boolean;
  #repairing = false;
  readonly #rewritten = new RewrittenPacket();
  /** The last packet ended in a trailer's name, which has not been passed on. */
  #heldName = false;
  readonly #name = new Uint8Array(NAME_BYTES);
  /** While a body is decoded, and its trailer section has begun: what there is of that. */
  #trailerSection: Buffer[] | null = null;

  /** @param lax bodies are of servers: what can only be meant in one way is accepted. */
  constructor(lax = false) {
    this.#lax = lax;
    if (lax) this.#limits = LAX_TRAILER_LIMITS;
  }

  /** Makes it ready for the next body. Limits given once stay until others are given. */
  reset(limits?: TrailerLimits): void {
    if (limits !== undefined) this.#limits = limits;
    this.repaired = null;
    this.rawEnd = 0;
    this.#heldName = false;
    this.done = false;
    this.bodyBytes = 0;
    this.decodedEnd = 0;
    this.trailers = null;
    this.#trailerSection = null;
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
   * Extensions are dropped, trailers put aside. What follows the body in the packet is untouched.
   */
  decode(buf: Uint8Array, start: number, end: number): number {
    this.decodedEnd = start;
    if (this.#trailerSection !== null) this.#rewritten.begin(buf, start, start, end, start);
    const stop = this.#run(buf, start, end, true);
    const part = this.#rewritten.take(false);
    if (part === null || stop < 0) return stop;
    this.#trailerSection ??= [];
    this.#trailerSection.push(part);
    if (this.done) {
      const lines = Buffer.concat(this.#trailerSection).subarray(0, -2); // without the empty one
      if (lines.length > 0) this.trailers = lines;
      this.#trailerSection = null;
    }
    return stop;
  }

  /** Like `consume`, and tells what to pass on, also after an error: `repaired`, or the packet up to `rawEnd`. */
  repair(buf: Uint8Array, start: number, end: number): number {
    this.#rewritten.take(false);
    this.#repairing = true;
    this.dataEnd = start;
    // Something that came before was held back, or what it was part of is being left out.
    if (this.#heldName || this.#state >= State.SIZE_SPACE) this.#rewrite(buf, start, start, end);
    this.#heldName = false;
    const stop = this.#run(buf, start, end, false);
    this.#repairing = false;
    if (stop < 0) {
      this.rawEnd = this.dataEnd;
      this.repaired = this.#rewritten.take(true);
      return stop;
    }
    this.rawEnd = stop;
    if (this.#state === State.TRAILER_NAME && this.#length <= NAME_BYTES) {
      this.#heldName = true;
      this.rawEnd = stop - this.#length;
    }
    this.repaired = this.#rewritten.take(false);
    return stop;
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
        } else if (this.#rewritten.active) this.#rewritten.putData(buf.subarray(pos, pos + take));
        pos += take;
        this.dataEnd = pos;
        this.bodyBytes += take;
        this.#remaining -= take;
        if (this.#remaining === 0) this.#state = State.DATA_CR;
        continue;
      }
      const state = this.#state;
      const error = this.#lax ? this.#laxStep(buf, start, pos, end) : this.#step(buf[pos]);
      if (error !== 0) return error;
      if (compact) this.#putAside(buf, pos, end, state);
      pos++;
    }
    return pos;
  }

  /** Trailers begin behind `buf[pos]`, or it is part of them, taken in `state`. */
  #putAside(buf: Uint8Array, pos: number, end: number, state: number): void {
    if (!this.#rewritten.active) {
      if (this.#state === State.TRAILER_START) this.#rewritten.begin(buf, pos, pos, end, pos);
    } else if (!this.#lax) this.#passOn(buf[pos], state);
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
      case State.SKIPPED_TRAILER:
      case State.SKIPPED_TRAILER_LF:
        return this.#trailer(byte);
      case State.END_LF:
        if (byte !== LF) return ParseError.BARE_CR;
        this.#state = State.DONE;
        this.done = true;
        return 0;
      case State.SIZE_SPACE:
      case State.SKIPPED_EXTENSION:
        return this.#skipped(byte);
      default:
        return this.#extension(byte);
    }
  }

  /** Takes one byte of framing as a server may write it, and notes what is passed on. @returns 0 or a `ParseError`. */
  #laxStep(buf: Uint8Array, start: number, pos: number, end: number): number {
    const byte = buf[pos];
    const state = this.#state;
    if (byte === LF) {
      const afterCr = this.#stateAfterCr(state);
      if (afterCr >= 0) {
        this.#rewrite(buf, start, pos, end);
        this.#completeExtension();
        this.#put(CR);
        this.#put(LF);
        this.#state = afterCr;
        return this.#step(LF);
      }
    } else if (state === State.SIZE && this.#length > 0 && (byte === SP || byte === HTAB)) {
      this.#rewrite(buf, start, pos, end);
      this.#state = State.SIZE_SPACE;
      return 0;
    }
    const error = this.#step(byte);
    if (error === 0) {
      if (this.#rewritten.active) this.#passOn(byte, state);
      return 0;
    }
    if (error === ParseError.INVALID_CHUNK_EXTENSION) {
      this.#rewrite(buf, start, pos, end);
      this.#completeExtension();
      if (byte === CR) this.#put(CR);
      this.#state = byte === CR ? State.SIZE_LF : State.SKIPPED_EXTENSION;
      return 0;
    }
    if (error === ParseError.FORBIDDEN_TRAILER) {
      this.#rewrite(buf, start, pos - this.#length, end);
      this.#state = State.SKIPPED_TRAILER;
      return 0;
    }
    return error;
  }

  /** The state that a CR would lead to where a line may end; else -1. */
  #stateAfterCr(state: number): number {
    switch (state) {
      case State.SIZE:
        return this.#length > 0 ? State.SIZE_LF : -1;
      case State.DATA_CR:
        return State.DATA_LF;
      case State.TRAILER_START:
        return State.END_LF;
      case State.TRAILER_VALUE:
        return State.TRAILER_LF;
      case State.SIZE_SPACE:
      case State.SKIPPED_EXTENSION:
        return State.SIZE_LF;
      default:
        return state >= State.EXTENSION_NAME && state <= State.EXTENSION_QUOTED_END ? State.SIZE_LF : -1;
    }
  }

  /** White space behind a size, or an extension that is none: only its end matters. */
  #skipped(byte: number): number {
    if (++this.#extensionBytes > MAX_EXTENSION_BYTES) return ParseError.CHUNK_EXTENSION_TOO_LARGE;
    if (byte === CR) this.#state = State.SIZE_LF;
    else if (byte === SEMICOLON) this.#state = State.SKIPPED_EXTENSION;
    else if (this.#state === State.SIZE_SPACE && byte !== SP && byte !== HTAB) return ParseError.INVALID_CHUNK_SIZE;
    return 0;
  }

  #rewrite(buf: Uint8Array, start: number, upTo: number, end: number): void {
    if (this.#repairing) this.#rewritten.begin(buf, start, upTo, end, this.dataEnd);
  }

  #put(byte: number): void {
    this.#rewritten.put(byte);
  }

  #putName(length: number): void {
    for (let i = 0; i < length; i++) this.#put(this.#name[i]);
  }

  /** Passes on a byte that was taken in `state`, unless it is left out or waits for its trailer's name to be whole. */
  #passOn(byte: number, state: number): void {
    if (this.#state === State.TRAILER_NAME) {
      if (this.#length <= NAME_BYTES) return;
      if (this.#length === NAME_BYTES + 1) this.#putName(NAME_BYTES);
    } else if (state === State.TRAILER_NAME && this.#length <= NAME_BYTES) this.#putName(this.#length);
    const skipped = state >= State.SIZE_SPACE && (state >= State.SKIPPED_TRAILER || byte !== CR);
    if (!skipped) this.#put(byte);
  }

  /** Ends an extension that breaks off, so that what was passed on of it is whole. */
  #completeExtension(): void {
    const empty = this.#length === 0;
    switch (this.#state) {
      case State.EXTENSION_NAME:
        if (empty) this.#put(UNDERSCORE);
        return;
      case State.EXTENSION_VALUE:
        if (!empty) return;
        this.#put(DQUOTE);
        this.#put(DQUOTE);
        return;
      case State.EXTENSION_ESCAPE:
        this.#put(BACKSLASH);
        this.#put(DQUOTE);
        return;
      case State.EXTENSION_QUOTED:
        this.#put(DQUOTE);
    }
  }

  #size(byte: number): number {
    const digit = HEX_VALUE[byte];
    if (digit !== 255) {
      const most = this.#lax && this.#remaining < MAX_BEFORE_LAST_DIGIT ? MAX_LAX_SIZE_DIGITS : MAX_SIZE_DIGITS;
      if (this.#length >= most) return ParseError.CHUNK_SIZE_TOO_LONG;
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
        if ((CHAR_CLASS[byte] & (this.#lax ? LAX_VALUE : VALUE)) !== 0) return 0;
        if (byte !== CR) return byte === LF ? ParseError.BARE_LF : ParseError.INVALID_FIELD_VALUE;
        this.#state = State.TRAILER_LF;
        return 0;
      case State.SKIPPED_TRAILER:
        if (byte === CR) this.#state = State.SKIPPED_TRAILER_LF;
        else if (byte === LF) this.#state = State.TRAILER_START;
        else if ((CHAR_CLASS[byte] & LAX_VALUE) === 0) return ParseError.INVALID_FIELD_VALUE;
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
    if (isRefusedTrailer(this.#name, this.#length, this.#limits)) return ParseError.FORBIDDEN_TRAILER;
    this.#state = State.TRAILER_VALUE;
    return 0;
  }
}
