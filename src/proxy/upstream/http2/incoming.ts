/**
 * What a server of HTTP/2 says: frames as they come, handed to the streams that they are for. A head waits for the content that
 * is in the same packet, so that both are passed on in one write.
 */
import { Failures } from "../../failure.ts";
import type { HeadLimits } from "../../http1/head.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import type { FrameHandler } from "../../http2/frames/frame-handler.ts";
import { FrameReader } from "../../http2/frames/reader.ts";
import type { StreamTable } from "../../http2/stream-table.ts";
import { MAX_CONTINUATIONS } from "./bounds.ts";
import type { HeadDecoder } from "./coding.ts";
import type { Http2Stream } from "./stream.ts";

/** The connection, as its frames concern it. */
export interface IncomingOwner {
  /** The streams under way, by number. */
  readonly streams: StreamTable<Http2Stream>;
  /** The highest number that was given to a stream; 0 = none. */
  readonly lastStreamId: number;
  readonly limits: HeadLimits;
  onSettings(buf: Buffer, start: number, end: number, nowMs: number): void;
  onPing(ack: boolean, buf: Buffer, start: number, nowMs: number): void;
  onGoaway(lastStreamId: number, code: ErrorCode, nowMs: number): void;
  /** @param streamId 0 = the connection's window. */
  onWindowUpdate(streamId: number, increment: number, nowMs: number): void;
  /** A final head came. */
  onResponse(): void;
  /** So many bytes of content or padding came. @returns false when the server had no right to send them. */
  receive(flowBytes: number): boolean;
  /** Bytes of a stream's padding are out of our memory. */
  giveBack(stream: Http2Stream, bytes: number): void;
  /** The server has reset a stream. */
  onReset(stream: Http2Stream, code: ErrorCode, nowMs: number): void;
  /** What a stream got is not what it may get. */
  onStreamError(stream: Http2Stream, code: ErrorCode, nowMs: number): void;
  /** The connection can't go on. */
  onError(code: ErrorCode, reason: string, nowMs: number): void;
  /** A frame came that brings nobody forward. */
  onUseless(nowMs: number): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** One connection's. */
export class Incoming implements FrameHandler {
  readonly #owner: IncomingOwner;
  readonly #reader: FrameReader;
  readonly #heads: HeadDecoder;
  #nowMs = 0;
  /** A stream whose final head was read and not handed on; null = there is none. */
  #pending: Http2Stream | null = null;
  #pendingBytes = 0;

  constructor(owner: IncomingOwner, heads: HeadDecoder) {
    this.#owner = owner;
    this.#heads = heads;
    this.#reader = new FrameReader(this, { maxBytes: owner.limits.maxHeadBytes, maxContinuations: MAX_CONTINUATIONS });
  }

  /** Takes a packet. */
  read(data: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#reader.read(data, 0, data.length);
    this.#handOn();
  }

  /** Nothing more is read. */
  stop(): void {
    this.#reader.stop();
    this.#pending = null;
  }

  onHeaders(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    this.#handOn();
    const owner = this.#owner;
    const nowMs = this.#nowMs;
    const stream = owner.streams.get(streamId);
    if (stream === null && !this.#wasOpen(streamId)) {
      owner.onError(ErrorCode.PROTOCOL_ERROR, "HEADERS are for a stream that was never opened", nowMs);
      return;
    }
    const heads = this.#heads;
    if (stream?.hasHead) {
      if (!heads.decodeTrailers(buf, start, end)) {
        owner.onError(ErrorCode.COMPRESSION_ERROR, heads.problem, nowMs);
      } else if (!endStream || heads.length < 0) owner.onStreamError(stream, ErrorCode.PROTOCOL_ERROR, nowMs);
      else this.#check(stream, stream.onTrailers(heads.trailers, nowMs));
      return;
    }
    // Whoever it is for, the table has to follow.
    if (
      !heads.decode(buf, start, end, owner.limits, endStream, stream?.takesBody ?? true, stream?.switchLines ?? null)
    ) {
      owner.onError(ErrorCode.COMPRESSION_ERROR, heads.problem, nowMs);
      return;
    }
    if (stream === null) return;
    if (heads.length < 0) {
      owner.onStreamError(stream, ErrorCode.PROTOCOL_ERROR, nowMs);
      return;
    }
    this.#pending = stream;
    if (heads.status >= 200) owner.onResponse();
    this.#pendingBytes = heads.length;
    if (endStream || heads.status < 200) this.#deliver(NOTHING, 0, 0, endStream);
  }

  onData(streamId: number, buf: Buffer, start: number, end: number, flowBytes: number, endStream: boolean): void {
    const owner = this.#owner;
    const nowMs = this.#nowMs;
    if (!owner.receive(flowBytes)) {
      owner.onError(ErrorCode.FLOW_CONTROL_ERROR, "more content than the connection's window allows", nowMs);
      return;
    }
    const stream = owner.streams.get(streamId);
    if (stream === null) {
      if (!this.#wasOpen(streamId)) {
        owner.onError(ErrorCode.PROTOCOL_ERROR, "DATA are for a stream that was never opened", nowMs);
      }
      return;
    }
    if (!stream.receive(flowBytes)) {
      owner.onStreamError(stream, ErrorCode.FLOW_CONTROL_ERROR, nowMs);
      return;
    }
    if (flowBytes > end - start) owner.giveBack(stream, flowBytes - (end - start));
    if (this.#pending === stream) this.#deliver(buf, start, end, endStream);
    else {
      this.#handOn();
      this.#check(stream, stream.onContent(buf, start, end, endStream, nowMs));
    }
  }

  onRstStream(streamId: number, code: ErrorCode): void {
    this.#handOn();
    const stream = this.#owner.streams.get(streamId);
    if (stream !== null) this.#owner.onReset(stream, code, this.#nowMs);
    else if (!this.#wasOpen(streamId)) {
      this.#owner.onError(ErrorCode.PROTOCOL_ERROR, "RST_STREAM is for a stream that was never opened", this.#nowMs);
    }
  }

  onSettings(buf: Buffer, start: number, end: number): void {
    this.#handOn();
    this.#owner.onSettings(buf, start, end, this.#nowMs);
  }

  onSettingsAck(): void {}

  onPing(ack: boolean, buf: Buffer, start: number): void {
    this.#owner.onPing(ack, buf, start, this.#nowMs);
  }

  onGoaway(lastStreamId: number, code: ErrorCode): void {
    this.#handOn();
    this.#owner.onGoaway(lastStreamId, code, this.#nowMs);
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#handOn();
    this.#owner.onWindowUpdate(streamId, increment, this.#nowMs);
  }

  onIdleFrame(): void {
    this.#owner.onUseless(this.#nowMs);
  }

  onStreamError(streamId: number, code: ErrorCode): void {
    this.#handOn();
    const stream = this.#owner.streams.get(streamId);
    if (stream !== null) this.#owner.onStreamError(stream, code, this.#nowMs);
  }

  onConnectionError(code: ErrorCode, reason: string): void {
    this.#handOn();
    this.#owner.onError(code, reason, this.#nowMs);
  }

  /** The head that waited comes without content. */
  #handOn(): void {
    if (this.#pending !== null) this.#deliver(NOTHING, 0, 0, false);
  }

  #deliver(data: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#pending;
    this.#pending = null;
    if (stream === null) return;
    const error = stream.onHead(this.#heads.bytes, this.#pendingBytes, data, start, end, last, this.#nowMs);
    this.#check(stream, error);
  }

  #check(stream: Http2Stream, error: ErrorCode): void {
    if (error !== ErrorCode.NO_ERROR) this.#owner.onStreamError(stream, error, this.#nowMs);
  }

  /** One of ours, which is over. Frames that were on their way do no harm. */
  #wasOpen(streamId: number): boolean {
    return (streamId & 1) === 1 && streamId <= this.#owner.lastStreamId;
  }
}

/** What a stream that the server has reset is to be called, and whether the server has not looked at it (RFC 9113 section 8.7). */
export function resetFailure(code: ErrorCode) {
  if (code === ErrorCode.REFUSED_STREAM) return { failure: Failures.STREAM_REFUSED, nothingSent: true };
  if (code === ErrorCode.HTTP_1_1_REQUIRED) return { failure: Failures.NOT_HTTP2, nothingSent: false };
  return { failure: Failures.CLOSED_BEFORE_RESPONSE, nothingSent: false };
}
