/**
 * The life of one request, as its phases follow each other (phase.ts):
 *
 *   begin → (authorise) → dispatch → (queue) → attempts: connect, send, receive head → respond → relay body → end
 *              └──────────────────────────────────────────────────────────────────────┘└ tunnel ────────────┘
 *
 * and where a phase fails: an error response, or a visible cut. One object serves many requests; nothing is allocated for
 * each.
 */
import { NO_GRPC_STATUS } from "../../shared/grpc-status.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { type Failure, Failures, isFailure } from "../failure.ts";
import type { FixedText } from "../http1/fixed-text.ts";
import { grpcStatusFor } from "../local/grpc-errors.ts";
import type { LocalResponse } from "../local/response.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import type { AppliedLimits } from "../rate-limits/applied-limits.ts";
import { LimitedRequest } from "../rate-limits/limited-request.ts";
import { type RequestOutcome, recordRequest } from "../record/record.ts";
import { HeadEdits } from "../rewrite/edits.ts";
import type { AuthTarget } from "../routing/auth-target.ts";
import type { UpstreamLeg } from "../upstream/leg.ts";
import type { Attempt } from "./attempts/attempt.ts";
import { Attempts, type ResponseSeeker } from "./attempts/attempts.ts";
import { CallDeadline } from "./call-deadline.ts";
import { ClientDeadline, ClientTask, clientTask } from "./client-deadline.ts";
import type { ExchangeContext } from "./context.ts";
import type { Downstream, DownstreamUser } from "./downstream.ts";
import { follow, Phase } from "./phase.ts";
import { ProxiedRequest } from "./request.ts";
import { RequestRelay } from "./request-relay.ts";
import { Relay, ResponseRelay } from "./response-relay.ts";
import { AuthRequest, type AuthSeeker } from "./side/auth-request.ts";
import { Mirroring } from "./side/mirroring.ts";
import type { Mirrors } from "./side/mirrors.ts";
import { Tunnel } from "./tunnel.ts";

/** nginx's status for the log when the client went away before it was answered. */
const CLIENT_CLOSED_REQUEST = 499;
/** Idle exchanges that are kept, of some 2 KB each: after a wave of requests the rest is not needed for long. */
const MAX_IDLE_EXCHANGES = 1024;

export class Exchange implements DownstreamUser, ResponseSeeker, AuthSeeker, RequestOutcome {
  readonly #ctx: ExchangeContext;
  /** Where it waits for its next request. */
  readonly #idle: Exchange[];
  readonly #mirroring: Mirroring;
  #phase: Phase = Phase.IDLE;
  readonly #deadline: ClientDeadline;
  readonly request: ProxiedRequest;
  readonly #upload: RequestRelay;
  readonly #attempts: Attempts;
  readonly #relay: ResponseRelay;
  #tunnel: Tunnel | null = null;
  /** Asks whether requests may pass; null = none of them had to ask. */
  #auth: AuthRequest | null = null;
  /** What limits make of its requests; null = none of them fell under any. */
  #limited: LimitedRequest | null = null;
  /** Of calls of gRPC that say how long they have; null = none did. */
  #callDeadline: CallDeadline | null = null;
  status = 0;
  responseBytes = 0;
  failure: Failure | null = null;
  waitMs = 0;
  /** Since when it waits for room. */
  #queuedMs = 0;

  constructor(ctx: ExchangeContext, idle: Exchange[], mirrors: Mirrors) {
    this.#ctx = ctx;
    this.#idle = idle;
    this.#mirroring = new Mirroring(mirrors);
    this.request = new ProxiedRequest(ctx);
    this.#deadline = new ClientDeadline(ctx.wheel, this.request);
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
    return this.#responding.slot;
  }
  get wasHeld(): boolean {
    return this.#attempts.wasHeld;
  }
  get serverId(): number {
    return this.#responding.outcome.serverId;
  }

  /** Address and port of the server. */
  get upstream(): FixedText | null {
    const { slot, serverId } = this.#responding.outcome;
    const upstream = serverId === 0 ? undefined : this.#ctx.upstreams[slot];
    return upstream?.endpoint.id === serverId ? upstream.addressText : null;
  }

  get connectMs(): number {
    const { outcome } = this.#responding;
    return outcome.serverId === 0 ? Number.NaN : outcome.connectMs;
  }

  get headMs(): number {
    const { outcome } = this.#responding;
    return outcome.serverId === 0 ? Number.NaN : outcome.latencyMs;
  }

  get grpcStatus(): number {
    if (!this.request.grpc) return NO_GRPC_STATUS;
    const { failure } = this;
    if (failure !== null && this.#phase < Phase.RESPONDING && failure.status !== 0) return grpcStatusFor(failure);
    return this.#responding.outcome.grpcStatus;
  }

  get inFlightAtDispatch(): number {
    return this.#attempts.current.outcome.inFlightAtDispatch;
  }

  /** Whose response is the client's. */
  get #responding(): Attempt {
    const auth = this.#auth;
    return auth?.denies ? auth.attempt : this.#attempts.current;
  }

  #enter(phase: Phase, nowMs: number): void {
    this.#phase = follow(this.#phase, phase);
    this.#watchClient(ClientTask.NONE, nowMs);
  }

  /** The client has so long for what it has to do next. @param moved what has made progress. */
  #watchClient(moved: ClientTask, nowMs: number): void {
    const { client } = this.request;
    const task = clientTask(this.#phase, client.queuedBytes, this.#upload.isAwaited(this.#attempts.current));
    this.#deadline.update(client, task, moved, nowMs);
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
    const { counters } = this.#ctx;
    this.request.read(client, head, headStart, route, startedMs);
    this.#enter(Phase.DISPATCH, nowMs);
    counters[WorkerCounter.REQUESTS]++;
    if (this.request.grpcTimeoutMs > 0) this.#giveTime(this.request.grpcTimeoutMs, startedMs);
    const next = this.request.readFirstBody(data, bodyStart, dataEnd);
    if (!this.#accept(bodyStart, next, nowMs)) return dataEnd;
    const { limits, route: own } = this.request.target;
    const { refusal, auth } = own;
    const end = refusal ?? this.request.ruling ?? (limits === null ? null : this.#limit(limits, nowMs));
    if (end !== null) this.#respondWith(end, nowMs);
    else if (auth !== null) this.#authorise(auth, nowMs);
    else this.#proceed(nowMs);
    return next;
  }

  /** Asks the limits that it falls under. @returns why it may not pass; null = it may. */
  #limit(limits: AppliedLimits, nowMs: number): Failure | null {
    const { request } = this;
    this.#limited ??= new LimitedRequest();
    const limited = this.#limited;
    const passes = limited.admit(limits, request, request.parsedHead(), nowMs);
    request.limitedBy = limited.by;
    if (limited.lines !== null) request.responseEdits = HeadEdits.add(request.responseEdits, limited.lines);
    return passes ? null : Failures.RATE_LIMITED;
  }

  #giveTime(timeoutMs: number, startedMs: number): void {
    this.#callDeadline ??= new CallDeadline(this.#ctx.wheel, (nowMs) => this.fail(Failures.DEADLINE_EXCEEDED, nowMs));
    this.#callDeadline.begin(startedMs, timeoutMs);
  }

  /** Nothing stands against it: a server is asked, or its route responds. */
  #proceed(nowMs: number): void {
    const { request } = this;
    const { pool, route } = request.target;
    if (pool !== null) this.#dispatch(pool, nowMs);
    else this.#respondWith(route.rules.response(request, request.parsedHead()), nowMs);
  }

  #respondWith(what: LocalResponse | Failure, nowMs: number): void {
    if (isFailure(what)) this.fail(what, nowMs);
    else this.#respondLocal(what, nowMs);
  }

  /** Seeks a server. */
  #dispatch({ retryBudget, queue }: ServerPool, nowMs: number): void {
    retryBudget.onRequest();
    if (queue.length > 0) queue.poll(nowMs); // who waits comes first: another worker may have given a place back
    this.#attempts.begin(nowMs);
  }

  /** Asks first whether it may pass. What comes of its body waits meanwhile, as in the queue. */
  #authorise(auth: AuthTarget, nowMs: number): void {
    this.#enter(Phase.AUTHORISING, nowMs);
    this.#auth ??= new AuthRequest(this.#ctx, this);
    this.#auth.begin(this.request, auth, nowMs);
  }

  onAllowed(edits: HeadEdits, nowMs: number): void {
    const { request } = this;
    request.edits = HeadEdits.join(edits, request.edits);
    this.#proceed(nowMs);
  }

  onDenied(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    this.#respond(leg, buffer, rest, restStart, nowMs);
  }

  onQueued(nowMs: number): void {
    this.#enter(Phase.QUEUED, nowMs);
    this.#queuedMs = nowMs;
  }

  onAttempt(nowMs: number): void {
    if (this.#phase === Phase.QUEUED) this.waitMs += nowMs - this.#queuedMs;
    this.#enter(Phase.ATTEMPTING, nowMs);
  }

  // ── the request's body ───────────────────────────────────────────────────────────────────────────────────────────

  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number {
    const stop = this.request.body.consume(data, start, end);
    if (!this.#accept(start, stop, nowMs)) return -1;
    const attempt = this.#attempts.current;
    this.#upload.pass(attempt, data, start, stop);
    if (attempt.sent) this.#awaitNext(attempt, nowMs);
    return stop;
  }

  /** The body's part of what came was read, from `start` to `stop`. @returns false when the request is refused over it. */
  #accept(start: number, stop: number, nowMs: number): boolean {
    const { counters } = this.#ctx;
    const refusal = this.request.refusalAt(stop);
    if (refusal === null) {
      counters[WorkerCounter.BYTES_FROM_CLIENTS] += stop - start;
      return true;
    }
    if (stop < 0) counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.refuseRest(refusal, nowMs);
    return false;
  }

  onSent(attempt: Attempt, nowMs: number): void {
    this.#upload.passWaiting(attempt);
    this.#awaitNext(attempt, nowMs);
    if (this.#phase === Phase.ATTEMPTING) this.#mirroring.onSent(this.request, nowMs);
  }

  onServerDrain(attempt: Attempt, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverDrained(nowMs);
    else this.#awaitNext(attempt, nowMs);
  }

  /** What comes next: more of the request's body, or the response. */
  #awaitNext(attempt: Attempt, nowMs: number): void {
    const responding = this.#phase === Phase.RESPONDING;
    if (!this.request.body.done) {
      attempt.uploads();
      this.#upload.awaitMore(attempt, responding, nowMs);
    } else if (!responding && attempt.leg !== null) {
      attempt.uploaded();
      this.#attempts.awaitHead(attempt.leg, nowMs);
    }
    this.#watchClient(ClientTask.SEND, nowMs);
  }

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────────

  onInterim(attempt: Attempt, buffer: Buffer, nowMs: number): void {
    if (this.#ctx.responseHead.status === 100) this.request.expectsContinue = false;
    if (!this.request.client.interim(buffer)) this.abort(nowMs);
    else if (!this.request.body.done) this.#awaitNext(attempt, nowMs);
  }

  onResponse(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { status } = this.#ctx.responseHead;
    const cookie = this.#attempts.stickyLine();
    if (cookie !== null) this.request.responseEdits = HeadEdits.add(this.request.responseEdits, cookie);
    if (status === 101) {
      this.#startTunnel(leg, buffer, rest, restStart, nowMs);
      return;
    }
    this.#mirroring.onResponse(status, this.#attempts.current.outcome.latencyMs);
    this.#respond(leg, buffer, rest, restStart, nowMs);
  }

  /** Begins the client's response: see `onResponse`. */
  #respond(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { status } = this.#ctx.responseHead;
    if (!this.#relay.begin(buffer, rest, restStart)) {
      this.fail(Failures.BAD_RESPONSE, nowMs); // nothing of it has been sent: the client can still be told
      return;
    }
    this.#enter(Phase.RESPONDING, nowMs);
    this.#upload.onResponse();
    this.status = status;
    this.#relayed(this.#relay.respond(leg, buffer, rest, restStart, nowMs), nowMs);
  }

  onResponseData(leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.fromServer(data, nowMs);
    else this.#relayed(this.#relay.more(leg, data, nowMs), nowMs);
  }

  /** A part of the response went to the client. */
  #relayed(relay: Relay, nowMs: number): void {
    if (relay === Relay.MORE) this.#watchClient(ClientTask.TAKE, nowMs);
    else if (relay === Relay.DONE) this.#complete(nowMs);
    else if (relay === Relay.CLIENT_GONE) this.abort(nowMs);
    else this.fail(Failures.BAD_RESPONSE, nowMs);
  }

  onClientDrain(nowMs: number): void {
    const { leg } = this.#responding;
    if (this.#tunnel !== null) this.#tunnel.clientDrained(nowMs);
    else if (leg !== null && this.#phase === Phase.RESPONDING) {
      this.#relay.onClientDrain(leg, nowMs);
      this.#watchClient(ClientTask.TAKE, nowMs);
    }
  }

  onResponseEnd(leg: UpstreamLeg, broken: boolean, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverEnded(broken, nowMs);
    else if (!broken && this.#relay.endWithConnection(leg)) this.#complete(nowMs);
    else this.fail(Failures.RESPONSE_TRUNCATED, nowMs);
  }

  onResponseSilent(nowMs: number): void {
    if (this.#relay.endWithSilence()) this.#complete(nowMs);
    else this.fail(Failures.RESPONSE_BODY_TIMEOUT, nowMs);
  }

  // ── tunnel ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #startTunnel(leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { client, target, responseEdits } = this.request;
    this.#enter(Phase.TUNNEL, nowMs);
    this.status = 101;
    const tunnel = new Tunnel(this.#ctx, target.settings, client, leg, nowMs, (failure, now) => {
      if (failure === null) this.#done(true, now);
      else this.fail(failure, now); // a broken tunnel must not look like one that ended in order
    });
    this.#tunnel = tunnel;
    client.startTunnel(buffer, responseEdits, nowMs);
    if (restStart < rest.length) tunnel.fromServer(rest.subarray(restStart), nowMs);
  }

  onTunnelData(data: Buffer, nowMs: number): void {
    this.#tunnel?.fromClient(data, nowMs);
  }

  closeTunnel(nowMs: number): void {
    this.#tunnel?.close(nowMs);
  }

  // ── the client ───────────────────────────────────────────────────────────────────────────────────────────────────

  onClientEnd(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded(nowMs);
    else if (!this.request.body.done) this.refuseRest(Failures.REQUEST_TRUNCATED, nowMs);
  }

  onClientDeadline(nowMs: number): void {
    const { task } = this.#deadline;
    if (task === ClientTask.SEND) this.refuseRest(Failures.REQUEST_BODY_TIMEOUT, nowMs);
    else if (task === ClientTask.TAKE) this.fail(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (task === ClientTask.WAIT) {
      if (this.#attempts.onWaitOver(nowMs)) return;
      this.#ctx.counters[WorkerCounter.QUEUE_TIMEOUTS]++;
      this.fail(Failures.QUEUE_TIMEOUT, nowMs);
    }
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

  /** Ends it with an error response, or visibly cuts off a response that has begun. */
  fail(failure: Failure, nowMs: number): void {
    this.failure = failure;
    if (this.#phase === Phase.QUEUED) {
      this.#attempts.leaveQueue(failure !== Failures.QUEUE_TIMEOUT, nowMs);
      this.waitMs += nowMs - this.#queuedMs;
    }
    if (this.#phase >= Phase.RESPONDING || failure.status === 0) this.#cut(failure, nowMs);
    else this.#respondLocal(this.request.errorResponse(failure), nowMs);
  }

  /** Ends it with a response of our own. */
  #respondLocal(response: LocalResponse, nowMs: number): void {
    const { client, method, responseEdits } = this.request;
    this.status = response.status;
    this.responseBytes = client.respondLocal(response, method, responseEdits);
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
    const { leg } = this.#responding;
    const sent = this.#auth?.denies || this.request.body.done; // a question has no body
    this.#done(sent && leg?.queuedBytes === 0 && !leg.gone, nowMs);
  }

  /** Hands the client's connection back, after a response of whatever kind. */
  #done(upstreamDone: boolean, nowMs: number): void {
    const { client, body } = this.request;
    const requestComplete = body.done;
    this.#end(upstreamDone, nowMs);
    client.done(requestComplete, nowMs);
  }

  /** Records the request, lets go of everything and is ready for the next one. */
  #end(upstreamDone: boolean, nowMs: number): void {
    const responding = this.#phase >= Phase.RESPONDING;
    const relayed = responding ? (this.#tunnel?.bytesToClient ?? this.#relay.bytes) : 0;
    if (responding) {
      this.responseBytes = relayed;
      this.#responding.responded();
    }
    recordRequest(this.#ctx, this.request, this, nowMs);
    this.#attempts.end(upstreamDone, this.failure, relayed, nowMs);
    if (this.#auth?.attempt.active) this.#auth.end(upstreamDone, this.failure, relayed, nowMs);
    const { trace, notes } = this.request;
    const { explain } = this.#ctx;
    if (explain !== null && notes !== null) {
      const told = !responding && this.failure !== null && this.failure.status !== 0;
      explain.record(this.request, this, notes, told, nowMs);
    }
    if (trace !== null) trace.end(this.request, this.request.parsedHead(), this, nowMs);
    this.#mirroring.end();
    if (this.request.grpcTimeoutMs > 0) this.#callDeadline?.end();
    if (this.request.target.limits !== null) this.#limited?.end();
    this.#enter(Phase.IDLE, nowMs);
    this.#relay.end();
    this.request.clear();
    this.#upload.reset();
    this.#tunnel = null;
    this.status = 0;
    this.responseBytes = 0;
    this.failure = null;
    this.waitMs = 0;
    if (this.#idle.length < MAX_IDLE_EXCHANGES) this.#idle.push(this);
  }
}
