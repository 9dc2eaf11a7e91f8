/**
 * One attempt at one server: it holds a place in flight and a leg to the server, sends the request, and sees the response
 * up to the end of its head. An exchange has one, or, when it is hedged, two of which the faster wins.
 */

import { NO_GRPC_STATUS } from "../../../shared/grpc-status.ts";
import type { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import { type Failure, Failures } from "../../failure.ts";
import { grpcStatusIn, grpcStatusOf } from "../../grpc/grpc-message.ts";
import type { WaitingPlace } from "../../pool/queue/wait-line.ts";
import type { ServerPool } from "../../pool/server-pool.ts";
import { NO_NOTES, type RequestNotes } from "../../record/explain/request-notes.ts";
import { NO_ROW, type TraceRecord } from "../../record/trace/trace-record.ts";
import { SPAN_ID_DIGITS } from "../../rewrite/request-ids.ts";
import { setSpan } from "../../rewrite/trace-context.ts";
import type { UpstreamLeg, UpstreamRequest, UpstreamUser } from "../../upstream/leg.ts";
import type { ExchangeContext } from "../context.ts";
import { discardResponse } from "./discarded-response.ts";
import { OutcomeRecord } from "./outcome-record.ts";

/** Interim responses (1xx) that one attempt may get. */
const MAX_INTERIM_RESPONSES = 16;

/** What an attempt wants of its request: a client's, or one of our own. */
export interface AttemptedRequest extends UpstreamRequest {
  /** The pool that it goes to. */
  readonly pool: ServerPool;
  /** It may be sent twice without harm. */
  readonly idempotent: boolean;
  /** It is a call of gRPC: how that went is in its status. */
  readonly grpc: boolean;
  /** Hash of its template, and of that with any last segment; 0 = none. */
  readonly template: number;
  readonly parentTemplate: number;
  /** Of the client whose request it is, or that it is about. */
  readonly clientAddress: Buffer;
  /** Where attempts are taken down; null = the request is not sampled. */
  readonly trace: TraceRecord | null;
  /** Where they are taken down to be explained; null = nowhere. */
  readonly notes: RequestNotes | null;
}

/** Who weighs attempts against each other. Response heads are in `ctx.responseHead`, parsed from `buffer`. */
export interface AttemptOwner {
  /** It failed before a final head came. `nothingSent`: the server can't have seen any of it. */
  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void;
  /** A final head came (or 101); `rest[restStart …]` follows it. */
  onAttemptHead(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** Its deadline passed before a final head came. */
  onAttemptSilent(attempt: Attempt, nowMs: number): void;
}

/** Who passes the request's body on to an attempt, and its response to the client. */
export interface AttemptUser {
  /** The head is on its way: body bytes may follow. */
  onSent(attempt: Attempt, nowMs: number): void;
  /** The server took queued bytes. */
  onServerDrain(attempt: Attempt, nowMs: number): void;
  /** An interim head came, parsed from `buffer`. */
  onInterim(attempt: Attempt, buffer: Buffer, nowMs: number): void;
  // After the final head:
  onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void;
  /** The server sends nothing more; or, with `broken`, its leg is gone. */
  onResponseEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void;
  /** The deadline passed. */
  onResponseSilent(nowMs: number): void;
}

export class Attempt implements UpstreamUser {
  readonly #ctx: ExchangeContext;
  readonly #owner: AttemptOwner;
  readonly #user: AttemptUser;
  readonly #request: AttemptedRequest;
  /** Where it holds a place in flight; -1 = it is not under way. */
  slot = -1;
  readonly outcome = new OutcomeRecord();
  leg: UpstreamLeg | null = null;
  /** The head was sent. */
  sent = false;
  /** It counts as in transfer: see `ServerTable.transferring`. */
  #transferring = false;
  #interim = 0;
  /** Where it is taken down: the record that its request had when it began, and which row of that it is. */
  #trace: TraceRecord | null = null;
  #traceRow = NO_ROW;
  #notes: RequestNotes | null = null;
  #notesRow = NO_NOTES;
  /** Its span, while traces are exported: what its server is told, or at least what the record says. */
  readonly #spanId = Buffer.alloc(SPAN_ID_DIGITS);

  constructor(ctx: ExchangeContext, owner: AttemptOwner, user: AttemptUser, request: AttemptedRequest) {
    this.#ctx = ctx;
    this.#owner = owner;
    this.#user = user;
    this.#request = request;
  }

  get clientAddress(): Buffer {
    return this.#request.clientAddress;
  }

  get active(): boolean {
    return this.slot >= 0;
  }

  /** Its final head has come. */
  get answered(): boolean {
    return this.outcome.status !== 0;
  }

  /**
   * Begins at `slot`, whose place in flight was taken by the picker.
   * @param number which attempt of its request it is, from 1.
   * @param kind why there is one.
   * @param fresh use no connection that was kept.
   * @param place where the request has waited before it; null = it has not.
   */
  start(
    slot: number,
    number: number,
    kind: TraceAttemptKind,
    fresh: boolean,
    nowMs: number,
    place: WaitingPlace | null = null,
  ): void {
    const { pool, trace, traceparent, notes } = this.#request;
    const { picker } = pool;
    const upstream = this.#ctx.upstreams[slot];
    // The picker only gives slots that this worker knows.
    if (upstream === undefined) throw new Error(`slot ${slot} has no server`);
    this.slot = slot;
    this.outcome.begin(slot, upstream.endpoint.id, number, picker.decision, picker.inFlightAtDispatch, nowMs);
    const { work } = picker;
    this.outcome.transferringAtDispatch = picker.transferringAt(slot);
    if (work.on) this.outcome.classed(this.#request, work);
    if (place?.held) this.outcome.held(nowMs - place.sinceMs, place.sentAnyway);
    if (traceparent !== null || trace !== null) this.#beginSpan(trace, kind);
    this.#notes = notes;
    if (notes !== null) this.#notesRow = notes.attempt(kind, this.outcome, picker);
    this.sent = false;
    this.#interim = 0;
    const leg = upstream.acquire(this, this.#request.idempotent, fresh, nowMs);
    this.leg = leg;
    if (leg.ready) this.#send(leg, true, nowMs);
  }

  #beginSpan(trace: TraceRecord | null, kind: TraceAttemptKind): void {
    this.#ctx.ids.write(this.#spanId, 0, SPAN_ID_DIGITS);
    this.#trace = trace;
    if (trace !== null) this.#traceRow = trace.attempt(kind, this.#spanId, this.outcome, this.#request.pool.picker);
  }

  /** Its response is the client's. */
  responded(): void {
    this.#trace?.responded(this.#traceRow);
    this.#notes?.responded(this.#notesRow);
  }

  /**
   * It is over: lets go of the leg and of the place in flight, and tells how it went.
   * @param complete both messages are: else something is unfinished on the leg.
   * @param failure why it ended, when its response was not complete or not wanted any more.
   * @param responseBytes what the client got of it.
   */
  end(complete: boolean, failure: Failure | null, responseBytes: number, nowMs: number): void {
    const { leg, slot } = this;
    this.leg = null;
    this.slot = -1;
    if (leg !== null) {
      if (complete) leg.release(nowMs);
      else leg.reset();
    }
    if (slot < 0) return;
    this.#tell(failure, responseBytes, nowMs); // the slot is this server's for as long as it holds a place there
    if (this.#transferring) this.#endTransfer(slot);
    this.#request.pool.free(slot, this.outcome.work, nowMs);
  }

  /** Lets go of the leg alone: the response on it, whose head was read, is not wanted. `rest[restStart …]` follows. */
  discard(rest: Buffer, restStart: number, nowMs: number): void {
    const { leg } = this;
    this.leg = null;
    if (leg !== null) discardResponse(this.#ctx, this.#request, leg, rest, restStart, nowMs);
  }

  /**
   * Is over, its response being discarded, and begins anew at `slot`, whose place in flight was taken by the picker. No
   * choice for another request may come between the picker's and the beginning, so the old place is given back last.
   * @param kind why there is another one.
   * @param fresh use no connection that was kept.
   */
  moveTo(slot: number, number: number, kind: TraceAttemptKind, fresh: boolean, nowMs: number): void {
    const { pool } = this.#request;
    const left = this.slot;
    const { work } = this.outcome;
    this.#tell(null, 0, nowMs);
    if (this.#transferring) this.#endTransfer(left);
    this.start(slot, number, kind, fresh, nowMs);
    pool.free(left, work, nowMs);
  }

  #tell(failure: Failure | null, responseBytes: number, nowMs: number): void {
    this.outcome.end(failure, responseBytes);
    this.#trace?.attemptEnded(this.#traceRow, this.outcome, nowMs);
    this.#trace = null;
    this.#notes?.ended(this.#notesRow, this.outcome, nowMs);
    this.#notes = null;
    this.#request.pool.outcomes.onEnd(this.outcome, nowMs);
  }

  // ── UpstreamUser ─────────────────────────────────────────────────────────────────────────────────────────────────

  onUpstreamReady(leg: UpstreamLeg, nowMs: number): void {
    this.#send(leg, false, nowMs);
  }

  #send(leg: UpstreamLeg, reused: boolean, nowMs: number): void {
    const { traceparent } = this.#request;
    // Only now: another attempt of the request may have begun since this one did.
    if (traceparent !== null) setSpan(traceparent, this.#spanId);
    this.outcome.connected(reused, leg.tlsMs, nowMs);
    const failure = leg.sendRequest(this.#request);
    if (failure !== null) {
      this.#owner.onAttemptFailed(this, failure, true, nowMs);
      return;
    }
    this.sent = true;
    this.#user.onSent(this, nowMs);
  }

  onUpstreamFailed(_leg: UpstreamLeg, failure: Failure, nothingSent: boolean, nowMs: number): void {
    this.#owner.onAttemptFailed(this, failure, nothingSent, nowMs);
  }

  onUpstreamHead(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { status } = this.#ctx.responseHead;
    if (status < 200 && ++this.#interim > MAX_INTERIM_RESPONSES) {
      this.#owner.onAttemptFailed(this, Failures.BAD_RESPONSE, false, nowMs);
    } else if (status === 101 && !this.#request.upgrade) {
      this.#owner.onAttemptFailed(this, Failures.UNEXPECTED_UPGRADE, false, nowMs);
    } else if (status >= 200 || status === 101) {
      const grpcStatus = this.#request.grpc ? grpcStatusOf(buffer, this.#ctx.responseHead) : NO_GRPC_STATUS;
      this.outcome.head(status, nowMs, grpcStatus);
      this.#request.pool.outcomes.onHead(this.outcome, nowMs);
      this.#owner.onAttemptHead(this, buffer, rest, restStart, nowMs);
      if (this.leg === leg) this.#goOn(nowMs);
    } else this.#user.onInterim(this, buffer, nowMs);
  }

  /** More of its response is to come. (It may be the next one's: `leg` can serve again at once, and so can this.) */
  #goOn(nowMs: number): void {
    const { pool } = this.#request;
    if (!this.answered || this.#transferring) return;
    this.#transferring = true;
    pool.onResponseBegun(this.slot, nowMs);
  }

  /** More of the request is to come: until then its server does not work on it, as limits see it. */
  uploads(): void {
    const { pool } = this.#request;
    if (this.slot < 0 || this.#transferring) return;
    this.#transferring = true;
    pool.picker.beginTransfer(this.slot);
  }

  /** Its server has all of the request. */
  uploaded(): void {
    if (this.#transferring && !this.answered) this.#endTransfer(this.slot);
  }

  #endTransfer(slot: number): void {
    this.#transferring = false;
    this.#request.pool.picker.endTransfer(slot);
  }

  onUpstreamData(leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    this.#user.onResponseData(leg, data, nowMs);
  }

  onUpstreamEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void {
    const { trailers } = leg;
    if (!broken && trailers !== null && this.#request.grpc) this.outcome.grpcStatus = grpcStatusIn(trailers);
    this.#user.onResponseEnd(leg, broken, nowMs);
  }

  onUpstreamDrain(_leg: UpstreamLeg, nowMs: number): void {
    this.#user.onServerDrain(this, nowMs);
  }

  onUpstreamDeadline(_leg: UpstreamLeg, nowMs: number): void {
    if (this.answered) this.#user.onResponseSilent(nowMs);
    else this.#owner.onAttemptSilent(this, nowMs);
  }
}
