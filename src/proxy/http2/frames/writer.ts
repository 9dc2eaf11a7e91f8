/** Writes frames of HTTP/2 (RFC 9113 section 6) into the caller's memory. Every function returns the offset after what it wrote. */
import type { ErrorCode } from "../error-codes.ts";
import { FRAME_HEADER_BYTES, FrameFlag, FrameType } from "./layout.ts";

/** Bytes of the frames whose length is known. */
export const FrameBytes = {
  RST_STREAM: FRAME_HEADER_BYTES + 4,
  WINDOW_UPDATE: FRAME_HEADER_BYTES + 4,
  PING: FRAME_HEADER_BYTES + 8,
  SETTINGS_ACK: FRAME_HEADER_BYTES,
  SETTING: 6,
} as const;

/** The header of a frame whose payload of `length` bytes follows. */
export function writeFrameHeader(
  out: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  return writeInteger32(out, at + 5, streamId);
}

/** What we announce. @param settings pairs of a `SettingId` and its value. */
export function writeSettings(
  out: Buffer,
  at: number,
  settings: readonly (readonly [id: number, value: number])[],
): number {
  let next = writeFrameHeader(out, at, settings.length * FrameBytes.SETTING, FrameType.SETTINGS, 0, 0);
  for (const [id, value] of settings) {
    out[next] = id >>> 8;
    out[next + 1] = id;
    next = writeInteger32(out, next + 2, value);
  }
  return next;
}

/** Says that the peer's settings are in force. */
export function writeSettingsAck(out: Buffer, at: number): number {
  return writeFrameHeader(out, at, 0, FrameType.SETTINGS, FrameFlag.ACK, 0);
}

/** Asks whether the peer is there, or says that we are. @param opaque its eight bytes are at `opaque[start]`. */
export function writePing(out: Buffer, at: number, ack: boolean, opaque: Uint8Array, start: number): number {
  const next = writeFrameHeader(out, at, 8, FrameType.PING, ack ? FrameFlag.ACK : 0, 0);
  for (let i = 0; i < 8; i++) out[next + i] = opaque[start + i];
  return next + 8;
}

/** Ends a stream at once. */
export function writeRstStream(out: Buffer, at: number, streamId: number, code: ErrorCode): number {
  return writeInteger32(out, writeFrameHeader(out, at, 4, FrameType.RST_STREAM, 0, streamId), code);
}

/** Lets the peer send more. @param streamId 0 = the connection's window. */
export function writeWindowUpdate(out: Buffer, at: number, streamId: number, increment: number): number {
  return writeInteger32(out, writeFrameHeader(out, at, 4, FrameType.WINDOW_UPDATE, 0, streamId), increment);
}

/** Says that no stream beyond `lastStreamId` is served. @param debug a sentence for people, in ASCII. */
export function writeGoaway(out: Buffer, at: number, lastStreamId: number, code: ErrorCode, debug: string): number {
  let next = writeFrameHeader(out, at, 8 + debug.length, FrameType.GOAWAY, 0, 0);
  next = writeInteger32(out, next, lastStreamId);
  next = writeInteger32(out, next, code);
  return next + out.write(debug, next, "latin1");
}

function writeInteger32(out: Buffer, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}
