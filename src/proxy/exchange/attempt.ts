/**
 * One attempt at one server: it holds a place in flight and a connection, sends the request, and reads the server's
 * answer up to the end of its head. An exchange has one, or, when it is hedged, two of which the faster wins.
 */
import type { ProxyContext } from "../context.ts";
import { type Failure, Failures } from "../failure.ts";
import { copyBytes } from "../http1/copy.ts";
import { parseResponseHead } from "../http1/response-parser.ts";
import { writeRequestHead } from "../rewrite/request.ts";
import type { UpstreamConnection, UpstreamUser } from "../upstream/connection.ts";
import { discardResponse } from "./discarded-response.ts";
import { OutcomeRecord } from "./outcome-record.ts";
import type { ProxiedRequest } from "./request.ts";

/**
 * Body bytes that are copied behind a head to save a system call; more are sent from where they are. Up to here copying
 * is cheaper than a second write: at 64 KB it saves a tenth of the request's CPU time.
 */
export const COALESCE_BYTES = 96 * 1024;
/** Interim responses (1xx) that one attempt may get. */
const MAX_INTERIM_RESPONSES = 16;

/** What becomes of a connection after an attempt. */
export const ConnectionFate = {
  /** Both messages are complete: it may serve another request. */
  REUSE: 0,
  /** Both messages are complete, but one side wants it closed. */
  CLOSE: 1,
  /** Something is unfinished on it. */
  RESET: 2,
} as const;
export type ConnectionFate = (typeof ConnectionFate)[keyof typeof ConnectionFate];

/** The exchange, as its attempts see it. Response heads are in `ctx.responseHead`, parsed from `buffer`. */
export interface AttemptOwner {
  /** The head is on its way: body bytes may follow. */
  onSent(attempt: Attempt, nowMs: number): void;
  /** It failed before a final head came. `nothingSent`: the server can't have seen any of it. */
  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void;
  onInterim(attempt: Attempt, buffer: Buffer, nowMs: number): void;
  /** A final head came (or 101); `rest[restStart …]` follows it. */
  onResponse(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** Bytes, an end and a drained queue after the final head. */
  onResponseData(attempt: Attempt, data: Buffer, nowMs: number): void;
  onResponseEnd(attempt: Attempt, broken: boolean, nowMs: number): void;
  onUpstreamRoom(attempt: Attempt, nowMs: number): void;
  onUpstreamSilent(attempt: Attempt, nowMs: number): void;
}

export class Attempt implements UpstreamUser {
  readonly #ctx: ProxyContext;
  readonly #owner: AttemptOwner;
  readonly #request: ProxiedRequest;
  /** Where it holds a place in flight; -1 = it is not under way. */
  slot = -1;
  readonly outcome = new OutcomeRecord();
  connection: UpstreamConnection | null = null;
  /** The head was sent. */
  sent = false;
  #interim = 0;

  constructor(ctx: ProxyContext, owner: AttemptOwner, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#owner = owner;
    this.#request = request;
  }

  get active(): boolean {
    return this.slot >= 0;
  }

  /** The final head has come: the rest is the exchange's. */
  get answered(): boolean {
    return this.outcome.status !== 0;
  }

  /**
   * Begins at `slot`, whose place in flight was taken by the picker.
   * @param number which attempt of its request it is, from 1.
   * @param fresh use no pooled connection.
   */
  start(slot: number, number: number, fresh: boolean, nowMs: number): void {
    const { pools, picker } = this.#ctx;
    const pool = pools[slot];
    // The picker only gives slots that this worker has a pool for.
    if (pool === undefined) throw new Error(`slot ${slot} has no pool`);
    this.slot = slot;
    this.outcome.begin(slot, pool.endpoint.id, number, picker.decision, picker.inFlightAtDispatch, nowMs);
    this.sent = false;
    this.#interim = 0;
    const idle = fresh ? null : pool.takeIdle(this, this.#request.idempotent, nowMs);
    if (idle !== null) this.onConnected(idle, nowMs);
    else this.connection = pool.connect(this, nowMs);
  }

  /**
   * It is over: lets go of the connection and of the place in flight, and tells how it went.
   * @param fate what becomes of the connection.
   * @param failure why it ended, when its response was not complete or not wanted any more.
   * @param responseBytes what the client got of it.
   */
  end(fate: ConnectionFate, failure: Failure | null, responseBytes: number, nowMs: number): void {
    const { connection, slot } = this;
    this.connection = null;
    this.slot = -1;
    if (connection !== null) {
      if (fate === ConnectionFate.REUSE) connection.pool.release(connection, nowMs);
      else if (connection.connecting) connection.user = null;
      else connection.destroy(fate === ConnectionFate.CLOSE);
    }
    if (slot < 0) return;
    this.#ctx.picker.release(slot);
    this.#tell(failure, responseBytes, nowMs);
    if (this.#ctx.queue.length > 0) this.#ctx.queue.poll(nowMs);
  }

  /** Lets go of the connection alone: the response on it, whose head was read, is not wanted. `rest[restStart …]` follows. */
  discard(rest: Buffer, restStart: number, nowMs: number): void {
    const { connection } = this;
    this.connection = null;
    if (connection !== null) discardResponse(this.#ctx, this.#request, connection, rest, restStart, nowMs);
  }

  /**
   * Is over, its response being discarded, and begins anew at `slot`, whose place in flight was taken by the picker. No
   * choice for another request may come between the picker's and the beginning, so the old place is given back last.
   * @param fresh use no pooled connection.
   */
  moveTo(slot: number, number: number, fresh: boolean, nowMs: number): void {
    const { picker, queue } = this.#ctx;
    const left = this.slot;
    this.#tell(null, 0, nowMs);
    this.start(slot, number, fresh, nowMs);
    picker.release(left);
    if (queue.length > 0) queue.poll(nowMs);
  }

  // ── UpstreamUser ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends the head and the body bytes that came with it; in one write unless that would copy a lot. */
  onConnected(connection: UpstreamConnection, nowMs: number): void {
    const { scratch } = this.#ctx;
    const request = this.#request;
    this.connection = connection;
    request.fallbackHost = connection.pool.hostBytes;
    let length = writeRequestHead(scratch, request.headBuffer, request.parsedHead(), request);
    const { firstBody, firstBodyStart, firstBodyEnd } = request;
    const coalesced = firstBodyEnd - firstBodyStart <= COALESCE_BYTES;
    if (coalesced) length = copyBytes(scratch, length, firstBody, firstBodyStart, firstBodyEnd);
    if (!connection.send(scratch, 0, length, false)) {
      this.#lost(connection, true, nowMs);
      return;
    }
    // A server that takes no body may have answered already: what comes next on the connection tells.
    if (!coalesced) connection.send(firstBody, firstBodyStart, firstBodyEnd, true);
    this.sent = true;
    this.#owner.onSent(this, nowMs);
  }

  onConnectFailed(_connection: UpstreamConnection, failure: Failure, nowMs: number): void {
    this.connection = null;
    this.#owner.onAttemptFailed(this, failure, true, nowMs);
  }

  onUpstreamData(connection: UpstreamConnection, data: Buffer, nowMs: number): void {
    if (this.answered) {
      this.#owner.onResponseData(this, data, nowMs);
      return;
    }
    if (!connection.collectingHead) {
      this.#readHead(connection, data, 0, nowMs);
      return;
    }
    const { limits, responseHead } = this.#ctx;
    const collected = connection.headBuffer(limits.maxHeadBytes);
    if (!collected.push(data, 0, data.length)) return;
    const end = parseResponseHead(collected.bytes, 0, collected.length, responseHead, limits, this.#request.method);
    if (end === 0) return;
    const rest = end > 0 ? collected.restStart(end) : 0;
    const bytes = collected.take();
    this.#gotHead(connection, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), end, data, rest, nowMs);
  }

  onUpstreamEnd(connection: UpstreamConnection, broken: boolean, nowMs: number): void {
    if (this.answered) this.#owner.onResponseEnd(this, broken, nowMs);
    else this.#lost(connection, false, nowMs);
  }

  onUpstreamDrain(_connection: UpstreamConnection, nowMs: number): void {
    this.#owner.onUpstreamRoom(this, nowMs);
  }

  onUpstreamDeadline(_connection: UpstreamConnection, nowMs: number): void {
    this.#owner.onUpstreamSilent(this, nowMs);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #tell(failure: Failure | null, responseBytes: number, nowMs: number): void {
    this.outcome.end(failure, responseBytes);
    this.#ctx.outcomes.onEnd(this.outcome, nowMs);
  }

  /** The connection closed before a final head. @param nothingSent it was found closed by the very first write. */
  #lost(connection: UpstreamConnection, nothingSent: boolean, nowMs: number): void {
    const stale = connection.served > 0 && !connection.answered;
    const failure = stale ? Failures.STALE_CONNECTION : Failures.CLOSED_BEFORE_RESPONSE;
    this.#owner.onAttemptFailed(this, failure, nothingSent, nowMs);
  }

  #readHead(connection: UpstreamConnection, data: Buffer, start: number, nowMs: number): void {
    const { limits, responseHead } = this.#ctx;
    const end = parseResponseHead(data, start, data.length, responseHead, limits, this.#request.method);
    if (end !== 0) this.#gotHead(connection, data, end, data, end, nowMs);
    else if (start < data.length) connection.headBuffer(limits.maxHeadBytes).push(data, start, data.length);
  }

  /** A head was read from `buffer`, or refused (`end` < 0); `rest[restStart …]` follows it. */
  #gotHead(
    connection: UpstreamConnection,
    buffer: Buffer,
    end: number,
    rest: Buffer,
    restStart: number,
    nowMs: number,
  ): void {
    const { status } = this.#ctx.responseHead;
    if (end < 0 || (status < 200 && ++this.#interim > MAX_INTERIM_RESPONSES)) {
      this.#owner.onAttemptFailed(this, Failures.BAD_RESPONSE, false, nowMs);
    } else if (status === 101 && !this.#request.upgrade) {
      this.#owner.onAttemptFailed(this, Failures.UNEXPECTED_UPGRADE, false, nowMs);
    } else if (status >= 200 || status === 101) {
      this.outcome.head(status, nowMs);
      this.#ctx.outcomes.onHead(this.outcome, nowMs);
      this.#owner.onResponse(this, buffer, rest, restStart, nowMs);
    } else {
      // It closes, or announces a body that may come although there can be none.
      if (!this.#ctx.responseHead.keepAlive) connection.reusable = false;
      this.#owner.onInterim(this, buffer, nowMs);
      if (this.connection === connection) this.#readHead(connection, rest, restStart, nowMs);
    }
  }
}
