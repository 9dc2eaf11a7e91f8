/** Frames as text and as bytes, for tests of what reads and writes them. */

import type { FrameHandler } from "../../../../../src/proxy/http2/frames/frame-handler.ts";
import { FrameFlag, FrameType } from "../../../../../src/proxy/http2/frames/layout.ts";
import { FrameReader } from "../../../../../src/proxy/http2/frames/reader.ts";

const LIMITS = { maxBytes: 32_768, maxContinuations: 8 };

/** A frame, whatever is wrong with it. */
export function frame(type: number, flags: number, streamId: number, payload: string | Buffer = ""): Buffer {
  const body = Buffer.from(payload as string, "latin1");
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, body]);
}

export function integer32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export const { END_STREAM, END_HEADERS, PADDED, PRIORITY, ACK } = FrameFlag;
export { FrameType as Type };

/** Notes what a reader tells, one line for each. Pieces of one DATA frame are one line. */
export class Notes implements FrameHandler {
  readonly lines: string[] = [];
  #data = "";
  #flow = 0;

  onData(streamId: number, buf: Buffer, start: number, end: number, flowBytes: number, endStream: boolean): void {
    this.#data += buf.toString("latin1", start, end);
    this.#flow += flowBytes;
    if (endStream) this.#note(`data ${streamId} end`);
    else this.#dataStream = streamId;
  }

  #dataStream = 0;

  /** What came of DATA until now is a line. */
  flush(): void {
    if (this.#flow > 0) this.#note(`data ${this.#dataStream}`);
  }

  #note(what: string): void {
    this.lines.push(`${what} ${this.#flow} ${this.#data}`);
    this.#data = "";
    this.#flow = 0;
  }

  #add(line: string): void {
    this.flush();
    this.lines.push(line);
  }

  onHeaders(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    this.#add(`headers ${streamId}${endStream ? " end" : ""} ${buf.toString("latin1", start, end)}`);
  }

  onRstStream(streamId: number, code: number): void {
    this.#add(`reset ${streamId} ${code}`);
  }

  onSettings(buf: Buffer, start: number, end: number): void {
    this.#add(`settings ${buf.toString("hex", start, end)}`);
  }

  onSettingsAck(): void {
    this.#add("settings ack");
  }

  onPing(ack: boolean, buf: Buffer, start: number): void {
    this.#add(`ping${ack ? " ack" : ""} ${buf.toString("latin1", start, start + 8)}`);
  }

  onGoaway(lastStreamId: number, code: number): void {
    this.#add(`goaway ${lastStreamId} ${code}`);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#add(`window ${streamId} ${increment}`);
  }

  onIdleFrame(type: number): void {
    this.#add(`idle ${type}`);
  }

  onStreamError(streamId: number, code: number, reason: string): void {
    this.#add(`stream error ${streamId} ${code}: ${reason}`);
  }

  onConnectionError(code: number, reason: string): void {
    this.#add(`connection error ${code}: ${reason}`);
  }
}

/** Has `bytes` read in packets of these sizes, the last one of which goes on. @returns the lines of `Notes`. */
export function readIn(bytes: Buffer, ...sizes: number[]): string[] {
  const notes = new Notes();
  const reader = new FrameReader(notes, LIMITS);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? bytes.length;
    // A packet is a copy that is spoiled behind it: nobody may keep it.
    const packet = Buffer.from(bytes.subarray(at, at + size));
    reader.read(packet, 0, packet.length);
    packet.fill(0xdd);
    at += size;
  }
  notes.flush();
  return notes.lines;
}
