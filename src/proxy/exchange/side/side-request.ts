/**
 * A request of our own, beside a client's: a mirrored one, or the question whether the client's may pass. It asks a server of
 * a pool as any attempt does (a place in flight, an outcome that the pool is told), but it does not wait in the queue: with
 * no room it is not made. It has one deadline, whatever it waits for. Objects serve many, one after the other.
 */
import type { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import { type Failure, Failures } from "../../failure.ts";
import { BodyKind, type RequestHead } from "../../http1/head.ts";
import { parseRequestHead } from "../../http1/request-parser.ts";
import { NO_SERVER } from "../../pick/picker.ts";
import { Heed } from "../../pick/room.ts";
import type { ServerPool } from "../../pool/server-pool.ts";
import type { RequestNotes } from "../../record/explain/request-notes.ts";
import { LOAD_REPORT_BITS, readLoadReport } from "../../record/load-report.ts";
import type { TraceRecord } from "../../record/trace/trace-record.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import type { Peer } from "../../rewrite/request.ts";
import { TRACE_ID_DIGITS } from "../../rewrite/request-ids.ts";
import { newTraceparent } from "../../rewrite/trace-context.ts";
import { Timed } from "../../sockets/timer-wheel.ts";
import type { UpstreamLeg } from "../../upstream/leg.ts";
import { Attempt, type AttemptedRequest, type AttemptOwner, type AttemptUser } from "../attempts/attempt.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";

/** Stands where there are no bytes. */
const NO_BUFFER = Buffer.alloc(0);
/** What a head is read again under that was accepted already, and perhaps added to. */
const NO_LIMITS = { maxHeadBytes: Number.MAX_SAFE_INTEGER, maxFields: Number.MAX_SAFE_INTEGER };

export abstract class SideRequest extends Timed implements AttemptedRequest, AttemptOwner, AttemptUser {
  /** Why there are attempts. */
  protected abstract readonly kind: TraceAttemptKind;
  /** Somebody fails without its response: it is not kept back by limits that were only learned. */
  protected abstract readonly isNeeded: boolean;
  protected readonly ctx: ExchangeContext;
  readonly attempt: Attempt;
  /** Servers that failed it. */
  protected readonly excluded: number[] = [];
  /** Servers asked. */
  protected attempts = 0;
  /** It has met a kept connection that was closed. */
  #foundStale = false;

  // ── what a leg asks for: see `UpstreamRequest` ───────────────────────────────────────────────────────────────────
  pool!: ServerPool;
  peer!: Peer;
  headBuffer: Buffer = NO_BUFFER;
  method = 0;
  pathPrefix: Buffer = NO_BUFFER;
  pathStart = 0;
  pathEnd = 0;
  host: Buffer | null = null;
  fallbackHost: Buffer = NO_BUFFER;
  edits: HeadEdits | null = null;
  readonly ids = Buffer.alloc(TRACE_ID_DIGITS);
  keepRequestId = false;
  traceparent: Buffer | null = null;
  keepTraceState = false;
  trace: TraceRecord | null = null;
  /** Of the client's request, where this one is over before that is. */
  notes: RequestNotes | null = null;
  readonly #ownTraceparent = newTraceparent();
  readonly upgrade = false;
  idempotent = true;
  readonly grpc = false;
  /** All of it is there. */
  readonly body: { kind: number; readonly done: boolean } = { kind: BodyKind.NONE, done: true };
  firstBody: Buffer = NO_BUFFER;
  readonly firstBodyStart = 0;
  firstBodyEnd = 0;
  clientAddress: Buffer = NO_BUFFER;
  key = 0;
  readonly sticky = null;
  /** Its path may be another's than the client asked for: no class is learned from it. */
  readonly requestClass = 0;
  readonly template = 0;
  readonly parentTemplate = 0;
  readonly requestIdStart = 0;
  readonly requestIdEnd = TRACE_ID_DIGITS;

  constructor(ctx: ExchangeContext) {
    super();
    this.ctx = ctx;
    this.attempt = new Attempt(ctx, this, this, this);
  }

  get requestIdBuffer(): Buffer {
    return this.ids;
  }

  parsedHead(): RequestHead {
    const { requestHead } = this.ctx;
    if (requestHead.owner !== this) {
      const { headBuffer } = this;
      const end = parseRequestHead(headBuffer, 0, headBuffer.length, requestHead, NO_LIMITS);
      if (end !== headBuffer.length) throw new Error(`a request head of our own is refused (${end})`);
      requestHead.owner = this;
    }
    return requestHead;
  }

  // ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** It goes by the same ids and is for the same client as `request`, in `pool`. */
  protected follow(request: ProxiedRequest, pool: ServerPool): void {
    this.pool = pool;
    this.peer = request.peer;
    this.clientAddress = request.clientAddress;
    request.ids.copy(this.ids);
    this.keepRequestId = request.keepRequestId;
    this.keepTraceState = request.keepTraceState;
    this.traceparent = null;
    if (request.traceparent !== null) {
      // One of its own: its attempts write their spans into it.
      request.traceparent.copy(this.#ownTraceparent);
      this.traceparent = this.#ownTraceparent;
    }
    this.trace = request.trace;
    this.trace?.hold();
    if (pool.picker.usesKey) this.key = pool.stickyKey(request.headBuffer, request.parsedHead(), request.peer);
  }

  /** Asks a server. @returns false when there is none with room. */
  protected ask(nowMs: number): boolean {
    const { picker, queue } = this.pool;
    // Who waits comes first, unless this is asked for the sake of a request that would fail else.
    const mayAsk = this.isNeeded ? !queue.waitsForHardLimits : !queue.isWanted;
    const heed = this.isNeeded ? Heed.NONE : Heed.ANY;
    const slot = mayAsk ? picker.acquire(this, nowMs, this.excluded, undefined, heed) : NO_SERVER;
    if (slot < 0) return false;
    this.attempt.start(slot, ++this.attempts, this.kind, this.#foundStale, nowMs);
    return true;
  }

  /** There was no response: may another attempt follow, and is it made? Of a mirrored request only a stale connection's. */
  protected mayAskAgain(_failure: Failure, _nothingSent: boolean, _nowMs: number): boolean {
    return false;
  }

  /** A final head came: see `AttemptOwner`. */
  protected abstract onHead(buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** There is no response. The attempt is over. */
  protected abstract onFailure(failure: Failure, nowMs: number): void;

  /** Lets go of everything. */
  protected clear(): void {
    this.trace?.release();
    this.trace = null;
    this.notes = null;
    const { wheel, requestHead } = this.ctx;
    wheel.remove(this);
    if (requestHead.owner === this) requestHead.owner = null;
    this.excluded.length = 0;
    this.attempts = 0;
    this.#foundStale = false;
    this.headBuffer = NO_BUFFER;
    this.pathPrefix = NO_BUFFER;
    this.host = null;
    this.edits = null;
    this.firstBody = NO_BUFFER;
    this.firstBodyEnd = 0;
    this.body.kind = BodyKind.NONE;
    this.key = 0;
  }

  override onDeadline(nowMs: number): void {
    if (this.attempt.active) this.onAttemptSilent(this.attempt, nowMs);
  }

  // ── AttemptOwner ─────────────────────────────────────────────────────────────────────────────────────────────────

  onAttemptHead(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { responseHead: head, block } = this.ctx;
    if ((head.seen & LOAD_REPORT_BITS) !== 0) readLoadReport(buffer, head, block, attempt.slot);
    this.onHead(buffer, rest, restStart, nowMs);
  }

  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void {
    const { slot } = attempt;
    const stale = failure === Failures.STALE_CONNECTION && this.idempotent && !this.#foundStale;
    const again = stale || this.mayAskAgain(failure, nothingSent, nowMs);
    attempt.end(false, failure, 0, nowMs);
    if (stale) this.#foundStale = true;
    else this.excluded.push(slot);
    if (!again || !this.ask(nowMs)) this.onFailure(failure, nowMs);
  }

  /** The time is up. A server that has not taken the connection by then has failed as well. */
  onAttemptSilent(attempt: Attempt, nowMs: number): void {
    const failure = attempt.sent ? Failures.RESPONSE_TIMEOUT : Failures.CONNECT_TIMEOUT;
    attempt.end(false, failure, 0, nowMs);
    this.onFailure(failure, nowMs);
  }

  // ── AttemptUser ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** What the leg waits for is our own deadline's business. */
  onSent({ leg }: Attempt): void {
    if (leg !== null) this.ctx.wheel.clear(leg);
  }

  onServerDrain(): void {}
  onInterim(): void {}
  abstract onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void;
  abstract onResponseEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void;
  abstract onResponseSilent(nowMs: number): void;
}
