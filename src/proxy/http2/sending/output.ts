/**
 * Frames of one connection on their way out: put one behind the other in one piece of memory, which leaves at the end of the
 * turn, whichever streams they are of: one system call, and over TLS few records.
 */
import { copyBytes } from "../../http1/copy.ts";
import { FRAME_HEADER_BYTES, FrameFlag, FrameType, MAX_FRAME_BYTES } from "../frames/layout.ts";
import { writeFrameHeader } from "../frames/writer.ts";

/** Enough for what a connection has to say in most turns. */
const SMALL_BYTES = 16 * 1024;
/** What one write has at most: what a socket takes at once of a large body, and frames beside it. */
const LARGE_BYTES = 8 * MAX_FRAME_BYTES;
/** Pieces that wait for their next use: connections that have nothing to say hold none. */
const MAX_SPARE_SMALL = 64;
const MAX_SPARE_LARGE = 8;
const spareSmall: Buffer[] = [];
const spareLarge: Buffer[] = [];
const NOTHING: Buffer = Buffer.alloc(0);
const FLAGS_AT = 4;

/** Where frames go to. */
export interface OutputSink {
  /** As `Channel.send`; false = nothing can be sent any more. */
  send(data: Uint8Array, start: number, end: number, owned: boolean): boolean;
  /** Bytes that it could not send yet. */
  readonly queuedBytes: number;
}

/** One connection's. */
export class Output {
  readonly #sink: OutputSink;
  #memory: Buffer = NOTHING;
  #length = 0;
  /** Where the last frame begins, while it is DATA of this stream. */
  #lastData = 0;
  #lastStream = 0;

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  /** Nothing waits for the end of the turn. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Where the next frame is to be written: there is room for `bytes` behind `end`. More than `LARGE_BYTES` there never is. */
  room(bytes: number): Buffer {
    const needed = this.#length + bytes;
    if (needed <= this.#memory.length) return this.#memory;
    if (this.#length > 0 && needed > LARGE_BYTES) {
      this.flush();
      return this.room(bytes);
    }
    if (bytes > LARGE_BYTES) throw new RangeError(`a frame of ${bytes} bytes is longer than any`);
    const before = this.#memory;
    const memory = needed <= SMALL_BYTES ? takeSmall() : takeLarge();
    before.copy(memory, 0, 0, this.#length);
    putAway(before);
    this.#memory = memory;
    return memory;
  }

  /** Offset in `room` of the next frame. */
  get end(): number {
    return this.#length;
  }

  /** Whole frames were written up to here. */
  wrote(end: number): void {
    this.#length = end;
    this.#lastStream = 0;
  }

  /** A frame with a payload of `MAX_FRAME_BYTES` at most. */
  frame(type: number, flags: number, streamId: number, payload: Buffer, start: number, end: number): void {
    const out = this.room(FRAME_HEADER_BYTES + end - start);
    const at = writeFrameHeader(out, this.#length, end - start, type, flags, streamId);
    this.#lastData = this.#length;
    this.#length = copyBytes(out, at, payload, start, end);
    this.#lastStream = type === FrameType.DATA ? streamId : 0;
  }

  /** The last DATA of this stream, if there is nothing behind it, says that it was the last. @returns whether it could. */
  endLast(streamId: number): boolean {
    if (this.#length === 0 || this.#lastStream !== streamId) return false;
    this.#memory[this.#lastData + FLAGS_AT] |= FrameFlag.END_STREAM;
    this.#lastStream = 0;
    return true;
  }

  /** Sends what there is. @returns false when nothing can be sent any more. */
  flush(): boolean {
    const memory = this.#memory;
    const length = this.#length;
    if (length === 0) return true;
    this.#memory = NOTHING;
    this.#length = 0;
    this.#lastStream = 0;
    const sent = this.#sink.send(memory, 0, length, false);
    putAway(memory);
    return sent;
  }

  /** Nothing of it is sent any more. */
  drop(): void {
    putAway(this.#memory);
    this.#memory = NOTHING;
    this.#length = 0;
    this.#lastStream = 0;
  }
}

function takeSmall(): Buffer {
  return spareSmall.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
}

function takeLarge(): Buffer {
  return spareLarge.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
}

function putAway(memory: Buffer): void {
  if (memory.length === SMALL_BYTES && spareSmall.length < MAX_SPARE_SMALL) spareSmall.push(memory);
  else if (memory.length === LARGE_BYTES && spareLarge.length < MAX_SPARE_LARGE) spareLarge.push(memory);
}
