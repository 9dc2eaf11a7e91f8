/**
 * A client's connection of HTTP/1: it finds the requests in the bytes, has them served one after the other (RFC 9112 section 9.3.2)
 * and ends in an orderly way. What happens to one request is the exchange's business.
 */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { Downstream } from "../../exchange/downstream.ts";
import { type Failure, Failures, refusedRequest } from "../../failure.ts";
import { HeadBuffer } from "../../http1/head-buffer.ts";
import { ParseError, refusalOf } from "../../http1/parse-error.ts";
import { parseRequestHead } from "../../http1/request-parser.ts";
import { HTTP_2_PROTOCOL } from "../../http2/frames/layout.ts";
import { beginsAsPreface } from "../../http2/frames/preface.ts";
import type { LocalResponse } from "../../local/response.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import type { Peer } from "../../rewrite/request.ts";
import type { RawSocket } from "../../sockets/raw-socket.ts";
import { keep, keepClientPacket } from "../../sockets/receive-memory.ts";
import { tlsVersionOf } from "../../sockets/tls-version.ts";
import { UntilTaken } from "../../sockets/until-taken.ts";
import type { ClientConnection } from "../client-connection.ts";
import type { DownstreamContext } from "../context.ts";
import type { Entrance } from "../entrance.ts";
import { Lingering } from "../lingering.ts";
import { type LocalClient, LocalResponder } from "../local-responder.ts";
import { hasBody, isRefusal, Reception, receive, respondTo } from "../reception.ts";
import { routeOf } from "../routes.ts";
import { ConnectionState as State } from "./connection-state.ts";
import { ResponseWriter } from "./response-writer.ts";

/** Bytes of further requests that are held while one is served; then the client has to wait. */
const MAX_HELD_BYTES = 64 * 1024;
/**
 * When the worker stops, an idle connection may have a request on its way, which a close would destroy: one that comes
 * within this time is served, and its response says that it was the last (HAProxy: idle-close-on-response).
 */
const LAST_REQUEST_MS = 250;
const HTTP_1_0 = Buffer.from("HTTP/1.0");
const HTTP_1_1 = Buffer.from("HTTP/1.1");

/** One connection. */
export class Http1ClientConnection extends ResponseWriter implements ClientConnection, Downstream, LocalClient {
  readonly #entrance: Entrance;
  /** Over a connection limit: it gets health and metrics, and for everything else 503. */
  readonly #shed: boolean;
  readonly #openedMs: number;
  #state: number = State.IDLE;
  #local: LocalResponder | null = null;
  #peer: Peer | null = null;
  #headBuffer: HeadBuffer | null = null;
  #headStartedMs = 0;
  #held: Buffer | null = null;
  #reading = false;
  #inputEnded = false;
  /** The client may still be sending what we will not read. */
  #inputPending = false;
  #resetAfterFlush = false;
  #untilTaken: UntilTaken | null = null;
  #lingering: Lingering | null = null;
  #tlsVersion: Buffer | null = null;

  constructor(ctx: DownstreamContext, socket: RawSocket, entrance: Entrance, shed: boolean, nowMs: number) {
    super(ctx, socket);
    this.#entrance = entrance;
    this.#shed = shed;
    this.#openedMs = nowMs;
    // A TLS handshake is work for us: it gets the time of a head, not that of an idle connection.
    const { idleTimeoutMs, requestHeadTimeoutMs } = ctx.settings;
    ctx.wheel.set(this, nowMs + (entrance.secure ? Math.min(requestHeadTimeoutMs, idleTimeoutMs) : idleTimeoutMs));
  }

  get port(): number {
    return this.#entrance.port;
  }

  get peer(): Peer {
    this.#peer ??= this.ctx.peers.of(this.socket, this.#entrance);
    return this.#peer;
  }

  get protocol(): Buffer {
    return this.versionMinor === 0 ? HTTP_1_0 : HTTP_1_1;
  }

  get tlsVersion(): Buffer | null {
    if (this.#entrance.secure) this.#tlsVersion ??= tlsVersionOf(this.socket);
    return this.#tlsVersion;
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(data: Buffer, nowMs: number): void {
    switch (this.#state) {
      case State.IDLE:
      case State.HEAD:
        this.#readRequests(keepClientPacket(data), nowMs); // heads, and bodies with them, are looked at again
        return;
      case State.BUSY:
        this.#onBusyData(data, nowMs);
        return;
      case State.FLUSHING:
        this.#hold(data);
        return;
      case State.LINGERING:
        this.#linger(data.length, nowMs);
    }
  }

  #onBusyData(data: Buffer, nowMs: number): void {
    const exchange = this.exchange;
    if (exchange === null || (exchange.requestComplete && !exchange.isTunnel)) {
      this.#hold(data);
      return;
    }
    if (exchange.isTunnel) {
      exchange.onTunnelData(data, nowMs);
      return;
    }
    const stop = exchange.onRequestBody(data, 0, data.length, nowMs);
    if (stop >= 0 && stop < data.length) this.#hold(data.subarray(stop));
  }

  #hold(packet: Buffer): void {
    if (this.#state === State.FLUSHING && this.closes) {
      this.#inputPending = true; // behind the last response: some clients read it only when they have sent everything
      return;
    }
    const data = keep(packet);
    this.#held = this.#held === null ? data : Buffer.concat([this.#held, data]);
    if (this.#held.length > MAX_HELD_BYTES) this.pauseReading();
  }

  /** Serves requests from `data` until one has to be waited for. */
  #readRequests(data: Buffer, nowMs: number): void {
    this.#reading = true;
    let at = 0;
    while (at < data.length && this.#state <= State.HEAD) at = this.#readRequest(data, at, nowMs);
    this.#reading = false;
    if (at < data.length && (this.#state === State.BUSY || this.#state === State.FLUSHING)) {
      this.#hold(data.subarray(at));
    } else if (this.#state === State.IDLE) this.#awaitRequest(nowMs);
  }

  /** Gives the client to a session of HTTP/2. */
  #switch(nowMs: number): ClientConnection | null {
    const { socket } = this;
    if (socket === null) return null;
    const session = this.ctx.speakHttp2(this, socket, this.#entrance, this.#shed, nowMs);
    this.#state = State.CLOSED;
    this.#headBuffer = null;
    this.handOver(socket, session);
    return session;
  }

  /** Reads one head, or a part of it. @returns the offset after what was used. */
  #readRequest(data: Buffer, start: number, nowMs: number): number {
    const ctx = this.ctx;
    const { requestHead, limits } = ctx;
    const collected = this.#headBuffer;
    if (collected === null || collected.length === 0) {
      const end = parseRequestHead(data, start, data.length, requestHead, limits);
      if (end > 0) return this.#startRequest(data, start, data, end, nowMs, nowMs);
      if (end < 0) return this.#refuseBytes(end, data, start, data.length, data, data.length, nowMs);
      this.#headBuffer ??= new HeadBuffer(limits.maxHeadBytes);
      this.#headBuffer.push(data, start, data.length);
      this.#state = State.HEAD;
      this.#headStartedMs = nowMs;
      ctx.wheel.set(this, nowMs + ctx.settings.requestHeadTimeoutMs);
      return data.length;
    }
    if (!collected.push(data, start, data.length)) return data.length;
    const end = parseRequestHead(collected.bytes, 0, collected.length, requestHead, limits);
    if (end === 0) return data.length;
    if (end < 0) {
      const { bytes, length } = collected;
      return this.#refuseBytes(end, bytes, 0, length, data, collected.restStart(length), nowMs);
    }
    const rest = collected.restStart(end);
    const bytes = collected.take();
    this.#headBuffer = null;
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#startRequest(head, 0, data, rest, this.#headStartedMs, nowMs);
  }

  #startRequest(
    head: Buffer,
    headStart: number,
    data: Buffer,
    bodyStart: number,
    startedMs: number,
    nowMs: number,
  ): number {
    const ctx = this.ctx;
    const { requestHead } = ctx;
    this.requests++;
    this.#state = State.BUSY;
    this.versionMinor = requestHead.versionMinor;
    const { maxConnectionAgeMs } = ctx.settings;
    this.closes = !requestHead.keepAlive || (maxConnectionAgeMs > 0 && nowMs - this.#openedMs >= maxConnectionAgeMs);
    ctx.wheel.clear(this);
    const route = routeOf(head, requestHead, ctx.settings);
    const reception = receive(ctx, this.#entrance, this.peer, this.#shed, head, route);
    if (reception === Reception.SERVE) {
      const exchange = ctx.exchanges.take();
      this.exchange = exchange;
      return exchange.begin(this, head, headStart, route, data, bodyStart, data.length, startedMs, nowMs);
    }
    const refuses = isRefusal(reception);
    if (refuses) this.#refusing();
    else if (ctx.leaving || this.#shed) this.closes = true;
    // A body to these paths is not read: the connection ends with the response.
    if (hasBody(requestHead)) this.#inputPending = this.closes = true;
    respondTo(reception, ctx, this.#entrance, this.#responder, route, head, headStart, startedMs, nowMs);
    return refuses ? data.length : bodyStart;
  }

  // ── responses of our own ─────────────────────────────────────────────────────────────────────────────────────────

  get #responder(): LocalResponder {
    this.#local ??= new LocalResponder(this.ctx, this);
    return this.#local;
  }

  /**
   * What has come, `bytes[start … end)` and `data[rest …]`, is no request that may be passed on; as the very first, it may be what
   * a client of HTTP/2 says (RFC 9113 section 3.3).
   * @returns the offset after it.
   */
  #refuseBytes(
    code: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    data: Buffer,
    rest: number,
    nowMs: number,
  ): number {
    const mayBe = code === ParseError.UNSUPPORTED_VERSION && this.requests === 0 && this.#entrance.http2;
    if (mayBe && beginsAsPreface(bytes, start, end)) {
      this.#switch(nowMs)?.onData(Buffer.concat([bytes.subarray(start, end), data.subarray(rest)]), nowMs);
    } else {
      const { status, reason, message } = refusalOf(code);
      this.#refuseHead(refusedRequest(status, reason, message), nowMs);
    }
    return data.length;
  }

  #refuseHead(failure: Failure, nowMs: number): void {
    this.ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.versionMinor = 1;
    this.#refusing();
    this.#responder.refuseBytes(failure, nowMs);
  }

  /** There will be an error before there is an exchange; it ends the connection. */
  #refusing(): void {
    this.#state = State.BUSY;
    this.closes = true;
    this.#inputPending = true;
  }

  deliver(response: LocalResponse, method: number, edits: HeadEdits | null, nowMs: number): void {
    if (this.#state !== State.BUSY) return; // it went away while we looked for the response
    if (this.sendOwn(response, method, edits)) this.done(true, nowMs);
    else this.onClose(nowMs);
  }

  // ── tunnel ───────────────────────────────────────────────────────────────────────────────────────────────────────

  startTunnel(head: Buffer, edits: HeadEdits | null, nowMs: number): void {
    this.sendSwitch(head, edits);
    const held = this.#held;
    this.#held = null;
    this.resumeReading();
    if (held !== null) this.exchange?.onTunnelData(held, nowMs);
    if (this.#inputEnded) this.exchange?.onClientEnd(nowMs);
  }

  // ── after an exchange ────────────────────────────────────────────────────────────────────────────────────────────

  done(requestComplete: boolean, nowMs: number): void {
    if (!requestComplete) this.#inputPending = true;
    this.exchange = null;
    if (this.#state === State.CLOSED) return;
    if (this.gone) {
      this.onClose(nowMs);
      return;
    }
    if (this.queuedBytes > 0) {
      this.#state = State.FLUSHING;
      this.ctx.wheel.set(this, nowMs + this.ctx.settings.responseBodyTimeoutMs);
      if (this.closes) this.#dropInput();
      return;
    }
    this.#afterFlush(nowMs);
  }

  /** Unless what was sent shows that it is not all, a reset has to tell. */
  cut(shows: boolean, nowMs: number): void {
    this.#resetAfterFlush = !shows;
    // The client did not know that the connection ends: what it may have sent meanwhile must not destroy the response.
    this.closes = true;
    this.done(false, nowMs);
  }

  /** Ends the connection with a reset, so that a broken response cannot be taken for a complete one. */
  reset(): void {
    this.exchange = null;
    if (this.#state !== State.CLOSED) this.#closed(false);
  }

  #resetWhenTaken(nowMs: number): void {
    const { wheel, settings, kernel } = this.ctx;
    this.#state = State.RESETTING;
    this.#untilTaken ??= new UntilTaken();
    const left = this.socket === null ? 0 : kernel.unacknowledged(this.socket);
    const next = this.#untilTaken.nextLook(left, settings.responseBodyTimeoutMs, nowMs);
    if (next === 0) {
      this.reset();
      return;
    }
    this.pauseReading();
    wheel.set(this, next);
  }

  /** Nothing more of the client is served: what it still sends is thrown away. */
  #dropInput(): void {
    if (this.#held !== null) this.#inputPending = true;
    this.#held = null;
    this.resumeReading();
  }

  #afterFlush(nowMs: number): void {
    this.#local?.end();
    if (this.#resetAfterFlush) {
      this.#resetWhenTaken(nowMs);
      return;
    }
    if (this.closes) {
      this.#close(nowMs);
      return;
    }
    this.#state = State.IDLE;
    // Called from within the loop over the requests of one packet: the loop goes on by itself.
    if (this.#reading) return;
    const held = this.#held;
    this.#held = null;
    this.resumeReading();
    if (held === null) this.#awaitRequest(nowMs);
    else {
      this.#readRequests(held, nowMs);
      if (this.#inputEnded && this.#held === null) this.#endInput(nowMs);
    }
  }

  #awaitRequest(nowMs: number): void {
    if (this.#inputEnded) {
      this.#close(nowMs);
      return;
    }
    const { wheel, settings, draining } = this.ctx;
    wheel.set(this, nowMs + (draining ? Math.min(LAST_REQUEST_MS, settings.idleTimeoutMs) : settings.idleTimeoutMs));
  }

  /** Ends the connection so that the client gets all that was sent (RFC 9112 section 9.6). */
  #close(nowMs: number): void {
    if (this.untilClose && this.socket !== null) this.ctx.kernel.closeByReset(this.socket, false);
    this.#dropInput();
    if (this.#inputEnded || !this.#inputPending) {
      this.#closed(true);
      return;
    }
    this.#state = State.LINGERING;
    this.endSending();
    this.#lingering = new Lingering(this.ctx.settings.requestBodyTimeoutMs, nowMs);
    this.#linger(0, nowMs);
  }

  #linger(bytes: number, nowMs: number): void {
    if (this.#lingering !== null) this.ctx.wheel.set(this, this.#lingering.onData(bytes, nowMs));
  }

  /** The worker is finishing: an idle connection has no reason to stay for long. */
  drain(nowMs: number): void {
    if (this.#state === State.IDLE) this.#awaitRequest(nowMs);
    else this.exchange?.closeTunnel(nowMs);
  }

  #closed(inOrder: boolean): void {
    this.#state = State.CLOSED;
    this.#held = null;
    this.#local?.end();
    this.letGo(inOrder);
    this.ctx.onClientGone(this);
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** TLS is through: from here on the client may take its time. */
  onHandshake(nowMs: number, protocol: string): ClientConnection {
    if (protocol === HTTP_2_PROTOCOL) return this.#switch(nowMs) ?? this;
    if (this.#state === State.IDLE) this.ctx.wheel.set(this, nowMs + this.ctx.settings.idleTimeoutMs);
    return this;
  }

  onDrain(nowMs: number): void {
    // Of a tunnel there may be more to read: its socket reports its end by itself.
    if (!this.flush() && !this.wantsRest) {
      this.onClose(nowMs);
      return;
    }
    if (this.#state !== State.FLUSHING) this.exchange?.onClientDrain(nowMs);
    else if (this.queuedBytes === 0) this.#afterFlush(nowMs);
    else this.ctx.wheel.set(this, nowMs + this.ctx.settings.responseBodyTimeoutMs);
  }

  /** The client's FIN. */
  onEnd(nowMs: number): void {
    if (this.#hasLeft(nowMs)) return;
    this.#inputEnded = true;
    // Requests that are still held came before the FIN: they are served first.
    if (this.#held === null) this.#endInput(nowMs);
  }

  /** The client's FIN is known of, and bytes before it are unread because reading is paused. */
  onEndAhead(nowMs: number): void {
    this.#hasLeft(nowMs);
  }

  /** The runtime's sockets report no end while reading is paused. Asked once a second. */
  lookForEnd(nowMs: number): void {
    if (this.paused && this.socket !== null && this.ctx.kernel.peerHasEnded(this.socket)) this.onEndAhead(nowMs);
  }

  /**
   * A client that has sent its FIN may still read, but most have closed: unless `CLIENT_HALF_CLOSE` is on, it is taken for
   * gone, with what it asked for. Not at the other end of a tunnel, and not when it only has to take the last bytes.
   */
  #hasLeft(nowMs: number): boolean {
    const exchange = this.exchange;
    if (this.ctx.settings.clientHalfClose || exchange?.isTunnel) return false;
    if (this.#state === State.FLUSHING) {
      this.closes = true;
      this.#dropInput();
    }
    if (this.#state !== State.BUSY) return false;
    this.reset();
    exchange?.abort(nowMs);
    return true;
  }

  /** Nothing of the client is left to be read. */
  #endInput(nowMs: number): void {
    if (this.#state === State.BUSY) this.exchange?.onClientEnd(nowMs);
    else if (this.#state <= State.HEAD || this.#state === State.LINGERING) this.#close(nowMs);
  }

  /** The socket is closed, or broken by `error`. */
  onClose(nowMs: number, error?: Error): void {
    if (this.#state === State.CLOSED) return;
    const exchange = this.exchange;
    this.exchange = null;
    this.#closed(false);
    if (error === undefined && this.sendingEnded && exchange?.isTunnel) exchange.onClientEnd(nowMs);
    else exchange?.abort(nowMs);
  }

  /** What a client said in a tunnel before it broke off is the server's. */
  get wantsRest(): boolean {
    return this.exchange?.isTunnel ?? false;
  }

  /** Something threw while this connection was served: it ends, whatever its state. */
  onInternalError(nowMs: number): void {
    this.#reading = false;
    if (this.exchange !== null) this.exchange.refuseRest(Failures.INTERNAL, nowMs);
    else this.reset();
  }

  override onDeadline(nowMs: number): void {
    switch (this.#state) {
      case State.IDLE:
        this.#close(nowMs);
        return;
      case State.HEAD:
        this.#refuseHead(Failures.REQUEST_HEAD_TIMEOUT, nowMs);
        return;
      case State.BUSY:
        this.exchange?.onClientDeadline(nowMs);
        return;
      case State.RESETTING:
        this.#resetWhenTaken(nowMs);
        return;
      case State.LINGERING:
        this.#closed(true); // it has had its time to read the response, or to stop sending
        return;
      default:
        this.reset();
    }
  }
}
