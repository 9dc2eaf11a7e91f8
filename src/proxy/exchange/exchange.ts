/**
 * The life of one request, as its phases follow each other (phase.ts):
 *
 *   begin → dispatch → (queue) → attempts: connect, send, receive head → respond → relay body → end
 *                                                                      └ tunnel ────────────┘
 *
 * and where a phase fails: an error response, or a visible cut. One object serves many requests; nothing is allocated for
 * each.
 */
import { WorkerCounter } from "../../shared/layout.ts";
import type { ProxyContext } from "../context.ts";
import { type Failure, Failures, refusedRequest } from "../failure.ts";
import { refusalOf } from "../http1/parse-error.ts";
import { type RequestOutcome, recordRequest } from "../record/record.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import type { Attempt } from "./attempts/attempt.ts";
import { Attempts, type ResponseSeeker } from "./attempts/attempts.ts";
import type { Downstream, DownstreamUser } from "./downstream.ts";
import { follow, Phase } from "./phase.ts";
import { ProxiedRequest } from "./request.ts";
import { RequestRelay } from "./request-relay.ts";
import { Relay, ResponseRelay } from "./response-relay.ts";
import { Tunnel } from "./tunnel.ts";

/** nginx's status for the log when the client went away before it was answered. */
const CLIENT_CLOSED_REQUEST = 499;
/** Idle exchanges that are kept, of some 2 KB each: after a wave of requests the rest is not needed for long. */
const MAX_IDLE_EXCHANGES = 1024;

export class Exchange implements DownstreamUser, ResponseSeeker, RequestOutcome {
  readonly #ctx: ProxyContext;
  /** Where it waits for its next request. */
  readonly #idle: Exchange[];
  #phase: Phase = Phase.IDLE;
  readonly request: ProxiedRequest;
  readonly #upload: RequestRelay;
  readonly #attempts: Attempts;
  readonly #relay: ResponseRelay;
  #tunnel: Tunnel | null = null;
  status = 0;
  responseBytes = 0;
  failure: Failure | null = null;

  constructor(ctx: ProxyContext, idle: Exchange[]) {
    this.#ctx = ctx;
    this.#idle = idle;
    this.request = new ProxiedRequest(ctx);
    this.#upload = new RequestRelay(ctx, this.request);
    this.#attempts = new Attempts(ctx, this, this.request);
    this.#relay = new ResponseRelay(ctx, this.request);
  }

  get requestComplete(): boolean {
    return this.request.body.done;
  }

  get isTunnel(): boolean {
    return this.#phase === Phase.TUNNEL;
  }

  get attempts(): number {
    return this.#attempts.count;
  }
  get slot(): number {
    return this.#attempts.current.slot;
  }
  get serverId(): number {
    return this.#attempts.current.outcome.serverId;
  }

  #enter(phase: Phase): void {
    this.#phase = follow(this.#phase, phase);
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
    const { counters, retryBudget, queue } = this.#ctx;
    this.#enter(Phase.DISPATCH);
    this.request.read(client, head, headStart, route, startedMs);
    counters[WorkerCounter.REQUESTS]++;
    retryBudget.onRequest();
    const next = this.request.readFirstBody(data, bodyStart, dataEnd);
    if (!this.#accept(next, next - bodyStart, nowMs)) return dataEnd;
    if (queue.length > 0) queue.poll(nowMs); // who waits comes first: another worker may have given a place back
    this.#attempts.begin(nowMs);
    return next;
  }

  onQueued(nowMs: number): void {
    this.#enter(Phase.QUEUED);
    this.#ctx.wheel.set(this.request.client, nowMs + this.#ctx.settings.queueTimeoutMs);
  }

  onAttempt(): void {
    if (this.#phase === Phase.QUEUED) this.#ctx.wheel.clear(this.request.client);
    this.#enter(Phase.ATTEMPTING);
  }

  // ── the request's body ───────────────────────────────────────────────────────────────────────────────────────────

  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number {
    const stop = this.request.body.consume(data, start, end);
    if (!this.#accept(stop, stop - start, nowMs)) return -1;
    const attempt = this.#attempts.current;
    this.#upload.pass(attempt, data, start, stop);
    if (attempt.sent) this.#awaitNext(attempt, nowMs);
    return stop;
  }

  /** So many `bytes` of the body came; or, with `stop` < 0, what is none. @returns false when the request is refused. */
  #accept(stop: number, bytes: number, nowMs: number): boolean {
    if (stop < 0) {
      const { status, reason, message } = refusalOf(stop);
      this.#ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
      this.refuseRest(refusedRequest(status, reason, message), nowMs);
      return false;
    }
    if (this.request.tooLarge) {
      this.refuseRest(Failures.BODY_TOO_LARGE, nowMs);
      return false;
    }
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += bytes;
    return true;
  }

  onSent(attempt: Attempt, nowMs: number): void {
    this.#upload.passWaiting(attempt);
    this.#awaitNext(attempt, nowMs);
  }

  onServerDrain(attempt: Attempt, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverDrained(nowMs);
    else this.#awaitNext(attempt, nowMs);
  }

  /** What comes next: more of the request's body, or the response. */
  #awaitNext(attempt: Attempt, nowMs: number): void {
    const { body, client } = this.request;
    const responding = this.#phase === Phase.RESPONDING;
    if (!body.done) this.#upload.awaitMore(attempt, responding, nowMs);
    else if (!responding) {
      this.#ctx.wheel.clear(client);
      if (attempt.leg !== null) this.#attempts.awaitHead(attempt.leg, nowMs);
    } else if (client.queuedBytes === 0) this.#ctx.wheel.clear(client);
  }

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────────

  onInterim(attempt: Attempt, buffer: Buffer, nowMs: number): void {
    if (this.#ctx.responseHead.status === 100) this.request.expectsContinue = false;
    if (!this.request.client.interim(buffer)) this.abort(nowMs);
    else if (!this.request.body.done) this.#awaitNext(attempt, nowMs);
  }

  onResponse(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { status } = this.#ctx.responseHead;
    if (status === 101) {
      this.#startTunnel(leg, buffer, rest, restStart, nowMs);
      return;
    }
    if (!this.#relay.begin(rest, restStart)) {
      this.fail(Failures.BAD_RESPONSE, nowMs); // nothing of it has been sent: the client can still be told
      return;
    }
    this.#enter(Phase.RESPONDING);
    this.status = status;
    this.#relayed(this.#relay.respond(leg, buffer, rest, restStart, nowMs), nowMs);
  }

  onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.fromServer(data, nowMs);
    else this.#relayed(this.#relay.more(leg, data, nowMs), nowMs);
  }

  /** A part of the response went to the client. */
  #relayed(relay: Relay, nowMs: number): void {
    if (relay === Relay.DONE) this.#complete(nowMs);
    else if (relay === Relay.CLIENT_GONE) this.abort(nowMs);
    else if (relay === Relay.BROKEN) this.fail(Failures.BAD_RESPONSE, nowMs);
  }

  onClientDrain(nowMs: number): void {
    const { leg } = this.#attempts.current;
    if (this.#tunnel !== null) this.#tunnel.clientDrained(nowMs);
    else if (leg !== null && this.#phase === Phase.RESPONDING) this.#relay.onClientDrain(leg, nowMs);
  }

  onResponseEnd(broken: boolean, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverEnded(broken, nowMs);
    else if (!broken && this.#relay.endWithConnection()) this.#complete(nowMs);
    else this.fail(Failures.RESPONSE_TRUNCATED, nowMs);
  }

  onResponseSilent(nowMs: number): void {
    this.fail(Failures.RESPONSE_BODY_TIMEOUT, nowMs);
  }

  // ── tunnel ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #startTunnel(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { client } = this.request;
    this.#enter(Phase.TUNNEL);
    this.status = 101;
    const tunnel = new Tunnel(this.#ctx, client, leg, nowMs, (failure, now) => this.#endTunnel(failure, now));
    this.#tunnel = tunnel;
    client.startTunnel(buffer, nowMs);
    if (restStart < rest.length) tunnel.fromServer(rest.subarray(restStart), nowMs);
  }

  onTunnelData(data: Buffer, nowMs: number): void {
    this.#tunnel?.fromClient(data, nowMs);
  }

  /** A broken tunnel must not look like one that ended in order. */
  #endTunnel(failure: Failure | null, nowMs: number): void {
    if (failure !== null) this.fail(failure, nowMs);
    else this.#done(true, nowMs);
  }

  // ── the client ───────────────────────────────────────────────────────────────────────────────────────────────────

  onClientEnd(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded(nowMs);
    else if (!this.request.body.done) this.refuseRest(Failures.REQUEST_TRUNCATED, nowMs);
  }

  /** Which one it was depends on the phase. */
  onClientDeadline(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.close(nowMs);
    else if (this.#phase === Phase.QUEUED) {
      this.#ctx.counters[WorkerCounter.QUEUE_TIMEOUTS]++;
      this.fail(Failures.QUEUE_TIMEOUT, nowMs);
    } else if (this.request.client.queuedBytes > 0) this.fail(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (!this.request.body.done) this.refuseRest(Failures.REQUEST_BODY_TIMEOUT, nowMs);
  }

  abort(nowMs: number): void {
    this.#ctx.counters[WorkerCounter.CLIENT_ABORTS]++;
    if (this.#tunnel !== null) this.#tunnel.clientGone(nowMs);
    else this.fail(Failures.CLIENT_ABORTED, nowMs);
  }

  refuseRest(failure: Failure, nowMs: number): void {
    this.request.client.refuseRest();
    this.fail(failure, nowMs);
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onNoResponse(failure: Failure, nowMs: number): void {
    this.fail(failure, nowMs);
  }

  /** Ends it with an error response, or visibly cuts off a response that has begun. */
  fail(failure: Failure, nowMs: number): void {
    this.failure = failure;
    if (this.#phase === Phase.QUEUED) this.#attempts.leaveQueue();
    if (this.#phase >= Phase.RESPONDING || failure.status === 0) {
      this.#cut(failure, nowMs);
      return;
    }
    this.status = failure.status;
    this.responseBytes = this.request.client.fail(failure, this.request);
    this.#done(false, nowMs);
  }

  /** Ends what cannot be answered any more: the client gets what there is of its response, and sees that it is not all. */
  #cut(failure: Failure, nowMs: number): void {
    const { client } = this.request;
    if (this.#phase < Phase.RESPONDING) this.status = CLIENT_CLOSED_REQUEST;
    const shows = this.#tunnel === null && this.#relay.showsCut;
    this.#end(false, nowMs);
    // Who is gone, or does not read, has no use for the rest.
    if (failure.status === 0) client.reset();
    else client.cut(shows, nowMs);
  }

  /** The response is complete. */
  #complete(nowMs: number): void {
    const { leg } = this.#attempts.current;
    this.#done(this.request.body.done && leg?.queuedBytes === 0 && !leg.gone, nowMs);
  }

  /** Hands the client's connection back, after a response of whatever kind. */
  #done(upstreamDone: boolean, nowMs: number): void {
    const { client, body } = this.request;
    const requestComplete = body.done;
    this.#end(upstreamDone, nowMs);
    this.#ctx.wheel.clear(client);
    client.done(requestComplete, nowMs);
  }

  /** Records the request, lets go of everything and is ready for the next one. */
  #end(upstreamDone: boolean, nowMs: number): void {
    const responding = this.#phase >= Phase.RESPONDING;
    const relayed = responding ? (this.#tunnel?.bytesToClient ?? this.#relay.bytes) : 0;
    if (responding) this.responseBytes = relayed;
    recordRequest(this.#ctx, this.request, this, nowMs);
    this.#attempts.end(upstreamDone, this.failure, relayed, nowMs);
    this.request.clear();
    this.#upload.reset();
    this.#enter(Phase.IDLE);
    this.#tunnel = null;
    this.status = 0;
    this.responseBytes = 0;
    this.failure = null;
    if (this.#idle.length < MAX_IDLE_EXCHANGES) this.#idle.push(this);
  }
}
