/**
 * All attempts of one request: whoever serves it asks here for a response head, and is told of the one that counts, or why
 * there will be none. In between a server is chosen, or a place waited for; another one is tried where that is safe; and a
 * second one is asked beside a slow one.
 */
import { ATTEMPT_CAUSES, attemptCause, SERVER_ERROR_CAUSE } from "../../../shared/attempt-causes.ts";
import { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { type Failure, Failures } from "../../failure.ts";
import { isServerError } from "../../outcome.ts";
import { isAtLimit, NO_SERVER } from "../../pick/picker.ts";
import { Heed } from "../../pick/room.ts";
import { type Waiting, WaitingPlace } from "../../pool/queue/wait-line.ts";
import { LOAD_REPORT_BITS, readLoadReport } from "../../record/load-report.ts";
import type { UpstreamLeg } from "../../upstream/leg.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";
import { Attempt, type AttemptOwner, type AttemptUser } from "./attempt.ts";
import type { Hedgeable } from "./hedge-timer.ts";
import { NO_OTHER, Retries } from "./retries.ts";

/** Who wants a response. */
export interface ResponseSeeker extends AttemptUser {
  /** Every server is full: there will be an attempt when one has room. */
  onQueued(nowMs: number): void;
  /** An attempt begins, after none or a failed one. */
  onAttempt(nowMs: number): void;
  /** The final head that counts, or 101, in `ctx.responseHead` and parsed from `buffer`; `rest[restStart …]` follows it. */
  onResponse(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void;
  /** There will be no response. */
  fail(failure: Failure, nowMs: number): void;
}

/** The attempts of one request; the object serves many requests, one after the other. */
export class Attempts implements AttemptOwner, Waiting, Hedgeable {
  readonly #ctx: ExchangeContext;
  readonly #seeker: ResponseSeeker;
  readonly #request: ProxiedRequest;
  readonly #retries: Retries;
  /** The attempt that counts; with a hedge under way, the first of the two until one of them wins. */
  #current: Attempt;
  /** The second attempt of a hedged request; its object is kept for the next one. */
  #hedge: Attempt | null = null;
  /** The request that this object serves now: a timer that was set for an earlier one finds another number. */
  #generation = 0;
  readonly place: WaitingPlace;
  /** It was held, before whichever attempt. */
  wasHeld = false;

  constructor(ctx: ExchangeContext, seeker: ResponseSeeker, request: ProxiedRequest) {
    this.#ctx = ctx;
    this.#seeker = seeker;
    this.#request = request;
    this.#retries = new Retries(ctx, request);
    this.#current = new Attempt(ctx, this, seeker, request);
    this.place = new WaitingPlace(this);
  }

  /** The attempt that counts. It may be over, or not have begun. */
  get current(): Attempt {
    return this.#current;
  }

  /** How many there have been. */
  get count(): number {
    return this.#retries.attempts;
  }

  // ── a server, or a place in the queue ────────────────────────────────────────────────────────────────────────────

  /** Seeks a response. */
  begin(nowMs: number): void {
    const { excluded } = this.#retries;
    const { sticky, pool } = this.#request;
    // A retry was before all those that wait now; who sticks to a server takes nobody's place but one there.
    const why = this.count === 0 && sticky === null ? pool.queue.mustWait(nowMs) : 0;
    const slot = why === 0 ? pool.picker.acquire(this.#request, nowMs, excluded) : why;
    this.#goOrWait(slot, nowMs);
  }

  /** @param slot of a server, where a place in flight was taken; or why there is none, as the picker says it. */
  #goOrWait(slot: number, nowMs: number): void {
    const { queue, picker } = this.#request.pool;
    const { excluded } = this.#retries;
    let to = slot;
    if (isAtLimit(to) && !queue.mayHold(nowMs)) {
      to = picker.acquire(this.#request, nowMs, excluded, undefined, Heed.NONE);
    }
    if (to >= NO_SERVER) this.leaveFor(to, nowMs);
    else if (queue.isFull) {
      this.#ctx.counters[WorkerCounter.QUEUE_REJECTED]++;
      this.#seeker.fail(Failures.QUEUE_FULL, nowMs);
    } else {
      this.#seeker.onQueued(nowMs);
      queue.enter(this.place, to, excluded.length > 0 || this.#request.sticky !== null, nowMs);
    }
  }

  // In the queue: see `Waiting`.

  acquireFromQueue(nowMs: number, heed: Heed): number {
    return this.#request.pool.picker.acquire(this.#request, nowMs, this.#retries.excluded, undefined, heed);
  }

  leaveFor(slot: number, nowMs: number): void {
    if (slot === NO_SERVER) this.#seeker.fail(Failures.NO_SERVER, nowMs);
    else this.#start(slot, nowMs);
  }

  shed(nowMs: number): void {
    this.#seeker.fail(Failures.QUEUE_SHED, nowMs);
  }

  /** It has waited for as long as any may: one that was only held is sent on. @returns false when it is to be refused. */
  onWaitOver(nowMs: number): boolean {
    return this.#request.pool.queue.sendAnyway(this.place, nowMs);
  }

  /** Waits no longer. @param isGone its client has left. */
  leaveQueue(isGone: boolean, nowMs: number): void {
    this.#request.pool.queue.leave(this.place, isGone, nowMs);
    this.#noteHeld();
  }

  #noteHeld(): void {
    if (!this.place.held) return;
    this.wasHeld = true;
    this.place.held = false;
  }

  #start(slot: number, nowMs: number): void {
    this.#seeker.onAttempt(nowMs);
    this.#countAttempt(nowMs);
    const kind = this.count === 1 ? TraceAttemptKind.FIRST : TraceAttemptKind.RETRY;
    this.#current.start(slot, this.count, kind, this.#retries.foundStale, nowMs, this.place);
    this.#noteHeld();
  }

  #countAttempt(nowMs: number): void {
    if (++this.#retries.attempts === 1 && this.#request.target.settings.hedgeAfterMs > 0) this.#planHedge(nowMs);
  }

  // ── a response head ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The whole request was sent on `leg`: its server has so long for the head of a response. */
  awaitHead(leg: UpstreamLeg, nowMs: number): void {
    const { wheel } = this.#ctx;
    const { responseHeadTimeoutMs, target } = this.#request;
    const { perTryTimeoutMs } = target.settings;
    const perTry = perTryTimeoutMs > 0 && this.#retries.possible ? perTryTimeoutMs : responseHeadTimeoutMs;
    wheel.set(leg, nowMs + Math.min(perTry, responseHeadTimeoutMs));
  }

  onAttemptHead(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { responseHead: head, block } = this.#ctx;
    if ((head.seen & LOAD_REPORT_BITS) !== 0) readLoadReport(buffer, head, block, attempt.slot);
    if (this.#isUnwanted(attempt, buffer) && this.#passOver(attempt, rest, restStart, nowMs)) return;
    this.#win(attempt, nowMs);
    if (attempt.leg !== null) this.#seeker.onResponse(attempt.leg, buffer, rest, restStart, nowMs);
  }

  onAttemptSilent(attempt: Attempt, nowMs: number): void {
    const { body, awaitsContinue } = this.#request;
    const waitedMs = nowMs - attempt.outcome.dispatchedMs;
    if (!body.done && !awaitsContinue) {
      this.onAttemptFailed(attempt, Failures.REQUEST_WRITE_TIMEOUT, false, nowMs);
    } else if (waitedMs < this.#request.responseHeadTimeoutMs) {
      this.onAttemptFailed(attempt, Failures.TRY_TIMEOUT, false, nowMs);
    } else this.onAttemptFailed(attempt, Failures.RESPONSE_TIMEOUT, false, nowMs);
  }

  /** An attempt ended without a response that can be used: try another server, where that is safe, or give up. */
  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void {
    if (this.#giveWay(attempt)) {
      attempt.end(false, failure, 0, nowMs);
      return;
    }
    if (!this.#retries.afterFailure(failure, attempt.slot, nothingSent, nowMs)) {
      this.#seeker.fail(failure, nowMs);
      return;
    }
    this.#countRetry(attempt.slot, attemptCause(failure.code));
    attempt.end(false, failure, 0, nowMs);
    this.begin(nowMs);
  }

  #countRetry(slot: number, cause: number): void {
    const { counters, block } = this.#ctx;
    counters[WorkerCounter.RETRIES]++;
    block.retryCauses[slot * ATTEMPT_CAUSES.length + cause]++;
  }

  /** May there be a better response than the one whose head came, parsed from `buffer`? */
  #isUnwanted(attempt: Attempt, buffer: Buffer): boolean {
    const { responseHead: head } = this.#ctx;
    const { grpcStatus } = attempt.outcome;
    if (isServerError(head.status)) return this.#hasOther(attempt) || this.#retries.wantsOtherThan(head.status);
    return grpcStatus > 0 && this.#retries.wantsOtherThanCall(grpcStatus, buffer, head);
  }

  /** Does without the response of an attempt. @returns false when it is the client's all the same. */
  #passOver(attempt: Attempt, rest: Buffer, restStart: number, nowMs: number): boolean {
    if (this.#giveWay(attempt)) {
      attempt.discard(rest, restStart, nowMs);
      attempt.end(false, null, 0, nowMs);
      return true;
    }
    const slot = this.#retries.insteadOf(attempt.slot, nowMs);
    if (slot === NO_OTHER) return false;
    this.#countRetry(attempt.slot, SERVER_ERROR_CAUSE);
    attempt.discard(rest, restStart, nowMs);
    this.#countAttempt(nowMs);
    attempt.moveTo(slot, this.count, TraceAttemptKind.RETRY, this.#retries.foundStale, nowMs);
    return true;
  }

  /**
   * The line that makes the client stick to the server whose response counts; `null` = it needs none. A client that sticks to
   * another one, which was only full or slow, goes on doing so.
   */
  stickyLine(): Buffer | null {
    const { pool, sticky } = this.#request;
    const { stickyCookie, picker } = pool;
    if (stickyCookie === null) return null;
    const { serverId } = this.#current.outcome;
    const stays = sticky !== null && (sticky.id === serverId || picker.isUsable(sticky, this.#retries.excluded));
    if (stays && sticky.current) return null;
    return stickyCookie.lineFor(stays ? sticky.id : serverId, this.#request);
  }

  // ── a hedge ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #planHedge(nowMs: number): void {
    const { idempotent, body, upgrade, pool, target } = this.#request;
    pool.hedgeBudget.onRequest();
    if (!idempotent || !body.done || upgrade) return;
    this.#ctx.hedgeTimers.schedule(this, this.#generation, target.settings.hedgeAfterMs, nowMs);
  }

  /** The first server has not answered yet: ask a second one, if the budget allows. See `Hedgeable`. */
  onHedgeDue(generation: number, nowMs: number): void {
    const first = this.#current;
    if (generation !== this.#generation || this.count !== 1 || !first.active || first.answered) return;
    const { pool } = this.#request;
    const { picker, hedgeBudget, queue } = pool;
    // Nobody waits for its sake.
    if (queue.isWanted) return;
    const slot = picker.acquire(this.#request, nowMs, [first.slot], false, Heed.EACH);
    if (slot < 0) return;
    // Only a hedge that has another server to go to, which answers, costs budget.
    if (slot === first.slot || picker.isPassedOver(slot) || !hedgeBudget.tryTake(nowMs)) {
      pool.free(slot, picker.work.taken, nowMs);
      return;
    }
    this.#ctx.counters[WorkerCounter.HEDGES]++;
    this.#retries.attempts++;
    this.#hedge ??= new Attempt(this.#ctx, this, this.#seeker, this.#request);
    this.#hedge.start(slot, this.count, TraceAttemptKind.HEDGE, false, nowMs);
  }

  /** This attempt's response is the one that counts: the other one, if any, is cancelled. */
  #win(attempt: Attempt, nowMs: number): void {
    const hedge = this.#hedge;
    if (hedge === null || !hedge.active) return;
    const loser = attempt === hedge ? this.#current : hedge;
    if (attempt === hedge) this.#ctx.counters[WorkerCounter.HEDGES_WON]++;
    this.#current = attempt;
    this.#hedge = loser;
    loser.end(false, null, 0, nowMs);
  }

  /** Another attempt is under way. */
  #hasOther(attempt: Attempt): boolean {
    return this.#otherThan(attempt)?.active === true;
  }

  #otherThan(attempt: Attempt): Attempt | null {
    return attempt === this.#current ? this.#hedge : this.#current;
  }

  /** Leaves a hedged request to its other attempt. @returns false when there is none under way. */
  #giveWay(attempt: Attempt): boolean {
    const other = this.#otherThan(attempt);
    if (!other?.active) return false;
    this.#current = other;
    this.#hedge = attempt;
    return true;
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Ends what is under way, and is ready for the next request.
   * @param complete both messages are: else something is unfinished on the leg.
   * @param failure why it ends, when the response was not complete.
   * @param responseBytes what the client got of the response.
   */
  end(complete: boolean, failure: Failure | null, responseBytes: number, nowMs: number): void {
    this.#current.end(complete, failure, responseBytes, nowMs);
    if (this.#hedge?.active) this.#hedge.end(false, failure, 0, nowMs);
    this.#current.outcome.serverId = 0;
    this.#retries.reset();
    this.wasHeld = false;
    this.#generation++;
  }
}
