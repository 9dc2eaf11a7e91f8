/**
 * A client's connection of HTTP/2 (RFC 9113): it finds the streams in the frames, has them served at once, and ends in an
 * orderly way. What happens to one request is its stream's business, and its exchange's.
 */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import { MAX_31_BITS } from "../../http2/frames/layout.ts";
import { Outgoing } from "../../http2/sending/outgoing.ts";
import { SettingId } from "../../http2/settings.ts";
import type { Peer } from "../../rewrite/request.ts";
import { Channel } from "../../sockets/channel.ts";
import type { Deferred } from "../../sockets/end-of-turn.ts";
import type { RawSocket } from "../../sockets/raw-socket.ts";
import { tlsVersionOf } from "../../sockets/tls-version.ts";
import type { ClientConnection } from "../client-connection.ts";
import type { DownstreamContext } from "../context.ts";
import type { Entrance } from "../entrance.ts";
import { Lingering } from "../lingering.ts";
import { CONNECTION_WINDOW_BYTES, LEAVING_MS, MAX_WAITING_REPLIES, STREAM_WINDOW_BYTES } from "./bounds.ts";
import { HeadCoding } from "./head-coding.ts";
import { Incoming, type IncomingOwner } from "./incoming.ts";
import type { Http2Stream } from "./stream.ts";

/** What a connection is doing, in the order of its life. */
const Phase = {
  /** The client has yet to say that it speaks HTTP/2, and what it wants of us. */
  OPENING: 0,
  OPEN: 1,
  /** It was told that we leave; what it had sent by then is still served. */
  LEAVING: 2,
  /** It was told which stream is the last: it ends with those that there are. */
  LEFT: 3,
  /** We have sent FIN and throw away what still comes, so that no reset destroys what is on its way. */
  LINGERING: 4,
  CLOSED: 5,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const NOTHING = Buffer.alloc(0);
/** What is said by PING when we leave: its reply comes behind all that the client had sent. */
const LEAVING_PING = Buffer.from("leaving ");

/** One connection. */
export class Http2Session extends Channel implements ClientConnection, IncomingOwner, Deferred {
  readonly ctx: DownstreamContext;
  readonly entrance: Entrance;
  readonly shed: boolean;
  readonly outgoing = new Outgoing<Http2Stream>(this);
  readonly heads: HeadCoding;
  readonly #incoming: Incoming;
  #phase: Phase = Phase.OPENING;
  /** Monotonic milliseconds: since when, and until when. See `#nextDeadline`. */
  readonly #openedMs: number;
  #nowMs: number;
  #idleSinceMs: number;
  #takenMs: number;
  #leavesMs = 0;
  /** What was under way when it was too old has been given up. */
  #outlasted = false;
  #settingsAcknowledged = false;
  #waitingReplies = 0;
  #inputEnded = false;
  #isAwaitingTurnEnd = false;
  #lingering: Lingering | null = null;
  #peer: Peer | null = null;
  #tlsVersion: Buffer | null = null;

  constructor(ctx: DownstreamContext, socket: RawSocket, entrance: Entrance, shed: boolean, nowMs: number) {
    super(socket, ctx.wheel);
    this.ctx = ctx;
    this.entrance = entrance;
    this.shed = shed;
    this.#openedMs = nowMs;
    this.#nowMs = nowMs;
    this.#idleSinceMs = nowMs;
    this.#takenMs = nowMs;
    this.heads = new HeadCoding(ctx.http2);
    this.#incoming = new Incoming(this, nowMs);
    this.outgoing.begin(
      NOTHING,
      [
        [SettingId.MAX_CONCURRENT_STREAMS, ctx.settings.http2MaxStreams],
        [SettingId.INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
        [SettingId.MAX_HEADER_LIST_SIZE, ctx.limits.maxHeadBytes],
        [SettingId.ENABLE_CONNECT_PROTOCOL, 1],
      ],
      CONNECTION_WINDOW_BYTES,
    );
    ctx.counters[WorkerCounter.HTTP2_CONNECTIONS]++;
    this.awaitTurnEnd();
    if (ctx.draining) this.leave();
    this.#watch();
  }

  get peer(): Peer {
    this.#peer ??= this.ctx.peers.of(this.socket, this.entrance);
    return this.#peer;
  }

  get tlsVersion(): Buffer | null {
    if (this.entrance.secure) this.#tlsVersion ??= tlsVersionOf(this.socket);
    return this.#tlsVersion;
  }

  get isOpening(): boolean {
    return this.#phase === Phase.OPENING;
  }

  get takesRequests(): boolean {
    return this.#phase < Phase.LEFT;
  }

  get isOver(): boolean {
    return this.#phase >= Phase.LINGERING;
  }

  get #isIdle(): boolean {
    return this.#incoming.streams.open.size === 0;
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(data: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.isOver) {
      if (this.#lingering !== null) this.wheel.set(this, this.#lingering.onData(data.length, nowMs));
      return;
    }
    this.#incoming.read(data, nowMs);
    this.#afterReading();
  }

  /** Windows may have opened. */
  #afterReading(): void {
    if (this.isOver) return;
    this.outgoing.resume(this.#nowMs);
    this.#watch();
  }

  onOpened(): void {
    if (this.#phase === Phase.OPENING) this.#phase = Phase.OPEN;
  }

  onSettingsAcknowledged(): void {
    this.#settingsAcknowledged = true;
  }

  onPingAcknowledged(buf: Buffer, start: number): void {
    const isOurs = LEAVING_PING.equals(buf.subarray(start, start + LEAVING_PING.length));
    if (isOurs && this.#phase === Phase.LEAVING) this.#sayLast();
  }

  onClientLeaves(): void {
    if (this.takesRequests) this.#sayLast();
  }

  // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  sendHead(stream: Http2Stream, head: Buffer, start: number, end: number, last: boolean, tunnel: boolean): void {
    this.#sendBlock(stream, this.heads.writeHead(head, start, end, tunnel), last);
  }

  sendTrailers(stream: Http2Stream, lines: Buffer): void {
    this.#sendBlock(stream, this.heads.writeTrailers(lines), true);
  }

  #sendBlock(stream: Http2Stream, block: Buffer, last: boolean): void {
    this.outgoing.head(stream.id, block, 0, this.heads.blockLength, last);
    this.onServed(this.heads.blockLength);
  }

  onServed(bytes: number): void {
    this.#incoming.earn(bytes);
    this.awaitTurnEnd();
  }

  reset(streamId: number, code: ErrorCode): void {
    if (this.isOver) return;
    this.outgoing.reset(streamId, code);
    this.onReply();
  }

  onReply(): void {
    if (this.queuedBytes === 0) this.#waitingReplies = 0;
    else if (++this.#waitingReplies > MAX_WAITING_REPLIES) {
      this.ctx.counters[WorkerCounter.HTTP2_ABUSE]++;
      this.#giveUp();
      return;
    }
    this.awaitTurnEnd();
  }

  awaitPassOn(stream: Http2Stream): void {
    this.#incoming.awaitPassOn(stream);
    this.awaitTurnEnd();
  }

  giveBack(stream: Http2Stream, flowBytes: number): void {
    const increment = stream.returnWindow(flowBytes);
    if (increment > 0) this.outgoing.windowUpdate(stream.id, increment);
    this.#incoming.giveBack(flowBytes);
  }

  onMistake(): void {
    this.#incoming.spend();
  }

  onStreamClosed(stream: Http2Stream, byClient: boolean, flowBytes: number): void {
    this.#incoming.streams.close(stream, byClient);
    if (this.isOver) return;
    if (flowBytes > 0) this.#incoming.giveBack(flowBytes);
    if (!this.#isIdle) return;
    this.#idleSinceMs = this.ctx.now();
    this.awaitTurnEnd();
  }

  awaitTurnEnd(): void {
    if (this.#isAwaitingTurnEnd) return;
    this.#isAwaitingTurnEnd = true;
    this.ctx.endOfTurn.add(this);
  }

  onEndOfTurn(nowMs: number): void {
    this.#isAwaitingTurnEnd = false;
    this.#nowMs = nowMs;
    if (this.isOver) return;
    this.#incoming.serve(nowMs);
    if (this.isOver) return;
    const waited = this.queuedBytes;
    if (!this.outgoing.flush()) {
      this.#giveUp();
      return;
    }
    if (waited === 0) this.#takenMs = nowMs;
    this.#incoming.streams.endTurn();
    if (this.#isIdle && (this.#phase === Phase.LEFT || this.#inputEnded)) this.#end();
    else this.#watch();
  }

  onDrain(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#takenMs = nowMs;
    if (!this.flush()) {
      this.#giveUp();
      return;
    }
    if (this.queuedBytes === 0) {
      if (this.isOver) this.endSending();
      else {
        this.outgoing.resume(nowMs);
        this.awaitTurnEnd();
      }
    }
    this.#watch();
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  askToLeave(nowMs: number): void {
    this.#nowMs = nowMs;
    this.leave();
  }

  /** The worker is finishing. */
  drain(nowMs: number): void {
    this.#nowMs = nowMs;
    this.leave();
    for (const stream of this.#incoming.streams.open.all()) stream.closeTunnel(nowMs);
  }

  /** No more requests: the client is told, and what it had sent before it knew is still served (RFC 9113 section 6.8). */
  leave(): void {
    if (this.#phase >= Phase.LEAVING) return;
    this.#phase = Phase.LEAVING;
    this.#leavesMs = this.#nowMs + LEAVING_MS;
    this.outgoing.goaway(MAX_31_BITS, ErrorCode.NO_ERROR, "");
    this.outgoing.ping(false, LEAVING_PING, 0);
    this.awaitTurnEnd();
    this.#watch();
  }

  /** Which stream was the last. */
  #sayLast(): void {
    this.#phase = Phase.LEFT;
    this.outgoing.goaway(this.#incoming.streams.lastId, ErrorCode.NO_ERROR, "");
    this.awaitTurnEnd();
  }

  fail(code: ErrorCode, reason: string): void {
    if (this.isOver) return;
    const { counters, log } = this.ctx;
    if (code === ErrorCode.ENHANCE_YOUR_CALM) counters[WorkerCounter.HTTP2_ABUSE]++;
    else counters[WorkerCounter.HTTP2_PROTOCOL_ERRORS]++;
    log.debug({ client: this.peer.address, code, reason }, "a client's connection of HTTP/2 ends over what it sent");
    this.outgoing.goaway(this.#incoming.streams.lastId, code, reason);
    this.#end();
  }

  /** Ends the connection so that the client gets all that was said. Streams that there still are are given up. */
  #end(): void {
    this.#phase = Phase.LINGERING;
    this.#incoming.stop();
    if (!this.outgoing.flush() || this.#inputEnded) {
      this.#close(true);
      return;
    }
    this.#lingering = new Lingering(this.ctx.settings.requestBodyTimeoutMs, this.#nowMs);
    this.wheel.set(this, this.#lingering.onData(0, this.#nowMs));
    if (this.queuedBytes === 0) this.endSending();
  }

  /** The client is gone, takes nothing, or floods us: nothing more is said. */
  #giveUp(): void {
    if (this.#phase === Phase.CLOSED) return;
    this.#phase = Phase.LINGERING; // its streams have nobody to tell
    this.#incoming.stop();
    this.#close(false);
  }

  #close(inOrder: boolean): void {
    if (this.#phase === Phase.CLOSED) return;
    this.#phase = Phase.CLOSED;
    this.outgoing.drop();
    this.letGo(inOrder);
    this.ctx.onClientGone(this);
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The client's FIN: most have closed (see `CLIENT_HALF_CLOSE`). */
  onEnd(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#inputEnded = true;
    if (this.isOver) this.#close(true);
    else if (this.#isIdle || !this.ctx.settings.clientHalfClose) this.#end();
  }

  /** The socket is closed, or broken. */
  onClose(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#giveUp();
  }

  /** What came before a reset is nobody's. */
  readonly wantsRest = false;

  /** Reading is never paused, for windows hold clients back: their end is reported by itself. */
  lookForEnd(): void {}

  onInternalError(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#incoming.threw(nowMs)) this.#afterReading();
    else this.#giveUp();
  }

  /** It is too old, and those who had their time to finish have not. */
  #outlast(nowMs: number): void {
    this.#outlasted = true;
    for (const stream of this.#incoming.streams.open.all()) stream.outlast(nowMs);
  }

  /** When it is asked to leave. Who comes when all are asked is so after a moment: else it would only come again at once. */
  get #leavesFromMs(): number {
    return this.ctx.leaving ? Math.min(this.#retiresMs, this.#openedMs + LEAVING_MS) : this.#retiresMs;
  }

  /** When it is too old; infinite = it may be as old as it likes. */
  get #retiresMs(): number {
    const { maxConnectionAgeMs } = this.ctx.settings;
    return maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : this.#openedMs + maxConnectionAgeMs;
  }

  /** When those that are under way then are given up; infinite = never, or they have been. */
  get #outlastedMs(): number {
    const { maxConnectionAgeGraceMs } = this.ctx.settings;
    const never = maxConnectionAgeGraceMs === 0 || this.#outlasted;
    return never ? Number.POSITIVE_INFINITY : this.#retiresMs + maxConnectionAgeGraceMs;
  }

  /** One deadline for all that has one. */
  #watch(): void {
    if (!this.isOver) this.wheel.set(this, this.#nextDeadline());
  }

  #nextDeadline(): number {
    const { settings } = this.ctx;
    const { requestHeadTimeoutMs } = settings;
    let next = this.#incoming.waitingSinceMs + requestHeadTimeoutMs;
    if (!this.#settingsAcknowledged) next = Math.min(next, this.#openedMs + requestHeadTimeoutMs);
    if (this.queuedBytes > 0) next = Math.min(next, this.#takenMs + settings.responseBodyTimeoutMs);
    if (this.#isIdle) next = Math.min(next, this.#idleSinceMs + settings.idleTimeoutMs);
    if (this.#phase === Phase.LEAVING) next = Math.min(next, this.#leavesMs);
    else if (this.#phase < Phase.LEAVING) next = Math.min(next, this.#leavesFromMs);
    return Math.min(next, this.#outlastedMs);
  }

  override onDeadline(nowMs: number): void {
    this.#nowMs = nowMs;
    const { settings } = this.ctx;
    const { requestHeadTimeoutMs } = settings;
    if (this.#phase === Phase.LINGERING) this.#close(this.queuedBytes === 0);
    else if (this.queuedBytes > 0 && nowMs >= this.#takenMs + settings.responseBodyTimeoutMs) this.#giveUp();
    else if (nowMs >= this.#incoming.waitingSinceMs + requestHeadTimeoutMs) {
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, "a frame, or a header block, did not come whole in time");
    } else if (!this.#settingsAcknowledged && nowMs >= this.#openedMs + requestHeadTimeoutMs) {
      this.fail(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS were not acknowledged in time");
    } else if (this.#isIdle && nowMs >= this.#idleSinceMs + settings.idleTimeoutMs) {
      this.outgoing.goaway(this.#incoming.streams.lastId, ErrorCode.NO_ERROR, "idle");
      this.#end();
    } else {
      if (this.#phase === Phase.LEAVING && nowMs >= this.#leavesMs) this.#sayLast();
      else if (nowMs >= this.#leavesFromMs) this.leave();
      if (nowMs >= this.#outlastedMs) this.#outlast(nowMs);
      this.#watch();
    }
  }
}
