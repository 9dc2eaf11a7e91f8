/**
 * Finds frames in the bytes of a connection, however these come in pieces, and checks what can be checked without knowing
 * the streams: lengths, places, padding, and that a header block is not interrupted (RFC 9113 sections 4 and 6). DATA is
 * handed on as it comes; of everything else a frame is put together first.
 */
import { ErrorCode } from "../error-codes.ts";
import { BlockBuffer } from "./block-buffer.ts";
import type { FrameHandler } from "./frame-handler.ts";
import { FRAME_HEADER_BYTES, FrameFlag, FrameType, MAX_31_BITS, MAX_FRAME_BYTES } from "./layout.ts";

/** Bounds of header blocks. */
export interface BlockLimits {
  /** Bytes of one, as it is compressed. */
  readonly maxBytes: number;
  /** CONTINUATION frames of one. */
  readonly maxContinuations: number;
}

const NOTHING = Buffer.alloc(0);
/** Stream, weight, and the bit for `exclusive`. */
const PRIORITY_BYTES = 5;

/** One connection's. */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #limits: BlockLimits;
  /** Bytes of a frame that is not whole; empty between packets in nearly all cases. */
  #collected: Buffer = NOTHING;
  #collectedBytes = 0;
  /** Of the DATA frame that is being read: content, padding, and whether the padding's length is still to come. */
  #content = 0;
  #padding = 0;
  #padded = false;
  #dataStream = 0;
  #dataEnds = false;
  /** Bytes of a frame that nobody reads. */
  #skip = 0;
  /** The header block that is not whole: its stream; 0 = none. */
  #blockStream = 0;
  #blockEnds = false;
  /** Its stream says that it depends on itself. */
  #blockIsWrong = false;
  #block: BlockBuffer | null = null;
  #stopped = false;

  constructor(handler: FrameHandler, limits: BlockLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** A frame that is no DATA, or a header block, has begun and is not whole. */
  get isWaiting(): boolean {
    return this.#collectedBytes > 0 || this.#blockStream !== 0;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#stopped = true;
    this.#collected = NOTHING;
    this.#collectedBytes = 0;
    this.#block = null;
  }

  /** Takes the next bytes of the connection. The handler is told of what is whole in them. */
  read(data: Buffer, start: number, end: number): void {
    let at = start;
    while (!this.#stopped && at < end) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, end - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#content + this.#padding > 0 || this.#padded) at = this.#readData(data, at, end);
      else if (this.#collectedBytes > 0) at = this.#collect(data, at, end);
      else at = this.#readFrame(data, at, end);
    }
  }

  /** At the beginning of a frame. @returns the offset after what was used. */
  #readFrame(data: Buffer, at: number, end: number): number {
    if (end - at < FRAME_HEADER_BYTES) return this.#keep(data, at, end);
    const length = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    const payload = at + FRAME_HEADER_BYTES;
    const begun = this.#begin(data, at, length);
    if (begun === Begun.STREAMED) return payload;
    if (begun === Begun.REFUSED) return end;
    if (end - payload < length) return this.#keep(data, at, end);
    this.#onFrame(data, at, payload, payload + length);
    return payload + length;
  }

  /** Puts a frame together that came in pieces. */
  #collect(data: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#collectedBytes < FRAME_HEADER_BYTES) {
      at = this.#add(data, at, end, FRAME_HEADER_BYTES);
      if (this.#collectedBytes < FRAME_HEADER_BYTES) return at;
      const begun = this.#begin(this.#collected, 0, this.#collectedLength);
      if (begun !== Begun.WHOLE) {
        this.#collected = NOTHING;
        this.#collectedBytes = 0;
        return begun === Begun.STREAMED ? at : end;
      }
    }
    const whole = FRAME_HEADER_BYTES + this.#collectedLength;
    at = this.#add(data, at, end, whole);
    if (this.#collectedBytes < whole) return at;
    const frame = this.#collected;
    this.#collected = NOTHING;
    this.#collectedBytes = 0;
    this.#onFrame(frame, 0, FRAME_HEADER_BYTES, whole);
    return at;
  }

  /** The length of the payload that the collected header says. */
  get #collectedLength(): number {
    const frame = this.#collected;
    return (frame[0] << 16) | (frame[1] << 8) | frame[2];
  }

  #keep(data: Buffer, at: number, end: number): number {
    this.#collectedBytes = 0;
    return this.#add(data, at, end, end - at);
  }

  /** Collects until there are `wanted` bytes. @returns the offset after those that were taken. */
  #add(data: Buffer, at: number, end: number, wanted: number): number {
    const count = Math.min(end - at, wanted - this.#collectedBytes);
    if (this.#collected.length < this.#collectedBytes + count) {
      const room = this.#collectedBytes < FRAME_HEADER_BYTES ? wanted : FRAME_HEADER_BYTES + this.#collectedLength;
      const grown = Buffer.allocUnsafeSlow(Math.max(room, FRAME_HEADER_BYTES, this.#collectedBytes + count));
      this.#collected.copy(grown, 0, 0, this.#collectedBytes);
      this.#collected = grown;
    }
    data.copy(this.#collected, this.#collectedBytes, at, at + count);
    this.#collectedBytes += count;
    return at + count;
  }

  /** A frame's header is there, at `buf[at]`: what can be said before its payload is. */
  #begin(buf: Buffer, at: number, length: number): Begun {
    const type = buf[at + 3];
    const flags = buf[at + 4];
    const streamId = readInteger(buf, at + 5) & MAX_31_BITS;
    if (length > MAX_FRAME_BYTES)
      return this.#refuse(ErrorCode.FRAME_SIZE_ERROR, "a frame is longer than 16,384 bytes");
    const continues = type === FrameType.CONTINUATION;
    if (this.#blockStream !== 0 ? !continues || streamId !== this.#blockStream : continues) {
      return this.#refuse(ErrorCode.PROTOCOL_ERROR, "a header block is interrupted, or continued where there is none");
    }
    if (type === FrameType.DATA) return this.#beginData(streamId, flags, length);
    if (type > FrameType.CONTINUATION) {
      this.#skip = length;
      this.#handler.onIdleFrame(type);
      return Begun.STREAMED;
    }
    const wrong = wrongForm(type, flags, streamId, length);
    return wrong === null ? Begun.WHOLE : this.#refuse(wrong.code, wrong.reason);
  }

  #refuse(code: ErrorCode, reason: string): Begun {
    this.stop();
    this.#handler.onConnectionError(code, reason);
    return Begun.REFUSED;
  }

  // ── DATA ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #beginData(streamId: number, flags: number, length: number): Begun {
    const padded = (flags & FrameFlag.PADDED) !== 0;
    if (streamId === 0) return this.#refuse(ErrorCode.PROTOCOL_ERROR, "DATA is for no stream");
    if (padded && length === 0) return this.#refuse(ErrorCode.FRAME_SIZE_ERROR, "DATA lacks the length of its padding");
    this.#dataStream = streamId;
    this.#dataEnds = (flags & FrameFlag.END_STREAM) !== 0;
    this.#padded = padded;
    this.#content = padded ? length - 1 : length;
    this.#padding = 0;
    if (length === 0) {
      if (this.#dataEnds) this.#handler.onData(streamId, NOTHING, 0, 0, 0, true);
      else this.#handler.onIdleFrame(FrameType.DATA);
    }
    return Begun.STREAMED;
  }

  #readData(data: Buffer, start: number, end: number): number {
    let at = start;
    let flowBytes = 0;
    if (this.#padded) {
      this.#padded = false;
      this.#padding = data[at++];
      this.#content -= this.#padding;
      flowBytes = 1;
      if (this.#content < 0) {
        this.#refuse(ErrorCode.PROTOCOL_ERROR, "the padding of DATA is longer than its frame");
        return end;
      }
    }
    const isEmpty = flowBytes === 1 && this.#content === 0;
    const contentEnd = Math.min(end, at + this.#content);
    const content = contentEnd - at;
    this.#content -= content;
    const padding = this.#content > 0 ? 0 : Math.min(end - contentEnd, this.#padding);
    this.#padding -= padding;
    flowBytes += content + padding;
    const isLast = this.#content + this.#padding === 0;
    this.#handler.onData(this.#dataStream, data, at, contentEnd, flowBytes, isLast && this.#dataEnds);
    if (isEmpty && !this.#dataEnds && !this.#stopped) this.#handler.onIdleFrame(FrameType.DATA);
    return contentEnd + padding;
  }

  // ── everything else ──────────────────────────────────────────────────────────────────────────────────────────────

  /** A whole frame whose header, at `buf[at]`, is as it should be. */
  #onFrame(buf: Buffer, at: number, start: number, end: number): void {
    const flags = buf[at + 4];
    const streamId = readInteger(buf, at + 5) & MAX_31_BITS;
    const handler = this.#handler;
    switch (buf[at + 3]) {
      case FrameType.HEADERS:
        this.#onHeaders(streamId, flags, buf, start, end);
        return;
      case FrameType.CONTINUATION:
        this.#addToBlock(flags, buf, start, end);
        return;
      case FrameType.PRIORITY:
        this.#onPriority(streamId, buf, start, end);
        return;
      case FrameType.RST_STREAM:
        handler.onRstStream(streamId, readInteger(buf, start) >>> 0);
        return;
      case FrameType.SETTINGS:
        if ((flags & FrameFlag.ACK) === 0) handler.onSettings(buf, start, end);
        else handler.onSettingsAck();
        return;
      case FrameType.PING:
        handler.onPing((flags & FrameFlag.ACK) !== 0, buf, start);
        return;
      case FrameType.GOAWAY:
        handler.onGoaway(readInteger(buf, start) & MAX_31_BITS, readInteger(buf, start + 4) >>> 0);
        return;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, readInteger(buf, start) & MAX_31_BITS);
    }
  }

  #onPriority(streamId: number, buf: Buffer, start: number, end: number): void {
    const handler = this.#handler;
    if (end - start !== PRIORITY_BYTES) {
      handler.onStreamError(streamId, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY has not five bytes");
    } else if ((readInteger(buf, start) & MAX_31_BITS) === streamId) {
      handler.onStreamError(streamId, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself");
    } else handler.onIdleFrame(FrameType.PRIORITY);
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (increment > 0) this.#handler.onWindowUpdate(streamId, increment);
    else if (streamId === 0) this.#refuse(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE adds nothing");
    else this.#handler.onStreamError(streamId, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE adds nothing");
  }

  #onHeaders(streamId: number, flags: number, buf: Buffer, start: number, end: number): void {
    let at = start;
    let padding = 0;
    if ((flags & FrameFlag.PADDED) !== 0) padding = buf[at++];
    const hasPriority = (flags & FrameFlag.PRIORITY) !== 0;
    this.#blockIsWrong = hasPriority && (readInteger(buf, at) & MAX_31_BITS) === streamId;
    if (hasPriority) at += PRIORITY_BYTES;
    const blockEnd = end - padding;
    if (blockEnd < at) {
      this.#refuse(ErrorCode.PROTOCOL_ERROR, "the padding of HEADERS is longer than its frame");
      return;
    }
    const endStream = (flags & FrameFlag.END_STREAM) !== 0;
    if (blockEnd - at > this.#limits.maxBytes) this.#blockTooLong();
    else if ((flags & FrameFlag.END_HEADERS) !== 0) this.#onBlock(streamId, buf, at, blockEnd, endStream);
    else {
      this.#blockStream = streamId;
      this.#blockEnds = endStream;
      this.#block = new BlockBuffer();
      this.#block.add(buf, at, blockEnd);
    }
  }

  #addToBlock(flags: number, buf: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block === null) return; // not possible: `#begin` has refused it
    const { maxBytes, maxContinuations } = this.#limits;
    if (block.length + end - start > maxBytes || block.parts > maxContinuations) {
      this.#blockTooLong();
      return;
    }
    block.add(buf, start, end);
    if ((flags & FrameFlag.END_HEADERS) === 0) return;
    const streamId = this.#blockStream;
    this.#blockStream = 0;
    this.#block = null;
    this.#onBlock(streamId, block.bytes, 0, block.length, this.#blockEnds);
  }

  #onBlock(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    this.#handler.onHeaders(streamId, buf, start, end, endStream);
    // Behind the block, which changes what later blocks mean: only its stream is wrong.
    if (this.#blockIsWrong && !this.#stopped) {
      this.#handler.onStreamError(streamId, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself");
    }
  }

  /** To leave it out would leave the decoder behind: no later block could be read (RFC 9113 section 4.3). */
  #blockTooLong(): void {
    this.#refuse(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too long");
  }
}

/** What comes of a frame's header. */
const Begun = {
  /** Its payload is wanted whole. */
  WHOLE: 0,
  /** Its payload is handed on as it comes, or not at all. */
  STREAMED: 1,
  REFUSED: 2,
} as const;
type Begun = (typeof Begun)[keyof typeof Begun];

interface WrongForm {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Lengths and places that end the connection when they are wrong. */
function wrongForm(type: number, flags: number, streamId: number, length: number): WrongForm | null {
  switch (type) {
    case FrameType.HEADERS: {
      const least =
        ((flags & FrameFlag.PADDED) === 0 ? 0 : 1) + ((flags & FrameFlag.PRIORITY) === 0 ? 0 : PRIORITY_BYTES);
      return length < least ? wrongLength("HEADERS") : onStream("HEADERS", streamId);
    }
    case FrameType.PRIORITY:
      return onStream("PRIORITY", streamId);
    case FrameType.RST_STREAM:
      return length === 4 ? onStream("RST_STREAM", streamId) : wrongLength("RST_STREAM");
    case FrameType.SETTINGS:
      if (length % 6 !== 0 || ((flags & FrameFlag.ACK) !== 0 && length > 0)) return wrongLength("SETTINGS");
      return onConnection("SETTINGS", streamId);
    case FrameType.PING:
      return length === 8 ? onConnection("PING", streamId) : wrongLength("PING");
    case FrameType.GOAWAY:
      return length >= 8 ? onConnection("GOAWAY", streamId) : wrongLength("GOAWAY");
    case FrameType.WINDOW_UPDATE:
      return length === 4 ? null : wrongLength("WINDOW_UPDATE");
    case FrameType.PUSH_PROMISE:
      // A client can't push, and a server was told not to (RFC 9113 sections 6.6 and 8.4).
      return { code: ErrorCode.PROTOCOL_ERROR, reason: "PUSH_PROMISE is not allowed" };
    default:
      return null;
  }
}

function wrongLength(name: string): WrongForm {
  return { code: ErrorCode.FRAME_SIZE_ERROR, reason: `${name} has a length that it can't have` };
}

function onStream(name: string, streamId: number): WrongForm | null {
  return streamId === 0 ? { code: ErrorCode.PROTOCOL_ERROR, reason: `${name} is for no stream` } : null;
}

function onConnection(name: string, streamId: number): WrongForm | null {
  return streamId === 0 ? null : { code: ErrorCode.PROTOCOL_ERROR, reason: `${name} is for a stream` };
}

/** Four bytes, as a signed number. */
function readInteger(buf: Buffer, at: number): number {
  return (buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3];
}
