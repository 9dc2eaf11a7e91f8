/** One connection of HTTP/2 to a server: connecting, or the way of many requests at once. */
import { type Failure, Failures } from "../../failure.ts";
import type { HeadLimits } from "../../http1/head.ts";
import { AbuseBudget } from "../../http2/budget.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import { PREFACE } from "../../http2/frames/layout.ts";
import { Outgoing } from "../../http2/sending/outgoing.ts";
import { SettingId } from "../../http2/settings.ts";
import { StreamTable } from "../../http2/stream-table.ts";
import { ReceiveWindow } from "../../http2/windows.ts";
import { writeRequestHead } from "../../rewrite/request.ts";
import type { Deferred } from "../../sockets/end-of-turn.ts";
import { isAlert } from "../../sockets/tls-alert.ts";
import type { UpstreamContext } from "../context.ts";
import { type Dialled, DialledChannel } from "../dialled-channel.ts";
import type { UpstreamRequest } from "../leg.ts";
import { CONNECTION_WINDOW_BYTES, LAST_STREAM_ID, MAX_STREAMS, STALL_MS, STREAM_WINDOW_BYTES } from "./bounds.ts";
import { HeadDecoder, HeadEncoder, type Http2Coding } from "./coding.ts";
import { Incoming, type IncomingOwner, resetFailure } from "./incoming.ts";
import { KEEP_ALIVE_MS, KeepAlive, PING_BYTES, PING_TIMEOUT_MS } from "./keep-alive.ts";
import { type Http2Stream, type StreamConnection, spareStreams } from "./stream.ts";

/** The upstream, as its connections see it. */
export interface SessionOwner {
  readonly hostBytes: Buffer;
  readonly secure: boolean;
  readonly coding: Http2Coding;
  /** It is open, and has no place for these that waited for it. */
  onFull(session: Http2Session, waiting: readonly Http2Stream[], nowMs: number): void;
  /** Nobody uses it at present. */
  onIdle(session: Http2Session): void;
  /** It takes no more requests. */
  onRetired(session: Http2Session): void;
}

const PREFACE_BYTES = Buffer.from(PREFACE);

const Phase = {
  CONNECTING: 0,
  /** The server has yet to say what it allows: to know that is worth the wait, once for a connection. */
  SETTLING: 1,
  OPEN: 2,
  /** It takes no more requests, and ends with those that it has. */
  RETIRED: 3,
  CLOSED: 4,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

export class Http2Session extends DialledChannel implements StreamConnection, IncomingOwner, Deferred {
  readonly #ctx: UpstreamContext;
  readonly #owner: SessionOwner;
  #phase: Phase = Phase.CONNECTING;
  /** Requests that wait until it is open. */
  #waiting: Http2Stream[] = [];
  readonly streams = new StreamTable<Http2Stream>();
  /** Those whose messages are complete, since the turn of the loop began. */
  readonly #complete: Http2Stream[] = [];
  /** Places that were given and not used yet. */
  #promised = 0;
  lastStreamId = 0;
  /** Packets that came: a stream knows by it whether anything has since it was opened. */
  #packets = 0;
  /** Responses began. */
  #hasServed = false;
  readonly #outgoing = new Outgoing<Http2Stream>(this);
  readonly #incoming: Incoming;
  readonly #encoder: HeadEncoder;
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  readonly #budget: AbuseBudget;
  /** For what we do ourselves. */
  readonly #resets: AbuseBudget;
  readonly #keepAlive: KeepAlive;
  /** Monotonic milliseconds since when nobody uses it; `Infinity` = somebody does. */
  idleSinceMs: number = Number.POSITIVE_INFINITY;
  /** Monotonic milliseconds since when content waits for the connection's window, without any of it given; `Infinity` = none does. */
  #heldUpSinceMs: number = Number.POSITIVE_INFINITY;
  #isAwaitingTurn = false;

  constructor(ctx: UpstreamContext, owner: SessionOwner, dialled: Dialled, nowMs: number) {
    super(dialled, ctx.wheel, nowMs);
    this.#ctx = ctx;
    this.#owner = owner;
    this.#budget = new AbuseBudget(nowMs);
    this.#resets = new AbuseBudget(nowMs);
    this.#keepAlive = new KeepAlive(nowMs);
    this.#encoder = new HeadEncoder(owner.coding, owner.secure);
    this.#incoming = new Incoming(this, new HeadDecoder(owner.coding));
  }

  get takesTunnels(): boolean {
    return this.#outgoing.peer.enableConnectProtocol;
  }

  get limits(): HeadLimits {
    return this.#ctx.limits;
  }

  // ── for its upstream ─────────────────────────────────────────────────────────────────────────────────────────────

  /** It is being made. */
  get isPending(): boolean {
    return this.#phase < Phase.OPEN;
  }

  /** Most streams at once, as far as the server has said. */
  get allowed(): number {
    return Math.min(this.#outgoing.peer.maxConcurrentStreams, MAX_STREAMS);
  }

  /** Requests that it could take now, or could be made to wait for it. */
  get room(): number {
    if (this.#phase > Phase.OPEN || this.#keepAlive.isSuspect) return 0;
    return this.allowed - this.streams.size - this.#promised - this.#waiting.length;
  }

  /** Nobody uses it, and its upstream knows. */
  get isIdle(): boolean {
    return this.idleSinceMs !== Number.POSITIVE_INFINITY;
  }

  /** Requests with content wait here for longer than others have to. */
  isStalled(nowMs: number): boolean {
    return nowMs - this.#heldUpSinceMs >= STALL_MS;
  }

  get #isUnused(): boolean {
    return this.streams.size === 0 && this.#promised === 0;
  }

  /** Gives the stream a place: it is ready now, or will be when this is open. There has to be room. */
  take(stream: Http2Stream): void {
    if (this.isPending) {
      this.#waiting.push(stream);
      return;
    }
    this.idleSinceMs = Number.POSITIVE_INFINITY;
    if (this.socket !== null) this.socket.idle = false;
    this.#promised++;
    stream.place(this);
  }

  retire(): void {
    if (this.#phase !== Phase.OPEN) return;
    this.#phase = Phase.RETIRED;
    this.#owner.onRetired(this);
    this.#later();
  }

  // ── dialling ─────────────────────────────────────────────────────────────────────────────────────────────────────

  protected onConnected(nowMs: number): void {
    this.#phase = Phase.SETTLING;
    this.wheel.set(this, nowMs + this.#ctx.settings.connectTimeoutMs);
    const settings = [
      [SettingId.ENABLE_PUSH, 0],
      [SettingId.INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
      [SettingId.MAX_HEADER_LIST_SIZE, this.limits.maxHeadBytes],
    ] as const;
    this.#outgoing.begin(PREFACE_BYTES, settings, CONNECTION_WINDOW_BYTES);
    this.#outgoing.flush();
  }

  protected onConnectFailed(failure: Failure, nowMs: number): void {
    this.#fail(failure, nowMs);
  }

  /** It was never open: those who wait have lost nothing. */
  #fail(failure: Failure, nowMs: number): void {
    this.#phase = Phase.CLOSED;
    this.#incoming.stop();
    this.#outgoing.drop();
    this.#owner.onRetired(this);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const stream of waiting) stream.failed(failure, nowMs);
  }

  #open(nowMs: number): void {
    this.#phase = Phase.OPEN;
    this.wheel.clear(this);
    const waiting = this.#waiting.filter(({ user }) => user !== null);
    this.#waiting = [];
    while (waiting.length > 0 && this.room > 0) {
      const stream = waiting.shift() as Http2Stream;
      this.take(stream);
      stream.user?.onUpstreamReady(stream, nowMs);
    }
    this.#later();
    if (waiting.length > 0) this.#owner.onFull(this, waiting, nowMs);
  }

  // ── StreamConnection ─────────────────────────────────────────────────────────────────────────────────────────────

  open(stream: Http2Stream, request: UpstreamRequest, last: boolean): boolean {
    this.#promised--;
    if (this.#phase !== Phase.OPEN) return false;
    const { scratch, settings } = this.#ctx;
    request.fallbackHost = this.#owner.hostBytes;
    const length = writeRequestHead(scratch, request.headBuffer, request.parsedHead(), request, settings.upstreamVia);
    const block = this.#encoder.encode(scratch, length, stream.switchLines !== null);
    this.lastStreamId += this.lastStreamId === 0 ? 1 : 2;
    stream.id = this.lastStreamId;
    stream.openedAt = this.#packets;
    stream.sendWindow.available = this.#outgoing.peer.initialWindowSize;
    this.streams.add(stream);
    this.#outgoing.head(stream.id, block, 0, this.#encoder.length, last);
    this.#later();
    if (stream.id >= LAST_STREAM_ID) this.retire();
    return true;
  }

  writeContent(stream: Http2Stream, data: Buffer, start: number, end: number, last: boolean): number {
    const stop = this.#outgoing.content(stream, data, start, end, last);
    this.#later();
    return stop;
  }

  writeEnd(stream: Http2Stream, trailers: Buffer | null): void {
    if (trailers === null) this.#outgoing.end(stream.id);
    else this.#outgoing.head(stream.id, this.#encoder.encodeTrailers(trailers), 0, this.#encoder.length, true);
    this.#later();
  }

  giveBack(stream: Http2Stream, bytes: number): void {
    const increment = stream.returned(bytes);
    if (increment === 0) return;
    this.#outgoing.windowUpdate(stream.id, increment);
    this.#later();
  }

  leave(stream: Http2Stream, code: ErrorCode | null): void {
    if (stream.id === 0) this.#promised--;
    else if (this.streams.delete(stream.id)) {
      this.#outgoing.forget(stream);
      if (code === null) this.#complete.push(stream);
      else this.#reset(stream.id, code);
      if (code === ErrorCode.CANCEL && stream.openedAt === this.#packets) this.#keepAlive.isSuspect = true;
    }
    this.#later();
  }

  // ── IncomingOwner ────────────────────────────────────────────────────────────────────────────────────────────────

  onSettings(buf: Buffer, start: number, end: number, nowMs: number): void {
    if (!this.#budget.spend(nowMs)) {
      this.onError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames of SETTINGS", nowMs);
      return;
    }
    const error = this.#outgoing.settings(buf, start, end, this.streams);
    if (error !== ErrorCode.NO_ERROR) {
      this.onError(error, "SETTINGS have a value that they can't have", nowMs);
      return;
    }
    const { peer } = this.#outgoing;
    this.#encoder.limit(peer.leastHeaderTableSize);
    this.#encoder.limit(peer.headerTableSize);
    if (this.#phase === Phase.SETTLING) this.#open(nowMs);
    this.#outgoing.resume(nowMs);
  }

  onPing(ack: boolean, buf: Buffer, start: number, nowMs: number): void {
    if (ack) return;
    if (this.#budget.spend(nowMs)) this.#outgoing.ping(true, buf, start);
    else this.onError(ErrorCode.ENHANCE_YOUR_CALM, "too many frames of PING", nowMs);
  }

  onGoaway(lastStreamId: number, _code: ErrorCode, nowMs: number): void {
    if (this.#phase === Phase.SETTLING) {
      this.#fail(Failures.STREAM_REFUSED, nowMs);
      this.letGo(true);
      return;
    }
    this.retire();
    for (const stream of this.streams.all()) {
      if (stream.id <= lastStreamId) continue;
      this.#forget(stream);
      stream.brokeOff(Failures.STALE_CONNECTION, true, nowMs);
    }
  }

  onWindowUpdate(streamId: number, increment: number, nowMs: number): void {
    if (streamId === 0) {
      this.#heldUpSinceMs = Number.POSITIVE_INFINITY;
      if (this.#outgoing.grow(increment)) this.#outgoing.resume(nowMs);
      else this.onError(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is too large", nowMs);
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === null) return;
    if (stream.sendWindow.add(increment)) this.#outgoing.resume(nowMs);
    else this.onStreamError(stream, ErrorCode.FLOW_CONTROL_ERROR, nowMs);
  }

  receive(flowBytes: number): boolean {
    if (!this.#window.receive(flowBytes)) return false;
    const increment = this.#window.giveBack(flowBytes);
    if (increment > 0) this.#outgoing.windowUpdate(0, increment);
    this.#budget.earn(1);
    return true;
  }

  onResponse(): void {
    this.#hasServed = true;
    this.#budget.earn(1);
  }

  onReset(stream: Http2Stream, code: ErrorCode, nowMs: number): void {
    this.#forget(stream);
    const { failure, nothingSent } = resetFailure(code);
    stream.brokeOff(failure, nothingSent, nowMs);
  }

  onStreamError(stream: Http2Stream, code: ErrorCode, nowMs: number): void {
    this.#forget(stream);
    this.#reset(stream.id, code);
    stream.brokeOff(Failures.BAD_RESPONSE, false, nowMs);
  }

  onUseless(nowMs: number): void {
    if (!this.#budget.spend(nowMs)) this.onError(ErrorCode.ENHANCE_YOUR_CALM, "too many useless frames", nowMs);
  }

  onError(code: ErrorCode, reason: string, nowMs: number): void {
    if (this.#phase === Phase.CLOSED) return;
    if (this.#phase === Phase.SETTLING) {
      this.#fail(Failures.NOT_HTTP2, nowMs);
      this.letGo(false);
      return;
    }
    this.#outgoing.goaway(0, code, reason);
    this.#outgoing.flush();
    this.#broke(Failures.BAD_RESPONSE, nowMs);
    this.letGo(true);
  }

  // ── what happens on the socket ───────────────────────────────────────────────────────────────────────────────────

  onData(data: Buffer, nowMs: number): void {
    this.#packets++;
    this.#keepAlive.heard(nowMs);
    this.#incoming.read(data, nowMs);
    this.#later();
  }

  onDrain(nowMs: number): void {
    if (!this.flush()) return; // its socket reports its end
    this.#outgoing.resume(nowMs);
    this.#later();
  }

  onEnd(nowMs: number): void {
    this.onClose(nowMs);
  }

  /** What a server had answered before it broke off is the client's. */
  get wantsRest(): boolean {
    return true;
  }

  onClose(nowMs: number, error?: Error): void {
    this.endAbandoned();
    if (this.#phase === Phase.CLOSED) return;
    const failure = isAlert(error) ? Failures.TLS_REFUSED : Failures.CLOSED_BEFORE_RESPONSE;
    if (this.isPending) {
      if (this.#phase === Phase.CONNECTING) this.giveUpConnecting();
      this.#fail(failure, nowMs);
    } else this.#broke(failure, nowMs);
    this.letGo(error === undefined);
  }

  onInternalError(nowMs: number): void {
    this.onClose(nowMs);
  }

  override onDeadline(nowMs: number): void {
    if (this.isPending) {
      if (this.#phase === Phase.CONNECTING) this.giveUpConnecting();
      this.#fail(Failures.CONNECT_TIMEOUT, nowMs);
      this.letGo(false);
    } else if (this.#isUnused) this.#close();
    else if (this.#keepAlive.isAsking) {
      this.#broke(Failures.CLOSED_BEFORE_RESPONSE, nowMs);
      this.letGo(false);
    } else if (nowMs - this.#keepAlive.heardMs < KEEP_ALIVE_MS) {
      this.wheel.set(this, this.#keepAlive.heardMs + KEEP_ALIVE_MS);
    } else {
      this.#ask(nowMs);
      this.#outgoing.flush();
    }
  }

  // ── Deferred ─────────────────────────────────────────────────────────────────────────────────────────────────────

  onEndOfTurn(nowMs: number): void {
    this.#isAwaitingTurn = false;
    if (this.#phase === Phase.CLOSED || this.isPending) return;
    const { isSuspect, isAsking } = this.#keepAlive;
    if (isSuspect && !isAsking) this.#ask(nowMs);
    this.#outgoing.flush();
    this.#putAway();
    if (!this.#outgoing.isHeldUp) this.#heldUpSinceMs = Number.POSITIVE_INFINITY;
    else if (this.#heldUpSinceMs === Number.POSITIVE_INFINITY) this.#heldUpSinceMs = nowMs;
    if (!this.#isUnused) {
      if (this.deadlineMs === Number.POSITIVE_INFINITY) this.wheel.set(this, nowMs + KEEP_ALIVE_MS);
    } else if (this.#phase === Phase.RETIRED) this.#close();
    else if (this.idleSinceMs === Number.POSITIVE_INFINITY && !isSuspect) this.#rest(nowMs);
  }

  /** Nobody is in the middle of anything: streams that are over serve other requests from now on. */
  #putAway(): void {
    for (let stream = this.#complete.pop(); stream !== undefined; stream = this.#complete.pop()) {
      if (!stream.isSpare) continue;
      stream.rest();
      spareStreams.putAway(stream);
    }
  }

  #later(): void {
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    this.#ctx.endOfTurn.add(this);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody uses it at present. */
  #rest(nowMs: number): void {
    this.idleSinceMs = nowMs;
    if (this.socket !== null) this.socket.idle = true;
    this.wheel.set(this, nowMs + this.#ctx.settings.upstreamIdleTimeoutMs);
    this.#owner.onIdle(this);
  }

  #ask(nowMs: number): void {
    this.#keepAlive.isAsking = true;
    this.#outgoing.ping(false, PING_BYTES, 0);
    this.wheel.set(this, nowMs + PING_TIMEOUT_MS);
  }

  /**
   * Resets a stream. A server may take many of them for an attack, and end the connection with all that is on it: clients that give
   * up often would harm others. So what we would not stand ourselves is not done: the next requests get another connection.
   */
  #reset(streamId: number, code: ErrorCode): void {
    this.#outgoing.reset(streamId, code);
    if (!this.#resets.spend(this.#keepAlive.heardMs)) this.retire();
  }

  #forget(stream: Http2Stream): void {
    this.streams.delete(stream.id);
    this.#outgoing.forget(stream);
    this.#later();
  }

  /** Ends it in order: nobody uses it. */
  #close(): void {
    if (this.#phase === Phase.CLOSED) return;
    this.#outgoing.goaway(0, ErrorCode.NO_ERROR, "");
    this.#outgoing.flush();
    this.#end();
    this.letGo(true);
  }

  #end(): void {
    const wasOpen = this.#phase === Phase.OPEN;
    this.#phase = Phase.CLOSED;
    this.#incoming.stop();
    this.#outgoing.drop();
    if (wasOpen) this.#owner.onRetired(this);
  }

  /** The connection is gone, and with it what was under way. */
  #broke(failure: Failure, nowMs: number): void {
    this.#end();
    for (const stream of this.streams.all()) {
      this.streams.delete(stream.id);
      // It was closed as the request was sent: nothing to hold against the server.
      const stale = this.#hasServed && stream.openedAt === this.#packets && failure === Failures.CLOSED_BEFORE_RESPONSE;
      stream.brokeOff(stale ? Failures.STALE_CONNECTION : failure, false, nowMs);
    }
  }
}
