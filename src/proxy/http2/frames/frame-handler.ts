/** What a `FrameReader` tells of what came. */
import type { ErrorCode } from "../error-codes.ts";

/** Who is told. All frames have the form and the place that RFC 9113 asks for; what they mean in their stream is the handler's business. */
export interface FrameHandler {
  /**
   * Content of DATA, as much as there is of it: a frame may come in several pieces.
   * @param flowBytes what the piece takes of the flow-control windows: its content, and padding that came with it.
   * @param endStream it is the last of its frame, and that ends the stream.
   */
  onData(streamId: number, buf: Buffer, start: number, end: number, flowBytes: number, endStream: boolean): void;
  /**
   * A whole header block, `buf[start … end)`: of HEADERS, and of the CONTINUATION frames behind it. The bytes are there until
   * this returns.
   */
  onHeaders(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void;
  onRstStream(streamId: number, code: ErrorCode): void;
  /** Entries of six bytes each, `buf[start … end)`: see `PeerSettings`. */
  onSettings(buf: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  /** Its eight bytes begin at `buf[start]`. */
  onPing(ack: boolean, buf: Buffer, start: number): void;
  onGoaway(lastStreamId: number, code: ErrorCode): void;
  /** @param streamId 0 = the connection's. @param increment 1 … 2^31 - 1. */
  onWindowUpdate(streamId: number, increment: number): void;
  /**
   * A frame that moves nothing: PRIORITY (which RFC 9113 has given up), DATA without content or end, or of an unknown kind. It
   * is done with.
   */
  onIdleFrame(type: number): void;
  /** A frame is wrong in a way that ends its stream alone; all of it was read. */
  onStreamError(streamId: number, code: ErrorCode, reason: string): void;
  /** What came is wrong in a way that ends the connection: nothing more is read. */
  onConnectionError(code: ErrorCode, reason: string): void;
}
