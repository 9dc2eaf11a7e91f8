/**
 * The life of one request, as its phases follow each other:
 *
 *   begin → dispatch → (queue) → attempt: connect, send, receive head → respond → relay body → finish
 *
 * and where a phase fails: try another server, or fail. One object serves many requests; nothing is allocated for each.
 */
import { WorkerCounter } from "../../shared/layout.ts";
import type { ProxyContext } from "../context.ts";
import { type Failure, Failures, refusedRequest } from "../failure.ts";
import { refusalOf } from "../http1/parse-error.ts";
import { ALL_FULL, NO_SERVER } from "../pick/picker.ts";
import type { Waiting } from "../pick/wait-queue.ts";
import { LOAD_REPORT_BITS, readLoadReport } from "../record/load-report.ts";
import { type RequestOutcome, recordRequest, recordResponse } from "../record/record.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { Downstream, DownstreamUser } from "./downstream.ts";
import type { Hedgeable } from "./hedge-timer.ts";
import { ProxiedRequest } from "./request.ts";
import { RequestRelay } from "./request-relay.ts";
import { Relay, ResponseRelay } from "./response-relay.ts";
import { NO_OTHER, Retries } from "./retries.ts";
import { Tunnel } from "./tunnel.ts";

/** nginx's status for the log when the client went away before it was answered. */
const CLIENT_CLOSED_REQUEST = 499;
/** Idle exchanges that are kept, of some 2 KB each: after a wave of requests the rest is not needed for long. */
const MAX_IDLE_EXCHANGES = 1024;

export class Exchange implements DownstreamUser, AttemptOwner, Waiting, Hedgeable, RequestOutcome {
  readonly #ctx: ProxyContext;
  /** Where it waits for its next request. */
  readonly #idle: Exchange[];
  readonly request: ProxiedRequest;
  readonly #upload: RequestRelay;
  /** The request that this object serves now: a timer that was set for an earlier one finds another number. */
  #generation = 0;
  /** The attempt that counts; with a hedge under way, the first of the two until one of them wins. */
  #attempt: Attempt;
  /** The second attempt of a hedged request; its object is kept for the next one. */
  #hedge: Attempt | null = null;
  readonly #retries: Retries;
  #queued = false;

  /** The final head went to the client: from here on there is no second try and no error page. */
  #responseStarted = false;
  readonly #relay: ResponseRelay;
  status = 0;
  responseBytes = 0;
  failure: Failure | null = null;
  #tunnel: Tunnel | null = null;

  constructor(ctx: ProxyContext, idle: Exchange[]) {
    this.#ctx = ctx;
    this.#idle = idle;
    this.request = new ProxiedRequest(ctx);
    this.#upload = new RequestRelay(ctx, this.request);
    this.#relay = new ResponseRelay(ctx, this.request);
    this.#attempt = new Attempt(ctx, this, this.request);
    this.#retries = new Retries(ctx, this.request);
  }

  get requestComplete(): boolean {
    return this.request.body.done;
  }

  get isTunnel(): boolean {
    return this.#tunnel !== null;
  }

  get attempts(): number {
    return this.#retries.attempts;
  }
  get slot(): number {
    return this.#attempt.slot;
  }
  get serverId(): number {
    return this.#attempt.serverId;
  }

  // ── begin ────────────────────────────────────────────────────────────────────────────────────────────────────────

  begin(
    client: Downstream,
    head: Buffer,
    headStart: number,
    route: number,
    data: Buffer,
    bodyStart: number,
    dataEnd: number,
    startedMs: number,
    nowMs: number,
  ): number {
    const ctx = this.#ctx;
    this.request.read(client, head, headStart, route, startedMs);
    this.#relay.reset();
    ctx.counters[WorkerCounter.REQUESTS]++;
    ctx.retryBudget.onRequest();
    const next = this.request.readFirstBody(data, bodyStart, dataEnd);
    if (next < 0) {
      this.#refuseBody(next, nowMs);
      return dataEnd;
    }
    if (this.request.tooLarge) {
      this.refuseRest(Failures.BODY_TOO_LARGE, nowMs);
      return dataEnd;
    }
    ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += next - bodyStart;
    if (ctx.queue.length > 0) ctx.queue.poll(nowMs); // who waits comes first: another worker may have given a place back
    this.#dispatch(nowMs);
    return next;
  }

  // ── dispatch and queue ───────────────────────────────────────────────────────────────────────────────────────────

  #dispatch(nowMs: number): void {
    const slot = this.#ctx.picker.acquire(this.request, nowMs, this.#retries.excluded);
    if (slot >= 0) this.#start(slot, nowMs);
    else if (slot === NO_SERVER) this.fail(Failures.NO_SERVER, nowMs);
    else this.#enqueue(nowMs);
  }

  #enqueue(nowMs: number): void {
    const { queue, settings, counters, wheel } = this.#ctx;
    if (queue.length >= settings.queueSize) {
      counters[WorkerCounter.QUEUE_REJECTED]++;
      this.fail(Failures.QUEUE_FULL, nowMs);
      return;
    }
    this.#queued = true;
    wheel.set(this.request.client, nowMs + settings.queueTimeoutMs);
    queue.push(this);
  }

  /** The queue's turn: see `Waiting`. */
  retryFromQueue(nowMs: number): boolean {
    const slot = this.#ctx.picker.acquire(this.request, nowMs, this.#retries.excluded);
    if (slot === ALL_FULL) return false;
    this.#queued = false;
    this.#ctx.wheel.clear(this.request.client);
    if (slot === NO_SERVER) this.fail(Failures.NO_SERVER, nowMs);
    else this.#start(slot, nowMs);
    return true;
  }

  #start(slot: number, nowMs: number): void {
    this.#countAttempt(nowMs);
    this.#attempt.start(slot, this.#retries.foundStale, nowMs);
  }

  #countAttempt(nowMs: number): void {
    if (++this.#retries.attempts === 1 && this.#ctx.settings.hedgeAfterMs > 0) this.#planHedge(nowMs);
  }

  // ── request body ─────────────────────────────────────────────────────────────────────────────────────────────────

  onSent(attempt: Attempt, nowMs: number): void {
    this.#upload.passWaiting(attempt);
    this.#awaitNext(attempt, nowMs);
  }

  /** What comes next: more of the request's body, or the response. */
  #awaitNext(attempt: Attempt, nowMs: number): void {
    const { body, client } = this.request;
    if (!body.done) this.#upload.awaitMore(attempt, this.#responseStarted, nowMs);
    else if (!this.#responseStarted) this.#awaitResponse(attempt, nowMs);
    else if (client.queuedBytes === 0) this.#ctx.wheel.clear(client);
  }

  #awaitResponse(attempt: Attempt, nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    wheel.clear(this.request.client);
    if (attempt.leg === null) return;
    const { responseHeadTimeoutMs, perTryTimeoutMs } = settings;
    const perTry = perTryTimeoutMs > 0 && this.#retries.possible ? perTryTimeoutMs : responseHeadTimeoutMs;
    wheel.set(attempt.leg, nowMs + Math.min(perTry, responseHeadTimeoutMs));
  }

  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number {
    const stop = this.request.body.consume(data, start, end);
    if (stop < 0) {
      this.#refuseBody(stop, nowMs);
      return -1;
    }
    if (this.request.tooLarge) {
      this.refuseRest(Failures.BODY_TOO_LARGE, nowMs);
      return -1;
    }
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += stop - start;
    this.#upload.pass(this.#attempt, data, start, stop);
    if (this.#attempt.sent) this.#awaitNext(this.#attempt, nowMs);
    return stop;
  }

  /** The server took queued bytes of the request. */
  onUpstreamRoom(attempt: Attempt, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverDrained(nowMs);
    else this.#awaitNext(attempt, nowMs);
  }

  #refuseBody(code: number, nowMs: number): void {
    const refusal = refusalOf(code);
    this.#ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.refuseRest(refusedRequest(refusal.status, refusal.reason, refusal.message), nowMs);
  }

  refuseRest(failure: Failure, nowMs: number): void {
    this.request.client.refuseRest();
    this.fail(failure, nowMs);
  }

  // ── response ─────────────────────────────────────────────────────────────────────────────────────────────────────

  onInterim(attempt: Attempt, buffer: Buffer, nowMs: number): void {
    if (this.#ctx.responseHead.status === 100) this.request.expectsContinue = false;
    if (!this.request.client.interim(buffer)) this.abort(nowMs);
    else if (!this.request.body.done) this.#awaitNext(attempt, nowMs);
  }

  onResponse(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const ctx = this.#ctx;
    const { slot, dispatchedMs } = attempt;
    const head = ctx.responseHead;
    const failed = head.status >= 500 && head.status < 600;
    ctx.picker.onOutcome(attempt, failed, nowMs);
    recordResponse(ctx.block, slot, nowMs - dispatchedMs, failed);
    if ((head.seen & LOAD_REPORT_BITS) !== 0) readLoadReport(buffer, head, ctx.block, slot);
    if (failed && this.#passOver(attempt, rest, restStart, nowMs)) return;
    this.#win(attempt, nowMs);
    this.#responseStarted = true;
    this.status = head.status;
    const { leg } = attempt;
    if (leg === null) return;
    if (head.status === 101) {
      this.#startTunnel(leg, buffer, rest, restStart, nowMs);
      return;
    }
    const relay = this.#relay.begin(leg, buffer, rest, restStart, nowMs);
    if (relay === Relay.BROKEN) {
      // Nothing of it has been sent: the client can still be told.
      this.#responseStarted = false;
      this.onAttemptFailed(attempt, Failures.BAD_RESPONSE, false, nowMs);
    } else this.#relayed(relay, nowMs);
  }

  onResponseData(attempt: Attempt, data: Buffer, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.fromServer(data, nowMs);
    else if (attempt.leg !== null) this.#relayed(this.#relay.more(attempt.leg, data, nowMs), nowMs);
  }

  /** A part of the response went to the client. */
  #relayed(relay: Relay, nowMs: number): void {
    if (relay === Relay.DONE) this.#finish(nowMs);
    else if (relay === Relay.CLIENT_GONE) this.abort(nowMs);
    else if (relay === Relay.BROKEN) this.fail(Failures.BAD_RESPONSE, nowMs);
  }

  onClientDrain(nowMs: number): void {
    const upstream = this.#attempt.leg;
    if (this.#tunnel !== null) this.#tunnel.clientDrained(nowMs);
    else if (upstream !== null && this.#responseStarted) this.#relay.onClientDrain(upstream, nowMs);
  }

  /** The server sends nothing more. */
  onResponseEnd({ leg }: Attempt, broken: boolean, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverEnded(broken, nowMs);
    else if (!broken && leg !== null && this.#relay.endWithConnection(leg)) this.#finish(nowMs);
    else this.fail(Failures.RESPONSE_TRUNCATED, nowMs);
  }

  // ── tunnel ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #startTunnel(upstream: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { client } = this.request;
    const tunnel = new Tunnel(this.#ctx, client, upstream, nowMs, (failure, now) => this.#endTunnel(failure, now));
    this.#tunnel = tunnel;
    client.startTunnel(buffer, nowMs);
    if (restStart < rest.length) tunnel.fromServer(rest.subarray(restStart), nowMs);
  }

  onTunnelData(data: Buffer, nowMs: number): void {
    this.#tunnel?.fromClient(data, nowMs);
  }

  #endTunnel(failure: Failure | null, nowMs: number): void {
    // A broken tunnel must not look like one that ended in order.
    if (failure !== null) {
      this.fail(failure, nowMs);
      return;
    }
    this.responseBytes = this.#tunnel?.bytesToClient ?? 0;
    this.#complete(true, nowMs);
  }

  // ── finish ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The response is complete. */
  #finish(nowMs: number): void {
    this.responseBytes = this.#relay.bytes;
    const upstream = this.#attempt.leg;
    const sent = this.request.body.done && upstream?.queuedBytes === 0 && !upstream.gone;
    this.#complete(sent, nowMs);
  }

  /** Records the request, lets go of everything and hands the client's connection back. */
  #complete(upstreamDone: boolean, nowMs: number): void {
    const { client } = this.request;
    recordRequest(this.#ctx, this.request, this, nowMs);
    this.#endAttempts(upstreamDone, nowMs);
    this.#ctx.wheel.clear(client);
    const { done } = this.request.body;
    this.#reset();
    client.done(done, nowMs);
  }

  #endAttempts(upstreamDone: boolean, nowMs: number): void {
    this.#attempt.end(upstreamDone, nowMs);
    if (this.#hedge?.active) this.#hedge.end(false, nowMs);
  }

  // ── retries and hedges ───────────────────────────────────────────────────────────────────────────────────────────

  /** An attempt ended without a response that can be used: try another server, where that is safe, or give up. */
  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void {
    const { slot } = attempt;
    if (failure !== Failures.STALE_CONNECTION) attempt.blame(nowMs);
    if (this.#giveWay(attempt)) {
      attempt.end(false, nowMs);
      return;
    }
    if (this.#responseStarted || !this.#retries.afterFailure(failure, slot, nothingSent, nowMs)) {
      this.fail(failure, nowMs);
      return;
    }
    this.#ctx.counters[WorkerCounter.RETRIES]++;
    attempt.end(false, nowMs);
    this.#dispatch(nowMs);
  }

  /** Does without a response of 5xx when there may be a better one. @returns false when it is the client's. */
  #passOver(attempt: Attempt, rest: Buffer, restStart: number, nowMs: number): boolean {
    if (this.#giveWay(attempt)) {
      attempt.discard(rest, restStart, nowMs);
      attempt.end(false, nowMs);
      return true;
    }
    const slot = this.#retries.insteadOf(this.#ctx.responseHead.status, attempt.slot, nowMs);
    if (slot === NO_OTHER) return false;
    this.#ctx.counters[WorkerCounter.RETRIES]++;
    attempt.discard(rest, restStart, nowMs);
    this.#countAttempt(nowMs);
    attempt.moveTo(slot, this.#retries.foundStale, nowMs);
    return true;
  }

  /** Leaves a hedged request to its other attempt. @returns false when there is none under way. */
  #giveWay(attempt: Attempt): boolean {
    const other = attempt === this.#attempt ? this.#hedge : this.#attempt;
    if (!other?.active) return false;
    this.#attempt = other;
    this.#hedge = attempt;
    return true;
  }

  #planHedge(nowMs: number): void {
    const { hedgeTimer, hedgeBudget, settings } = this.#ctx;
    hedgeBudget.onRequest();
    const { idempotent, body, upgrade } = this.request;
    if (!idempotent || !body.done || upgrade) return;
    hedgeTimer.schedule(this, this.#generation, nowMs + settings.hedgeAfterMs);
  }

  /** The first server has not answered yet: ask a second one, if the budget allows. See `Hedgeable`. */
  onHedgeDue(generation: number, nowMs: number): void {
    const { picker, hedgeBudget, counters } = this.#ctx;
    if (generation !== this.#generation || this.#responseStarted || this.attempts !== 1) return;
    if (!this.#attempt.active) return;
    const slot = picker.acquire(this.request, nowMs, [this.#attempt.slot], false);
    if (slot < 0) return;
    // Only a hedge that has another server to go to, which answers, costs budget.
    if (slot === this.#attempt.slot || picker.isPassedOver(slot) || !hedgeBudget.tryTake(nowMs)) {
      picker.release(slot);
      return;
    }
    counters[WorkerCounter.HEDGES]++;
    this.#retries.attempts++;
    this.#hedge ??= new Attempt(this.#ctx, this, this.request);
    this.#hedge.start(slot, false, nowMs);
  }

  /** This attempt's answer is the one that counts: the other one, if any, is cancelled. */
  #win(attempt: Attempt, nowMs: number): void {
    const hedge = this.#hedge;
    if (hedge === null || !hedge.active) return;
    const loser = attempt === hedge ? this.#attempt : hedge;
    if (attempt === hedge) this.#ctx.counters[WorkerCounter.HEDGES_WON]++;
    this.#attempt = attempt;
    this.#hedge = loser;
    loser.end(false, nowMs);
  }

  // ── failure ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A deadline towards the server passed. */
  onUpstreamSilent(attempt: Attempt, nowMs: number): void {
    const waitedMs = nowMs - attempt.dispatchedMs;
    if (this.#responseStarted) this.fail(Failures.RESPONSE_BODY_TIMEOUT, nowMs);
    else if (!this.request.body.done && !this.request.awaitsContinue) {
      this.onAttemptFailed(attempt, Failures.REQUEST_WRITE_TIMEOUT, false, nowMs);
    } else if (waitedMs < this.#ctx.settings.responseHeadTimeoutMs) {
      this.onAttemptFailed(attempt, Failures.TRY_TIMEOUT, false, nowMs);
    } else this.onAttemptFailed(attempt, Failures.RESPONSE_TIMEOUT, false, nowMs);
  }

  /** Which one it was depends on the phase. */
  onClientDeadline(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.close(nowMs);
    else if (this.#queued) {
      this.#ctx.counters[WorkerCounter.QUEUE_TIMEOUTS]++;
      this.fail(Failures.QUEUE_TIMEOUT, nowMs);
    } else if (this.request.client.queuedBytes > 0) this.fail(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (!this.request.body.done) this.refuseRest(Failures.REQUEST_BODY_TIMEOUT, nowMs);
  }

  /** Ends the exchange with an error response, or visibly cuts off a response that has begun. */
  fail(failure: Failure, nowMs: number): void {
    const { client } = this.request;
    this.failure = failure;
    if (this.#queued) {
      this.#queued = false;
      this.#ctx.queue.remove(this);
    }
    if (this.#responseStarted || failure.status === 0) this.#cut(failure, nowMs);
    else {
      this.status = failure.status;
      this.responseBytes = client.fail(failure, this.request);
      this.#complete(false, nowMs);
    }
  }

  /** Ends what cannot be answered any more: the client gets what there is of its response, and sees that it is not all. */
  #cut(failure: Failure, nowMs: number): void {
    const { client } = this.request;
    if (!this.#responseStarted) this.status = CLIENT_CLOSED_REQUEST;
    else if (failure.source === "upstream") this.#attempt.blame(nowMs);
    this.responseBytes = this.#tunnel?.bytesToClient ?? this.#relay.bytes;
    recordRequest(this.#ctx, this.request, this, nowMs);
    this.#endAttempts(false, nowMs);
    const shows = this.#tunnel === null && this.#relay.showsCut;
    this.#reset();
    // Who is gone, or does not read, has no use for the rest.
    if (failure.status === 0) client.reset();
    else client.cut(shows, nowMs);
  }

  abort(nowMs: number): void {
    this.#ctx.counters[WorkerCounter.CLIENT_ABORTS]++;
    if (this.#tunnel !== null) this.#tunnel.clientGone(nowMs);
    else this.fail(Failures.CLIENT_ABORTED, nowMs);
  }

  onClientEnd(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded(nowMs);
    else if (!this.request.body.done) this.refuseRest(Failures.REQUEST_TRUNCATED, nowMs);
  }

  /** Makes the object ready for the next request. */
  #reset(): void {
    this.request.clear();
    this.#generation++;
    this.#upload.reset();
    this.#retries.reset();
    this.#queued = false;
    this.#responseStarted = false;
    this.status = 0;
    this.responseBytes = 0;
    this.failure = null;
    this.#tunnel = null;
    this.#attempt.serverId = 0;
    if (this.#idle.length < MAX_IDLE_EXCHANGES) this.#idle.push(this);
  }
}
