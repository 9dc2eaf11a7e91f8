/**
 * What a client says on its connection of HTTP/2: which stream each frame is for, and whether it may come (RFC 9113 sections
 * 5.1, 6 and 8.1). Requests begin when all of the packet was read, so that a head and its body leave in one write.
 */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { AbuseBudget } from "../../http2/budget.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import type { FrameHandler } from "../../http2/frames/frame-handler.ts";
import { MAX_FRAME_BYTES, PREFACE } from "../../http2/frames/layout.ts";
import { FrameReader } from "../../http2/frames/reader.ts";
import type { Outgoing } from "../../http2/sending/outgoing.ts";
import { ReceiveWindow } from "../../http2/windows.ts";
import type { DownstreamContext } from "../context.ts";
import { CONNECTION_WINDOW_BYTES, EARNED_BY_FRAME, MAX_CONTINUATIONS } from "./bounds.ts";
import type { HeadCoding } from "./head-coding.ts";
import { KnownStreams } from "./known-streams.ts";
import type { Http2Stream } from "./stream.ts";
import type { StreamConnection } from "./stream-connection.ts";

const NOTHING = Buffer.alloc(0);

/** The session, as what comes sees it. */
export interface IncomingOwner extends StreamConnection<Http2Stream> {
  readonly ctx: DownstreamContext;
  readonly outgoing: Outgoing<Http2Stream>;
  readonly heads: HeadCoding;
  /** The client has yet to say what it wants of us. */
  readonly isOpening: boolean;
  /** New streams are served. */
  readonly takesRequests: boolean;
  /** Nothing that comes is looked at any more. */
  readonly isOver: boolean;
  /** The client has said what it wants of us. */
  onOpened(): void;
  onSettingsAcknowledged(): void;
  /** The reply to a PING of ours, whose bytes begin at `buf[start]`. */
  onPingAcknowledged(buf: Buffer, start: number): void;
  /** We have said something that the client could have us say without end. */
  onReply(): void;
  /** The client opens no more streams. */
  onClientLeaves(): void;
  /** It has opened as many as it may. */
  leave(): void;
  /** Ends the connection, with a word about why (RFC 9113 section 5.4.1). */
  fail(code: ErrorCode, reason: string): void;
}

/** One connection's. */
export class Incoming implements FrameHandler {
  readonly #owner: IncomingOwner;
  readonly #reader: FrameReader;
  readonly #budget: AbuseBudget;
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  readonly streams = new KnownStreams();
  /** Of the preface. */
  #prefaceBytes = 0;
  #nowMs: number;
  /** Since when a frame, or a header block, is not whole, monotonic milliseconds; `Infinity` = none is. */
  waitingSinceMs = Number.POSITIVE_INFINITY;
  /** Streams whose requests begin when the packet is read. */
  #beginning: Http2Stream[] = [];
  /** Streams for which something came, or that take what had come before. */
  #touched: Http2Stream[] = [];
  /** Streams to which bytes of this packet belong. */
  #received: Http2Stream[] = [];
  /** Whom what came is handed to: an exception ends that stream alone. */
  #current: Http2Stream | null = null;

  constructor(owner: IncomingOwner, nowMs: number) {
    this.#owner = owner;
    this.#nowMs = nowMs;
    this.#budget = new AbuseBudget(nowMs);
    const maxBytes = owner.ctx.limits.maxHeadBytes;
    this.#reader = new FrameReader(this, { maxBytes, maxContinuations: MAX_CONTINUATIONS });
  }

  /** Takes the next packet. */
  read(data: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    const start = this.#prefaceBytes < PREFACE.length ? this.#readPreface(data) : 0;
    if (this.#owner.isOver) return;
    this.#reader.read(data, start, data.length);
    this.waitingSinceMs = this.#reader.isWaiting ? this.#waitedSinceMs : Number.POSITIVE_INFINITY;
    this.serve(nowMs);
    this.#endPacket();
  }

  /** @returns the offset after what belongs to the preface. */
  #readPreface(data: Buffer): number {
    let at = 0;
    while (at < data.length && this.#prefaceBytes < PREFACE.length) {
      if (data[at++] !== PREFACE[this.#prefaceBytes++]) {
        this.onConnectionError(ErrorCode.PROTOCOL_ERROR, this.#wrongPreface);
        break;
      }
    }
    return at;
  }

  get #wrongPreface(): string {
    return this.#owner.entrance.secure
      ? "HTTP/2 was agreed on (ALPN), and what came first is no preface of it"
      : "what came first is no preface of HTTP/2";
  }

  /** When the frame that is whole now, or is not yet, began to come. */
  get #waitedSinceMs(): number {
    return Math.min(this.waitingSinceMs, this.#nowMs);
  }

  /** Has what waits served: requests that begin, then what came for streams. */
  serve(nowMs: number): void {
    this.#nowMs = nowMs;
    for (let stream = this.#beginning.shift(); stream !== undefined; stream = this.#beginning.shift()) {
      this.#current = stream;
      stream.begin(nowMs);
    }
    for (let stream = this.#touched.shift(); stream !== undefined; stream = this.#touched.shift()) {
      this.#current = stream;
      stream.passOn(nowMs);
    }
    this.#current = null;
  }

  /** The packet's memory is used again. */
  #endPacket(): void {
    if (this.#received.length === 0) return;
    for (const stream of this.#received) stream.endPacket();
    this.#received = [];
  }

  /** Something threw. @returns false when it met no single stream: then nobody knows what was read. */
  threw(nowMs: number): boolean {
    const stream = this.#current;
    this.#current = null;
    if (stream === null) return false;
    stream.onInternalError(nowMs);
    this.serve(nowMs);
    this.#endPacket();
    return true;
  }

  /** Nothing more is read, and nobody is served any more. */
  stop(): void {
    this.#reader.stop();
    this.#beginning = [];
    this.#touched = [];
    this.#received = [];
    for (const stream of this.streams.open.all()) stream.onGone(this.#nowMs);
  }

  /** See `StreamConnection.awaitPassOn`. */
  awaitPassOn(stream: Http2Stream): void {
    this.#touched.push(stream);
  }

  /** `flowBytes` are done with, as far as the connection's window goes. */
  giveBack(flowBytes: number): void {
    const increment = this.#window.giveBack(flowBytes);
    if (increment > 0) this.#owner.outgoing.windowUpdate(0, increment);
    this.#owner.awaitTurnEnd();
  }

  /** The client was sent so many bytes that it asked for. */
  earn(bytes: number): void {
    this.#budget.earn(EARNED_BY_FRAME * Math.ceil(bytes / MAX_FRAME_BYTES));
  }

  /** The client did what brings nobody forward. That is no reason to end the connection, but must not come too often. */
  spend(): void {
    if (this.#owner.isOver || this.#budget.spend(this.#nowMs)) return;
    this.onConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that bring nobody forward");
  }

  // ── streams ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onHeaders(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    const { streams } = this;
    if (!this.#hasOpened()) return;
    const stream = streams.open.get(streamId);
    if (stream !== null) this.#onTrailers(stream, buf, start, end, endStream);
    else if ((streamId & 1) === 0) this.#refuse("a client's streams have odd numbers");
    else if (streamId > streams.lastId) this.#onRequest(streamId, buf, start, end, endStream);
    else if (streams.wasEndedByUs(streamId)) this.#onLateTrailers(buf, start, end);
    else {
      const code = streams.wasOpen(streamId) ? ErrorCode.STREAM_CLOSED : ErrorCode.PROTOCOL_ERROR;
      this.onConnectionError(code, "the numbers of streams only grow");
    }
  }

  #onRequest(streamId: number, buf: Buffer, start: number, end: number, endStream: boolean): void {
    const owner = this.#owner;
    const { settings, limits } = owner.ctx;
    const { heads, outgoing } = owner;
    if (!heads.readRequest(buf, start, end, limits.maxHeadBytes, endStream)) {
      this.onConnectionError(ErrorCode.COMPRESSION_ERROR, heads.problem);
      return;
    }
    const { streams } = this;
    if (!owner.takesRequests) {
      streams.lateId = streamId; // its client knows, or will, that it is not served
      return;
    }
    streams.lastId = streamId;
    streams.requests++;
    if (streams.open.size >= settings.http2MaxStreams) {
      this.#refuseStream(streamId);
      return;
    }
    const error = heads.length;
    const head = error > 0 ? heads.head() : NOTHING;
    const { initialWindowSize } = outgoing.peer;
    const stream = streams.take();
    stream.open(owner, streamId, head, endStream, initialWindowSize, this.#waitedSinceMs);
    streams.open.add(stream);
    if (error > 0) this.#beginning.push(stream);
    else stream.refuseHead(error, this.#nowMs);
    const { maxRequestsPerConnection: most } = settings;
    if (most > 0 && streams.requests >= most) owner.leave();
  }

  /** There are too many: it may be sent again, for nobody has seen it (RFC 9113 section 5.1.2). */
  #refuseStream(streamId: number): void {
    this.#owner.ctx.counters[WorkerCounter.HTTP2_STREAMS_REFUSED]++;
    this.#owner.reset(streamId, ErrorCode.REFUSED_STREAM);
    this.streams.end(streamId, false);
    this.spend();
  }

  #onTrailers(stream: Http2Stream, buf: Buffer, start: number, end: number, endStream: boolean): void {
    const { heads, ctx } = this.#owner;
    if (!heads.readTrailers(buf, start, end, ctx.limits.maxHeadBytes)) {
      this.onConnectionError(ErrorCode.COMPRESSION_ERROR, heads.problem);
    } else if (!stream.isRemoteOpen) stream.fail(ErrorCode.STREAM_CLOSED, this.#nowMs);
    else if (!endStream || heads.length < 0) stream.fail(ErrorCode.PROTOCOL_ERROR, this.#nowMs);
    else {
      stream.onRemoteEnd(heads.trailers());
      this.#touched.push(stream);
    }
  }

  /** Trailers of a stream that is no more: what they say of the table counts all the same (RFC 9113 section 5.1). */
  #onLateTrailers(buf: Buffer, start: number, end: number): void {
    const { heads, ctx } = this.#owner;
    if (heads.readTrailers(buf, start, end, ctx.limits.maxHeadBytes)) this.spend();
    else this.onConnectionError(ErrorCode.COMPRESSION_ERROR, heads.problem);
  }

  onData(streamId: number, buf: Buffer, start: number, end: number, flowBytes: number, endStream: boolean): void {
    if (!this.#window.receive(flowBytes)) {
      this.onConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "more DATA came than the connection's window allows");
      return;
    }
    const stream = this.streams.open.get(streamId);
    if (stream === null) {
      this.#onLateData(streamId, flowBytes);
      return;
    }
    const code = !stream.isRemoteOpen
      ? ErrorCode.STREAM_CLOSED
      : stream.onData(buf, start, end, flowBytes)
        ? ErrorCode.NO_ERROR
        : ErrorCode.FLOW_CONTROL_ERROR;
    if (code !== ErrorCode.NO_ERROR) {
      this.giveBack(flowBytes);
      stream.fail(code, this.#nowMs);
      return;
    }
    if (endStream) stream.onRemoteEnd(null);
    if (this.#touched.at(-1) !== stream) this.#touched.push(stream);
    if (this.#received.at(-1) !== stream) this.#received.push(stream);
  }

  /** DATA of a stream that is no more. */
  #onLateData(streamId: number, flowBytes: number): void {
    const { streams } = this;
    this.giveBack(flowBytes);
    if (!streams.isBegun(streamId)) this.#refuse("DATA is for a stream that never was");
    else if (!streams.wasEndedByUs(streamId)) {
      this.#owner.reset(streamId, ErrorCode.STREAM_CLOSED);
      this.spend();
    }
  }

  onRstStream(streamId: number): void {
    if (!this.streams.isBegun(streamId)) {
      this.#refuse("RST_STREAM is for a stream that never was");
      return;
    }
    this.streams.open.get(streamId)?.onGone(this.#nowMs);
    this.streams.endByReset(streamId);
    this.spend();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      if (!this.#owner.outgoing.grow(increment)) {
        this.onConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is more than 2^31 - 1 bytes");
      }
    } else if (this.streams.isBegun(streamId)) {
      const stream = this.streams.open.get(streamId);
      if (stream?.sendWindow.add(increment) === false) stream.fail(ErrorCode.FLOW_CONTROL_ERROR, this.#nowMs);
    } else this.#refuse("WINDOW_UPDATE is for a stream that never was");
    this.spend();
  }

  onStreamError(streamId: number, code: ErrorCode): void {
    const stream = this.streams.open.get(streamId);
    if (stream !== null) stream.fail(code, this.#nowMs);
    else {
      this.#owner.reset(streamId, code);
      this.spend();
    }
  }

  // ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────

  onSettings(buf: Buffer, start: number, end: number): void {
    const owner = this.#owner;
    const { outgoing } = owner;
    const error = outgoing.settings(buf, start, end, this.streams.open);
    if (error !== ErrorCode.NO_ERROR) {
      this.onConnectionError(error, "a setting has a value that it can't have");
      return;
    }
    owner.heads.limit(outgoing.peer.leastHeaderTableSize);
    owner.heads.limit(outgoing.peer.headerTableSize);
    owner.onReply();
    if (owner.isOpening) owner.onOpened();
    else this.spend();
  }

  onSettingsAck(): void {
    this.#owner.onSettingsAcknowledged();
  }

  onPing(ack: boolean, buf: Buffer, start: number): void {
    if (!this.#hasOpened()) return;
    if (ack) {
      this.#owner.onPingAcknowledged(buf, start);
      return;
    }
    this.#owner.outgoing.ping(true, buf, start);
    this.#owner.onReply();
    this.spend();
  }

  onGoaway(): void {
    this.#owner.onClientLeaves();
  }

  onIdleFrame(): void {
    this.spend();
  }

  onConnectionError(code: ErrorCode, reason: string): void {
    this.#owner.fail(code, reason);
  }

  #refuse(reason: string): void {
    this.onConnectionError(ErrorCode.PROTOCOL_ERROR, reason);
  }

  /** @returns false when something else comes before SETTINGS (RFC 9113 section 3.4): that ends the connection. */
  #hasOpened(): boolean {
    if (!this.#owner.isOpening) return true;
    this.#refuse("the first frame is no SETTINGS");
    return false;
  }
}
