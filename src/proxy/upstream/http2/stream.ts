/**
 * One stream of a connection to a server: the leg of one request. It waits until a connection has a place for it, is opened by
 * the head that it sends, and ends with both messages, or by a reset that concerns nobody else.
 */

import { Method } from "../../../shared/memory/series-table.ts";
import { type Failure, Failures } from "../../failure.ts";
import { BodyKind } from "../../http1/head.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import { SpareStreams } from "../../http2/spare-streams.ts";
import { ReceiveWindow, SendWindow } from "../../http2/windows.ts";
import type { Deferred } from "../../sockets/end-of-turn.ts";
import { borrowedPart, keep } from "../../sockets/receive-memory.ts";
import { Timed } from "../../sockets/timer-wheel.ts";
import type { UpstreamContext } from "../context.ts";
import type { UpstreamLeg, UpstreamRequest, UpstreamUser } from "../leg.ts";
import { STREAM_WINDOW_BYTES } from "./bounds.ts";
import { switchLinesFor } from "./extended-connect.ts";
import { readHead } from "./response-head.ts";
import { type ContentSink, Upload } from "./upload.ts";

/** The connection, as its streams see it. */
export interface StreamConnection {
  readonly tlsMs: number;
  /** It carries tunnels (RFC 8441). */
  readonly takesTunnels: boolean;
  /** Gives the stream its number and sends the head. @param last nothing follows. @returns false when it is gone. */
  open(stream: Http2Stream, request: UpstreamRequest, last: boolean): boolean;
  /** See `ContentSink`. */
  writeContent(stream: Http2Stream, data: Buffer, start: number, end: number, last: boolean): number;
  writeEnd(stream: Http2Stream, trailers: Buffer | null): void;
  /** `bytes` of what came on the stream are out of our memory. */
  giveBack(stream: Http2Stream, bytes: number): void;
  /** The stream is over: both messages are complete, or it is reset. @param code of that; null = they are. */
  leave(stream: Http2Stream, code: ErrorCode | null): void;
  /** It takes no more requests. */
  retire(): void;
}

/** What becomes of a leg. */
const Phase = {
  /** For a connection. */
  WAITING: 0,
  /** It has a place. */
  READY: 1,
  OPEN: 2,
  /** Both messages are complete, and the server has yet to say so. */
  LINGERING: 3,
  CLOSED: 4,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** How the server's side ended, when that could not be told at once. */
const Ending = { NONE: 0, ORDERLY: 1, BROKEN: 2 } as const;
type Ending = (typeof Ending)[keyof typeof Ending];

/** How long the server may take to say that a response is complete which is, milliseconds. */
const LINGER_MS = 1000;

/** It is the leg of one request after the other, of any server. */
export class Http2Stream extends Timed implements UpstreamLeg, ContentSink, Deferred {
  /** Null = it waits for its next request. */
  #context: UpstreamContext | null = null;
  user: UpstreamUser | null = null;
  #phase: Phase = Phase.CLOSED;
  #connection: StreamConnection | null = null;
  /** Its number; 0 = none was given. */
  id = 0;
  nextListed: Http2Stream | null = null;
  /** Packets that had come on its connection when it was opened. */
  openedAt = 0;
  /** What the server lets us send. */
  readonly sendWindow = new SendWindow(0);
  readonly #receiveWindow = new ReceiveWindow(STREAM_WINDOW_BYTES);
  /** The body; null = the head has said that there is none. */
  #upload: Upload | null = null;
  reusable = true;
  gone = false;
  trailers: Buffer | null = null;
  /** Of the request. */
  #method = 0;
  /** What a client is told with 101 when it gets the tunnel that it asked for; null = it asked for none. */
  switchLines: Buffer | null = null;
  /** The final head has come: what follows is the user's. */
  #headRead = false;
  /** Content that the head has announced and that has not come; -1 = it announced nothing. */
  #expected = -1;
  /** The server has ended its direction. */
  #serverEnded = false;
  #paused = false;
  /** Content that came while it was paused; null = none. */
  #held: Buffer[] | null = null;
  #ending: Ending = Ending.NONE;
  #isAwaitingTurn = false;

  /** It becomes the leg of a request of `user`. */
  begin(ctx: UpstreamContext, user: UpstreamUser): void {
    this.#context = ctx;
    this.user = user;
    this.#phase = Phase.WAITING;
    this.gone = false;
  }

  /** Throws an `Error` when it waits for its next request: nobody has it then. */
  get #ctx(): UpstreamContext {
    if (this.#context === null) throw new Error("a leg without a request was asked for something");
    return this.#context;
  }

  /** Both messages were complete, and nobody can refer to it any more when the turn of the loop is over. */
  get isSpare(): boolean {
    return this.#phase === Phase.CLOSED && this.user === null && !this.#isAwaitingTurn && this.switchLines === null;
  }

  /** It waits for its next request, and has nothing of the last one any more. */
  rest(): void {
    this.#context = null;
    this.#connection = null;
    this.id = 0;
    this.#receiveWindow.renew();
    this.#upload = null;
    this.reusable = true;
    this.trailers = null;
    this.#headRead = false;
    this.#expected = -1;
    this.#serverEnded = false;
    this.#paused = false;
    this.#held = null;
    this.#ending = Ending.NONE;
  }

  get ready(): boolean {
    return this.#phase === Phase.READY || this.#phase === Phase.OPEN;
  }

  get tlsMs(): number {
    return this.#connection?.tlsMs ?? Number.NaN;
  }

  get queuedBytes(): number {
    return this.#upload?.queuedBytes ?? 0;
  }

  get mayHaveTrailers(): boolean {
    return !this.#serverEnded;
  }

  // ── for its connection ───────────────────────────────────────────────────────────────────────────────────────────

  /** It has a place on `connection`. */
  place(connection: StreamConnection): void {
    this.#connection = connection;
    this.#phase = Phase.READY;
  }

  /** There will be no connection. */
  failed(failure: Failure, nowMs: number): void {
    if (this.#phase !== Phase.WAITING) return;
    this.#close();
    this.user?.onUpstreamFailed(this, failure, true, nowMs);
  }

  /** The server takes more, or the socket does. */
  resumeSending(nowMs: number): void {
    if (this.#phase === Phase.OPEN && this.#upload?.resume() === true) this.user?.onUpstreamDrain(this, nowMs);
  }

  /**
   * A head came, in the form of HTTP/1.1: `head[0 … length)`. Behind it came `data[start … end)`.
   * @param last nothing follows.
   * @returns an `ErrorCode` to reset the stream by; `NO_ERROR` = it is all right.
   */
  onHead(
    head: Buffer,
    length: number,
    data: Buffer,
    start: number,
    end: number,
    last: boolean,
    nowMs: number,
  ): ErrorCode {
    if (this.#phase !== Phase.OPEN) return ErrorCode.NO_ERROR;
    const { responseHead, limits } = this.#ctx;
    const { bytes, length: headEnd } = readHead(head, length, responseHead, limits, this.#method, last);
    if (headEnd < 0) return ErrorCode.PROTOCOL_ERROR;
    const { status, bodyKind, contentLength } = responseHead;
    if (status < 200 && status !== 101) {
      if (last) return ErrorCode.PROTOCOL_ERROR;
      this.user?.onUpstreamHead(this, bytes, bytes, headEnd, nowMs);
      return ErrorCode.NO_ERROR;
    }
    const endless = status === 101 || bodyKind === BodyKind.UNTIL_CLOSE;
    this.#expected = endless ? -1 : bodyKind === BodyKind.LENGTH ? contentLength : 0;
    if (!this.#counts(end - start) || (last && this.#expected > 0)) return ErrorCode.PROTOCOL_ERROR;
    this.#headRead = true;
    this.#serverEnded = last;
    // At the end of the packet, where few requests are under way, it is that itself.
    if (end === data.length) this.user?.onUpstreamHead(this, bytes, data, start, nowMs);
    else this.user?.onUpstreamHead(this, bytes, borrowedPart(data, start, end), 0, nowMs);
    this.#done(end - start);
    if (last) this.#end(nowMs);
    return ErrorCode.NO_ERROR;
  }

  /** Its final head has come. */
  get hasHead(): boolean {
    return this.#headRead;
  }

  /** Its response may have a body, by the method of the request. */
  get takesBody(): boolean {
    return this.#method !== Method.HEAD;
  }

  /** So many bytes of its window are used. @returns false when the server had no right to. */
  receive(flowBytes: number): boolean {
    return this.#receiveWindow.receive(flowBytes);
  }

  /** What is to be told by WINDOW_UPDATE when `bytes` of it are done with; 0 = nothing. */
  returned(bytes: number): number {
    return this.#serverEnded ? 0 : this.#receiveWindow.giveBack(bytes);
  }

  /**
   * Content came, behind the final head.
   * @param last nothing follows.
   * @returns as `onHead`.
   */
  onContent(data: Buffer, start: number, end: number, last: boolean, nowMs: number): ErrorCode {
    if (!this.#headRead) return ErrorCode.PROTOCOL_ERROR;
    if (!this.#counts(end - start)) return ErrorCode.PROTOCOL_ERROR;
    if (last && this.#expected > 0) return ErrorCode.PROTOCOL_ERROR;
    this.#serverEnded = last;
    if (end > start) this.#pass(data.subarray(start, end), nowMs);
    if (last) this.#end(nowMs);
    return ErrorCode.NO_ERROR;
  }

  /** Field lines came behind the body, which is complete; null = none that may be passed on. @returns as `onHead`. */
  onTrailers(lines: Buffer | null, nowMs: number): ErrorCode {
    if (this.#expected > 0) return ErrorCode.PROTOCOL_ERROR;
    this.#serverEnded = true;
    this.trailers = lines;
    this.#end(nowMs);
    return ErrorCode.NO_ERROR;
  }

  /**
   * The server, or its connection, has broken it off.
   * @param failure what that is, where no final head has come.
   * @param nothingSent the server has not looked at it.
   */
  brokeOff(failure: Failure, nothingSent: boolean, nowMs: number): void {
    if (this.#phase === Phase.CLOSED) return;
    const { user } = this;
    this.#close();
    if (!this.#headRead) user?.onUpstreamFailed(this, failure, nothingSent, nowMs);
    else if (!this.#serverEnded) this.#tellEnd(Ending.BROKEN, nowMs);
  }

  // ── UpstreamLeg ──────────────────────────────────────────────────────────────────────────────────────────────────

  sendRequest(request: UpstreamRequest): Failure | null {
    const { kind } = request.body;
    const { firstBody, firstBodyStart, firstBodyEnd } = request;
    const connection = this.#connection;
    const head = request.parsedHead();
    const { contentLength } = head;
    this.#method = request.method;
    if (request.upgrade && connection?.takesTunnels) this.switchLines = switchLinesFor(request.headBuffer, head);
    const bodiless = kind === BodyKind.NONE && this.switchLines === null;
    this.#phase = Phase.OPEN;
    if (connection?.open(this, request, bodiless) !== true) {
      this.#close();
      return Failures.STALE_CONNECTION;
    }
    if (bodiless) return null;
    const upload = new Upload(this, kind);
    this.#upload = upload;
    if (kind === BodyKind.NONE) return null;
    // What came with the head may be sent again elsewhere: its chunks are not taken off in place.
    if (firstBodyEnd > firstBodyStart) upload.take(firstBody, firstBodyStart, firstBodyEnd, kind !== BodyKind.CHUNKED);
    if (kind === BodyKind.LENGTH ? firstBodyEnd - firstBodyStart === contentLength : upload.isWhole) upload.end(null);
    return null;
  }

  send(data: Uint8Array, start: number, end: number, owned: boolean): boolean {
    if (this.gone || this.#phase !== Phase.OPEN) return false;
    this.#upload?.take(data, start, end, owned);
    return !this.gone;
  }

  sendAway(packet: Uint8Array, start: number, end: number): boolean {
    return this.send(packet, start, end, true);
  }

  endBody(trailers: Buffer | null): void {
    if (this.#phase === Phase.OPEN) this.#upload?.end(trailers);
  }

  endSending(): void {
    this.endBody(null);
  }

  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#held === null && this.#ending === Ending.NONE) return;
    // Not at once: whoever lets it go on is in the middle of something.
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    this.#ctx.endOfTurn.add(this);
  }

  /** What the server has confirmed of a stream, nobody knows. */
  unacknowledged(): number {
    return -1;
  }

  release(nowMs: number): void {
    this.user = null;
    this.#ctx.wheel.remove(this);
    if (!this.reusable) this.#connection?.retire();
    if (this.#phase !== Phase.OPEN) this.reset();
    else if (!this.#isSent) this.reset();
    else if (this.#serverEnded) this.#leave(null);
    else {
      this.#phase = Phase.LINGERING;
      this.#ctx.wheel.set(this, nowMs + LINGER_MS);
    }
  }

  reset(): void {
    this.user = null;
    if (this.#phase !== Phase.CLOSED) this.#leave(ErrorCode.CANCEL);
    this.#held = null;
  }

  override onDeadline(nowMs: number): void {
    if (this.#phase === Phase.LINGERING) this.reset();
    else this.user?.onUpstreamDeadline(this, nowMs);
  }

  // ── ContentSink ──────────────────────────────────────────────────────────────────────────────────────────────────

  writeContent(data: Buffer, start: number, end: number, last: boolean): number {
    return this.#connection?.writeContent(this, data, start, end, last) ?? start;
  }

  writeEnd(trailers: Buffer | null): void {
    this.#connection?.writeEnd(this, trailers);
  }

  // ── Deferred ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** It may go on: what was held is told. */
  onEndOfTurn(nowMs: number): void {
    this.#isAwaitingTurn = false;
    const held = this.#held;
    while (!this.#paused && held !== null && held.length > 0) {
      const data = held.shift() as Buffer;
      const { length } = data;
      if (held.length === 0) this.#held = null;
      this.user?.onUpstreamData(this, data, nowMs);
      this.#done(length);
    }
    if (this.#held === null && !this.#paused && this.#ending !== Ending.NONE) {
      this.user?.onUpstreamEnd(this, this.#ending === Ending.BROKEN, nowMs);
    }
  }

  onInternalError(nowMs: number): void {
    const { user } = this;
    if (this.#phase !== Phase.CLOSED) this.#leave(ErrorCode.INTERNAL_ERROR);
    user?.onUpstreamEnd(this, true, nowMs);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The request is complete, of a stream that is open. */
  get #isSent(): boolean {
    return this.#upload?.ended ?? true;
  }

  /** So much content has come. @returns false when that is more than the head has announced. */
  #counts(bytes: number): boolean {
    if (this.#expected < 0) return true;
    this.#expected -= bytes;
    return this.#expected >= 0;
  }

  #pass(content: Buffer, nowMs: number): void {
    if (this.#held !== null || this.#paused) {
      this.#held ??= [];
      this.#held.push(keep(content));
      return;
    }
    const { length } = content;
    this.user?.onUpstreamData(this, content, nowMs);
    this.#done(length);
  }

  /** So much of what came is out of our memory. */
  #done(bytes: number): void {
    if (bytes > 0 && this.#phase === Phase.OPEN) this.#connection?.giveBack(this, bytes);
  }

  /** The server's side is complete. */
  #end(nowMs: number): void {
    if (this.#phase === Phase.LINGERING) this.#leave(null);
    else if (this.user !== null) this.#tellEnd(Ending.ORDERLY, nowMs); // else that was known already
  }

  #tellEnd(ending: Ending, nowMs: number): void {
    if (this.#held !== null || this.#paused) this.#ending = ending;
    else this.user?.onUpstreamEnd(this, ending === Ending.BROKEN, nowMs);
  }

  #leave(code: ErrorCode | null): void {
    const connection = this.#connection;
    this.#close();
    connection?.leave(this, code);
  }

  #close(): void {
    this.#phase = Phase.CLOSED;
    this.gone = true;
    this.#upload?.drop();
    this.#ctx.wheel.remove(this);
  }
}

/** Of all servers of a worker. */
export const spareStreams = new SpareStreams(() => new Http2Stream());
