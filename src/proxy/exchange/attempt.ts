/**
 * One attempt at one server: it holds a place in flight and a leg to the server, sends the request, and sees the response
 * up to the end of its head. An exchange has one, or, when it is hedged, two of which the faster wins.
 */
import type { ProxyContext } from "../context.ts";
import { type Failure, Failures } from "../failure.ts";
import type { UpstreamLeg, UpstreamUser } from "../upstream/leg.ts";
import { discardResponse } from "./discarded-response.ts";
import type { ProxiedRequest } from "./request.ts";

/** Interim responses (1xx) that one attempt may get. */
const MAX_INTERIM_RESPONSES = 16;

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
  /** -1 = not under way. */
  slot = -1;
  serverId = 0;
  /** Monotonic milliseconds. */
  dispatchedMs = 0;
  /** What was in flight at the server by then, this attempt not counted. */
  inFlightAtDispatch = 0;
  /** Number of the decision that led here; 0 = none was noted. */
  decision = 0;
  leg: UpstreamLeg | null = null;
  /** The head was sent. */
  sent = false;
  /** The final head has come: the rest is the exchange's. */
  answered = false;
  #interim = 0;

  constructor(ctx: ProxyContext, owner: AttemptOwner, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#owner = owner;
    this.#request = request;
  }

  get active(): boolean {
    return this.slot >= 0;
  }

  /**
   * Begins at `slot`, whose place in flight was taken by the picker.
   * @param fresh use no pooled connection.
   */
  start(slot: number, fresh: boolean, nowMs: number): void {
    const pool = this.#ctx.pools[slot];
    // The picker only gives slots that this worker has a pool for.
    if (pool === undefined) throw new Error(`slot ${slot} has no pool`);
    this.slot = slot;
    this.serverId = pool.endpoint.id;
    this.dispatchedMs = nowMs;
    this.inFlightAtDispatch = this.#ctx.picker.inFlightAtDispatch;
    this.decision = this.#ctx.picker.decision;
    this.sent = false;
    this.answered = false;
    this.#interim = 0;
    const leg = pool.acquire(this, this.#request.idempotent, fresh, nowMs);
    this.leg = leg;
    if (leg.ready) this.onUpstreamReady(leg, nowMs);
  }

  /**
   * Lets go of the leg and of the place in flight.
   * @param complete both messages are: else something is unfinished on the leg.
   */
  end(complete: boolean, nowMs: number): void {
    const { leg, slot } = this;
    this.leg = null;
    this.slot = -1;
    if (leg !== null) {
      if (complete) leg.release(nowMs);
      else leg.reset();
    }
    if (slot < 0) return;
    this.#ctx.picker.release(slot);
    if (this.#ctx.queue.length > 0) this.#ctx.queue.poll(nowMs);
  }

  /** Lets go of the leg alone: the response on it, whose head was read, is not wanted. `rest[restStart …]` follows. */
  discard(rest: Buffer, restStart: number, nowMs: number): void {
    const { leg } = this;
    this.leg = null;
    if (leg !== null) discardResponse(this.#ctx, this.#request, leg, rest, restStart, nowMs);
  }

  /**
   * Begins anew at `slot`, whose place in flight was taken by the picker; the connection has been let go of. Nothing may
   * come between the picker's choice and the beginning, so the old place is given back last.
   * @param fresh use no pooled connection.
   */
  moveTo(slot: number, fresh: boolean, nowMs: number): void {
    const { picker, queue } = this.#ctx;
    const left = this.slot;
    this.start(slot, fresh, nowMs);
    picker.release(left);
    if (queue.length > 0) queue.poll(nowMs);
  }

  /** Counts a failure against the server. */
  blame(nowMs: number): void {
    if (this.slot < 0) return;
    const { picker, block } = this.#ctx;
    picker.onOutcome(this, true, nowMs);
    block.failures[this.slot]++;
    if (!this.answered) block.unanswered[this.slot]++;
  }

  // ── UpstreamUser ─────────────────────────────────────────────────────────────────────────────────────────────────

  onUpstreamReady(leg: UpstreamLeg, nowMs: number): void {
    const failure = leg.sendRequest(this.#request);
    if (failure !== null) {
      this.#owner.onAttemptFailed(this, failure, true, nowMs);
      return;
    }
    this.sent = true;
    this.#owner.onSent(this, nowMs);
  }

  onUpstreamFailed(_leg: UpstreamLeg, failure: Failure, nothingSent: boolean, nowMs: number): void {
    this.#owner.onAttemptFailed(this, failure, nothingSent, nowMs);
  }

  onUpstreamHead(_leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { status } = this.#ctx.responseHead;
    if (status < 200 && ++this.#interim > MAX_INTERIM_RESPONSES) {
      this.#owner.onAttemptFailed(this, Failures.BAD_RESPONSE, false, nowMs);
    } else if (status === 101 && !this.#request.upgrade) {
      this.#owner.onAttemptFailed(this, Failures.UNEXPECTED_UPGRADE, false, nowMs);
    } else if (status >= 200 || status === 101) {
      this.answered = true;
      this.#owner.onResponse(this, buffer, rest, restStart, nowMs);
    } else this.#owner.onInterim(this, buffer, nowMs);
  }

  onUpstreamData(_leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    this.#owner.onResponseData(this, data, nowMs);
  }

  onUpstreamEnd(_leg: UpstreamLeg, broken: boolean, nowMs: number): void {
    this.#owner.onResponseEnd(this, broken, nowMs);
  }

  onUpstreamDrain(_leg: UpstreamLeg, nowMs: number): void {
    this.#owner.onUpstreamRoom(this, nowMs);
  }

  onUpstreamDeadline(_leg: UpstreamLeg, nowMs: number): void {
    this.#owner.onUpstreamSilent(this, nowMs);
  }
}
