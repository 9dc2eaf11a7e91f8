/** One connection of HTTP/1.1 to a server: connecting, idle in its upstream, or the leg of one request. */

import type { Failure } from "../../failure.ts";
import { Failures } from "../../failure.ts";
import { COALESCE_BYTES, copyBytes } from "../../http1/copy.ts";
import { HeadBuffer } from "../../http1/head-buffer.ts";
import { parseResponseHead } from "../../http1/response-parser.ts";
import { writeRequestHead } from "../../rewrite/request.ts";
import { isAlert } from "../../sockets/tls-alert.ts";
import type { UpstreamContext } from "../context.ts";
import { type Dialled, DialledChannel } from "../dialled-channel.ts";
import type { UpstreamLeg, UpstreamRequest, UpstreamUser } from "../leg.ts";

/** The upstream, as its connections see it. */
export interface ConnectionOwner {
  /** What `Host` is when the client sent none. */
  readonly hostBytes: Buffer;
  /** Its exchange ended cleanly. */
  release(connection: Http1Connection, nowMs: number): void;
  /** It is closed, after there was a connection. */
  closed(connection: Http1Connection, wasIdle: boolean): void;
}

const State = { CONNECTING: 0, IDLE: 1, BUSY: 2, CLOSED: 3 } as const;

/** One connection, from the dialling to its end. */
export class Http1Connection extends DialledChannel implements UpstreamLeg {
  readonly #ctx: UpstreamContext;
  readonly #owner: ConnectionOwner;
  user: UpstreamUser | null;
  reusable = true;
  /** Responses that it has carried: a connection that has carried one may turn out stale. */
  #served = 0;
  /** Bytes of the present response have arrived. */
  #answered = false;
  /** Its final head has: what comes is the user's. */
  #headRead = false;
  /** Of the present request. */
  #method = 0;
  /** Monotonic milliseconds since when it is idle. */
  idleSinceMs = 0;
  #state: number = State.CONNECTING;
  /** Collects a head that arrives in pieces. */
  #headBuffer: HeadBuffer | null = null;

  constructor(ctx: UpstreamContext, owner: ConnectionOwner, user: UpstreamUser, dialled: Dialled, nowMs: number) {
    super(dialled, ctx.wheel, nowMs);
    this.#ctx = ctx;
    this.#owner = owner;
    this.user = user;
  }

  get ready(): boolean {
    return this.#state === State.BUSY;
  }

  // ── dialling ─────────────────────────────────────────────────────────────────────────────────────────────────────

  protected onConnected(nowMs: number): void {
    this.#state = State.BUSY;
    // Whoever wanted it may have gone; then the next one may have it.
    if (this.user === null) this.#owner.release(this, nowMs);
    else this.user.onUpstreamReady(this, nowMs);
  }

  protected onConnectFailed(failure: Failure, nowMs: number): void {
    this.#state = State.CLOSED;
    const user = this.user;
    this.user = null;
    user?.onUpstreamFailed(this, failure, true, nowMs);
  }

  // ── for its upstream ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes it from the idle ones for a request. */
  use(user: UpstreamUser): void {
    this.user = user;
    this.#answered = false;
    this.#headRead = false;
    this.#state = State.BUSY;
    if (this.socket !== null) this.socket.idle = false;
  }

  /** It is clean and may serve the next request. */
  becomeIdle(nowMs: number, idleTimeoutMs: number): void {
    this.user = null;
    this.#served++;
    this.idleSinceMs = nowMs;
    this.#state = State.IDLE;
    if (this.socket !== null) this.socket.idle = true;
    this.resumeReading();
    this.wheel.set(this, nowMs + idleTimeoutMs);
  }

  /**
   * Ends it, whatever it is doing, without telling its user.
   * @param inOrder let what was written reach the server; else the connection is reset.
   */
  destroy(inOrder = false): void {
    if (this.#state === State.CLOSED) return;
    const state = this.#state;
    this.#state = State.CLOSED;
    this.user = null;
    if (state === State.CONNECTING) this.giveUpConnecting();
    else this.#owner.closed(this, state === State.IDLE);
    this.letGo(inOrder && state !== State.CONNECTING);
  }

  // ── UpstreamLeg ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** In one write unless that would copy a lot. */
  sendRequest(request: UpstreamRequest): Failure | null {
    const { scratch, settings } = this.#ctx;
    this.#method = request.method;
    request.fallbackHost = this.#owner.hostBytes;
    let length = writeRequestHead(scratch, request.headBuffer, request.parsedHead(), request, settings.upstreamVia);
    const { firstBody, firstBodyStart, firstBodyEnd } = request;
    const coalesced = firstBodyEnd - firstBodyStart <= COALESCE_BYTES;
    if (coalesced) length = copyBytes(scratch, length, firstBody, firstBodyStart, firstBodyEnd);
    if (!this.send(scratch, 0, length, false)) return this.#lost();
    // A server that takes no body may have answered already: what comes next on the connection tells.
    if (!coalesced) this.send(firstBody, firstBodyStart, firstBodyEnd, true);
    return null;
  }

  /** The body's own bytes have said so. */
  endBody(): void {}

  /** They are in the chunks. */
  get mayHaveTrailers(): boolean {
    return false;
  }

  get trailers(): null {
    return null;
  }

  unacknowledged(): number {
    return this.socket === null ? 0 : this.#ctx.kernel.unacknowledged(this.socket);
  }

  release(nowMs: number): void {
    this.#owner.release(this, nowMs);
  }

  /** One that is being made goes on: the next request may have it. */
  reset(): void {
    if (this.#state === State.CONNECTING) this.user = null;
    else this.destroy();
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  onData(data: Buffer, nowMs: number): void {
    if (this.#state !== State.BUSY) {
      // Bytes that nobody asked for must never become the beginning of somebody's response.
      this.destroy();
      return;
    }
    this.#answered = true;
    if (this.#headRead) this.user?.onUpstreamData(this, data, nowMs);
    else if (this.#headBuffer === null || this.#headBuffer.length === 0) this.#readHead(data, 0, nowMs);
    else this.#collectHead(this.#headBuffer, data, nowMs);
  }

  onEnd(nowMs: number): void {
    if (this.#state === State.BUSY) this.#ended(false, nowMs);
    else this.destroy(true);
  }

  onDrain(nowMs: number): void {
    // A server that takes nothing more may have answered: its socket reports its end when that is read.
    this.flush();
    this.user?.onUpstreamDrain(this, nowMs);
  }

  /** What a server had answered before it broke off is the client's. */
  get wantsRest(): boolean {
    return true;
  }

  /** The socket is closed, or broken by `error`. */
  onClose(nowMs: number, error?: Error): void {
    this.endAbandoned();
    if (this.#state === State.CLOSED) return;
    this.gone = true;
    this.dropQueue();
    const inOrder = error === undefined && this.sendingEnded;
    if (this.#state === State.BUSY && isAlert(error)) this.#refused(nowMs);
    else if (this.#state === State.BUSY) this.#ended(!inOrder, nowMs);
    this.destroy();
  }

  onInternalError(nowMs: number): void {
    this.onClose(nowMs);
  }

  override onDeadline(nowMs: number): void {
    if (this.#state === State.CONNECTING) {
      const user = this.user;
      this.destroy();
      user?.onUpstreamFailed(this, Failures.CONNECT_TIMEOUT, true, nowMs);
    } else if (this.#state === State.BUSY) this.user?.onUpstreamDeadline(this, nowMs);
    else this.destroy(true);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #readHead(data: Buffer, start: number, nowMs: number): void {
    const { limits, responseHead } = this.#ctx;
    const end = parseResponseHead(data, start, data.length, responseHead, limits, this.#method);
    if (end !== 0) this.#gotHead(data, end, data, end, nowMs);
    else if (start < data.length) {
      this.#headBuffer ??= new HeadBuffer(limits.maxHeadBytes);
      this.#headBuffer.push(data, start, data.length);
    }
  }

  #collectHead(collected: HeadBuffer, data: Buffer, nowMs: number): void {
    if (!collected.push(data, 0, data.length)) return;
    const { limits, responseHead } = this.#ctx;
    const end = parseResponseHead(collected.bytes, 0, collected.length, responseHead, limits, this.#method);
    if (end === 0) return;
    const rest = end > 0 ? collected.restStart(end) : 0;
    const bytes = collected.take();
    this.#gotHead(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), end, data, rest, nowMs);
  }

  /** A head was read from `buffer`, or refused (`end` < 0); `rest[restStart …]` follows it. */
  #gotHead(buffer: Buffer, end: number, rest: Buffer, restStart: number, nowMs: number): void {
    const { user } = this;
    if (end < 0) {
      user?.onUpstreamFailed(this, Failures.BAD_RESPONSE, false, nowMs);
      return;
    }
    const { status, keepAlive } = this.#ctx.responseHead;
    const interim = status < 200 && status !== 101;
    this.#headRead = !interim;
    // Also of an interim one that announces a body: it may come, although there can be none. What a tunnel has been is no
    // connection of ours any more.
    if (!keepAlive || status === 101) this.reusable = false;
    user?.onUpstreamHead(this, buffer, rest, restStart, nowMs);
    if (interim && this.user === user) this.#readHead(rest, restStart, nowMs);
  }

  /** The server sends nothing more; or, with `broken`, the connection is gone both ways. */
  #ended(broken: boolean, nowMs: number): void {
    if (this.#headRead) this.user?.onUpstreamEnd(this, broken, nowMs);
    else this.user?.onUpstreamFailed(this, this.#lost(), false, nowMs);
  }

  /** By an alert of TLS. */
  #refused(nowMs: number): void {
    if (this.#answered) this.#ended(true, nowMs);
    else this.user?.onUpstreamFailed(this, Failures.TLS_REFUSED, false, nowMs);
  }

  /** What it is called that it closed before a final head. */
  #lost(): Failure {
    return this.#served > 0 && !this.#answered ? Failures.STALE_CONNECTION : Failures.CLOSED_BEFORE_RESPONSE;
  }
}
