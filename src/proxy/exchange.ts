/**
 * The life of one request, as its phases follow each other:
 *
 *   begin → dispatch → (queue) → attempt: connect, send, receive head → respond → relay body → finish
 *
 * and where a phase fails: try another server, or fail. One object serves many requests, one after the other; nothing is
 * allocated for a request that goes the usual way.
 */
import { WorkerCounter } from "../shared/layout.ts";
import { Attempt, type AttemptOwner, COALESCE_BYTES, ConnectionFate } from "./attempt.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { ProxyContext } from "./context.ts";
import { copyBytes } from "./copy.ts";
import { type Failure, Failures, refusedRequest } from "./failure.ts";
import type { Hedgeable } from "./hedge-timer.ts";
import { BodyReader } from "./http1/body-reader.ts";
import { FieldId } from "./http1/field-names.ts";
import { BodyKind } from "./http1/head.ts";
import { refusalOf } from "./http1/parse-error.ts";
import { readLoadReport } from "./load-report.ts";
import { ALL_FULL, NO_SERVER } from "./pick.ts";
import { type RequestOutcome, recordRequest, recordResponse } from "./record.ts";
import { ProxiedRequest } from "./request.ts";
import { ClientConnectionHeader, writeResponseHead } from "./rewrite-response.ts";
import { Tunnel } from "./tunnel.ts";
import type { Waiting } from "./wait-queue.ts";

/** Bytes that may wait for a slow receiver before the sender is paused. */
const HIGH_WATER_BYTES = 64 * 1024;
/** nginx's status for the log when the client went away before it was answered. */
const CLIENT_CLOSED_REQUEST = 499;
const LOAD_REPORT_BITS = (1 << FieldId.ENDPOINT_LOAD_METRICS) | (1 << FieldId.ENDPOINT_LOAD_METRICS_BIN);

export class Exchange implements AttemptOwner, Waiting, Hedgeable, RequestOutcome {
  readonly #ctx: ProxyContext;
  readonly request: ProxiedRequest;
  /** Body bytes beyond the first that wait for a connection; null = none. */
  #laterBody: Buffer[] | null = null;
  /** The request that this object serves now: a timer that was set for an earlier one finds another number. */
  #generation = 0;

  /** The attempt that counts; with a hedge under way, the first of the two until one of them wins. */
  #attempt: Attempt;
  /** The second attempt of a hedged request; its object is kept for the next one. */
  #hedge: Attempt | null = null;
  attempts = 0;
  #excluded = -1;
  /** An attempt met a stale connection: when a server restarts, all that are pooled are stale at once. */
  #foundStale = false;
  #queued = false;

  /** The final head went to the client: from here on there is no second try and no error page. */
  #responseStarted = false;
  readonly #responseBody = new BodyReader();
  #upstreamKeepAlive = false;
  #keepClient = false;
  status = 0;
  responseBytes = 0;
  failure: Failure | null = null;
  #tunnel: Tunnel | null = null;

  constructor(ctx: ProxyContext) {
    this.#ctx = ctx;
    this.request = new ProxiedRequest(ctx);
    this.#attempt = new Attempt(ctx, this, this.request);
  }

  /** Every byte of the request has arrived. */
  get requestComplete(): boolean {
    return this.request.body.done;
  }

  get isTunnel(): boolean {
    return this.#tunnel !== null;
  }

  /** See `RequestOutcome`. */
  get slot(): number {
    return this.#attempt.slot;
  }

  /** See `RequestOutcome`. */
  get serverId(): number {
    return this.#attempt.serverId;
  }

  // ── begin ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A request head was parsed into `ctx.requestHead` from `head[headStart …]`; `data[bodyStart … dataEnd)` follows it.
   * @returns the offset in `data` after what belongs to this request.
   */
  begin(
    client: ClientConnection,
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
    const announced = ctx.requestHead.contentLength;
    this.request.read(client, head, headStart, route, startedMs);
    this.#responseBody.begin(BodyKind.NONE, 0);
    ctx.counters[WorkerCounter.REQUESTS]++;
    ctx.retryBudget.onRequest();
    const next = this.request.readFirstBody(data, bodyStart, dataEnd);
    if (next < 0) {
      this.#refuseBody(next, nowMs);
      return dataEnd;
    }
    const { maxBodyBytes } = ctx.settings;
    if (maxBodyBytes > 0 && (announced > maxBodyBytes || this.request.body.bytes > maxBodyBytes)) {
      this.#refuseRest(Failures.BODY_TOO_LARGE, nowMs);
      return dataEnd;
    }
    ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += next - bodyStart;
    this.#dispatch(nowMs);
    return next;
  }

  // ── dispatch and queue ───────────────────────────────────────────────────────────────────────────────────────────

  #dispatch(nowMs: number): void {
    const slot = this.#ctx.picker.acquire(this.request.key, nowMs, this.#excluded);
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
    const slot = this.#ctx.picker.acquire(this.request.key, nowMs, this.#excluded);
    if (slot === ALL_FULL) return false;
    this.#queued = false;
    this.#ctx.wheel.clear(this.request.client);
    if (slot === NO_SERVER) this.fail(Failures.NO_SERVER, nowMs);
    else this.#start(slot, nowMs);
    return true;
  }

  #start(slot: number, nowMs: number): void {
    this.attempts++;
    if (this.attempts === 1 && this.#ctx.settings.hedgeAfterMs > 0) this.#planHedge(nowMs);
    this.#attempt.start(slot, this.#foundStale, nowMs);
  }

  // ── request body ─────────────────────────────────────────────────────────────────────────────────────────────────

  onSent(attempt: Attempt, nowMs: number): void {
    const later = this.#laterBody;
    if (later !== null && attempt.connection !== null) {
      this.#laterBody = null;
      this.request.streamed = true;
      for (const chunk of later) attempt.connection.send(chunk, 0, chunk.length, true);
    }
    if (this.request.body.done) this.#awaitResponse(attempt, nowMs);
    else this.#awaitBody(nowMs);
  }

  #awaitResponse(attempt: Attempt, nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    wheel.clear(this.request.client);
    if (attempt.connection === null) return;
    const { responseHeadTimeoutMs, perTryTimeoutMs } = settings;
    const perTry = perTryTimeoutMs > 0 && this.#couldRetry() ? perTryTimeoutMs : responseHeadTimeoutMs;
    wheel.set(attempt.connection, nowMs + Math.min(perTry, responseHeadTimeoutMs));
  }

  /** The next piece of the body is awaited from the client, unless the server must first take what there is. */
  #awaitBody(nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    const { client } = this.request;
    const upstream = this.#attempt.connection;
    if (upstream !== null && this.#attempt.sent) {
      if (upstream.queuedBytes > HIGH_WATER_BYTES) {
        client.pauseReading();
        wheel.clear(client);
        wheel.set(upstream, nowMs + settings.requestBodyTimeoutMs);
        return;
      }
      if (!this.#responseStarted) wheel.clear(upstream);
    }
    client.resumeReading();
    // A client that does not take an answer that has begun keeps its deadline for that.
    if (client.queuedBytes === 0) wheel.set(client, nowMs + settings.requestBodyTimeoutMs);
  }

  /**
   * More of the request body.
   * @returns the offset after what belongs to it, or -1 when the exchange has ended over it.
   */
  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number {
    const { body, client } = this.request;
    const stop = body.consume(data, start, end);
    if (stop < 0) {
      this.#refuseBody(stop, nowMs);
      return -1;
    }
    const { maxBodyBytes } = this.#ctx.settings;
    if (maxBodyBytes > 0 && body.bytes > maxBodyBytes) {
      this.#refuseRest(Failures.BODY_TOO_LARGE, nowMs);
      return -1;
    }
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += stop - start;
    const upstream = this.#attempt.connection;
    if (upstream === null || !this.#attempt.sent) {
      // Still queued or connecting: keep it, and let the client wait.
      this.#laterBody ??= [];
      this.#laterBody.push(data.subarray(start, stop));
      client.pauseReading();
      return stop;
    }
    this.request.streamed = true;
    // A server that stopped reading, perhaps because it has answered already, shows by closing.
    upstream.send(data, start, stop, true);
    if (!body.done) this.#awaitBody(nowMs);
    else if (!this.#responseStarted) this.#awaitResponse(this.#attempt, nowMs);
    else if (client.queuedBytes === 0) this.#ctx.wheel.clear(client);
    return stop;
  }

  /** The server took queued bytes of the request. */
  onUpstreamRoom(attempt: Attempt, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverDrained(nowMs);
    else if (!this.request.body.done) this.#awaitBody(nowMs);
    else if (!this.#responseStarted) this.#awaitResponse(attempt, nowMs);
  }

  #refuseBody(code: number, nowMs: number): void {
    const refusal = refusalOf(code);
    this.#ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.#refuseRest(refusedRequest(refusal.status, refusal.reason, refusal.message), nowMs);
  }

  /** Refuses a request whose end cannot be known or is not wanted: its connection ends with the answer. */
  #refuseRest(failure: Failure, nowMs: number): void {
    this.request.keepAlive = false;
    this.fail(failure, nowMs);
  }

  // ── response ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Interim responses are passed on to clients that know them (RFC 9110 section 15.2). */
  onInterim(_attempt: Attempt, buffer: Buffer, nowMs: number): void {
    if (this.request.versionMinor === 0) return;
    const { scratch, responseHead, dateLine } = this.#ctx;
    const length = writeResponseHead(scratch, 0, buffer, responseHead, ClientConnectionHeader.NONE, false, dateLine);
    if (!this.request.client.send(scratch, 0, length, false)) this.request.client.onClose(nowMs);
  }

  onResponse(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const ctx = this.#ctx;
    const { slot, dispatchedMs, inFlightAtDispatch } = attempt;
    const head = ctx.responseHead;
    this.#win(attempt, nowMs);
    if (head.status === 101 && !this.request.upgrade) {
      this.onAttemptFailed(attempt, Failures.UNEXPECTED_UPGRADE, false, nowMs);
      return;
    }
    const failed = head.status >= 500;
    ctx.picker.onOutcome(slot, nowMs - dispatchedMs, failed, nowMs, inFlightAtDispatch);
    recordResponse(ctx.block, slot, nowMs - dispatchedMs, failed);
    if ((head.seen & LOAD_REPORT_BITS) !== 0) readLoadReport(buffer, head, ctx.block, slot);
    this.#responseStarted = true;
    this.status = head.status;
    this.#upstreamKeepAlive = head.keepAlive;
    if (head.status === 101) this.#startTunnel(attempt, buffer, rest, restStart, nowMs);
    else this.#respond(attempt, buffer, rest, restStart, nowMs);
  }

  /** Sends the head and the body bytes that came with it: in one write, unless that would copy a lot. */
  #respond(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { scratch, responseHead: head, dateLine, counters } = this.#ctx;
    const { client, versionMinor } = this.request;
    const dechunk = head.bodyKind === BodyKind.CHUNKED && versionMinor === 0;
    const body = this.#responseBody;
    body.begin(head.bodyKind, head.contentLength, dechunk);
    this.#keepClient = this.#mayKeepClient(head.bodyKind, dechunk);
    let length = writeResponseHead(scratch, 0, buffer, head, this.#connectionHeader(), dechunk, dateLine);
    const stop = body.consume(rest, restStart, rest.length);
    if (stop < 0) {
      this.#responseStarted = false;
      this.onAttemptFailed(attempt, Failures.BAD_RESPONSE, false, nowMs);
      return;
    }
    const { contentEnd } = body;
    const coalesced = contentEnd - restStart <= COALESCE_BYTES;
    if (coalesced) length = copyBytes(scratch, length, rest, restStart, contentEnd);
    let ok = client.send(scratch, 0, length, false);
    if (ok && !coalesced) ok = client.send(rest, restStart, contentEnd, true);
    counters[WorkerCounter.BYTES_TO_CLIENTS] += coalesced ? length : length + contentEnd - restStart;
    if (ok) this.#afterRelay(attempt, stop < rest.length, nowMs);
    else client.onClose(nowMs);
  }

  /** May the client's connection serve another request after this answer? */
  #mayKeepClient(bodyKind: number, dechunk: boolean): boolean {
    const { draining, settings } = this.#ctx;
    if (!this.request.keepAlive || draining || bodyKind === BodyKind.UNTIL_CLOSE || dechunk) return false;
    // An answer before the end of the request: nobody can know whether the client will send the rest of it.
    if (!this.request.body.done) return false;
    const most = settings.maxRequestsPerConnection;
    return most === 0 || this.request.client.requests < most;
  }

  #connectionHeader(): ClientConnectionHeader {
    if (!this.#keepClient) return ClientConnectionHeader.CLOSE;
    return this.request.versionMinor === 0 ? ClientConnectionHeader.KEEP_ALIVE : ClientConnectionHeader.NONE;
  }

  onResponseData(attempt: Attempt, data: Buffer, nowMs: number): void {
    if (this.#tunnel !== null) {
      this.#tunnel.fromServer(data, nowMs);
      return;
    }
    const { client } = this.request;
    const stop = this.#responseBody.consume(data, 0, data.length);
    if (stop < 0) {
      this.fail(Failures.BAD_RESPONSE, nowMs);
      return;
    }
    const { contentEnd } = this.#responseBody;
    this.#ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += contentEnd;
    if (contentEnd > 0 && !client.send(data, 0, contentEnd, true)) client.onClose(nowMs);
    else this.#afterRelay(attempt, stop < data.length, nowMs);
  }

  /** Bytes of the answer went to the client: it is complete, or one of the two sides is waited for. */
  #afterRelay(attempt: Attempt, unsolicited: boolean, nowMs: number): void {
    if (this.#responseBody.done) {
      // What follows an answer that nobody asked for would poison the next one: such a connection is not used again.
      if (unsolicited) this.#upstreamKeepAlive = false;
      this.#finish(nowMs);
      return;
    }
    const upstream = attempt.connection;
    if (upstream === null) return;
    const { wheel, settings } = this.#ctx;
    const { client } = this.request;
    if (client.queuedBytes > 0) {
      wheel.set(client, nowMs + settings.responseBodyTimeoutMs);
      if (client.queuedBytes > HIGH_WATER_BYTES) {
        upstream.pauseReading();
        wheel.clear(upstream);
        return;
      }
    }
    wheel.set(upstream, nowMs + settings.responseBodyTimeoutMs);
  }

  /** The client took queued bytes of the answer. */
  onClientDrain(nowMs: number): void {
    if (this.#tunnel !== null) {
      this.#tunnel.clientDrained(nowMs);
      return;
    }
    const upstream = this.#attempt.connection;
    if (upstream === null || !this.#responseStarted) return;
    const { wheel, settings } = this.#ctx;
    const { client } = this.request;
    if (client.queuedBytes > 0) {
      wheel.set(client, nowMs + settings.responseBodyTimeoutMs);
      return;
    }
    if (this.request.body.done) wheel.clear(client);
    else wheel.set(client, nowMs + settings.requestBodyTimeoutMs);
    wheel.set(upstream, nowMs + settings.responseBodyTimeoutMs);
    upstream.resumeReading();
  }

  /** The server sends nothing more. */
  onResponseEnd(_attempt: Attempt, broken: boolean, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverEnded(broken, nowMs);
    else if (this.#responseBody.kind === BodyKind.UNTIL_CLOSE && !broken) this.#finish(nowMs);
    else this.fail(Failures.RESPONSE_TRUNCATED, nowMs);
  }

  // ── tunnel ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #startTunnel(attempt: Attempt, buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const ctx = this.#ctx;
    const { client } = this.request;
    const upstream = attempt.connection;
    if (upstream === null) return;
    const { scratch, responseHead, dateLine } = ctx;
    const length = writeResponseHead(scratch, 0, buffer, responseHead, ClientConnectionHeader.UPGRADE, false, dateLine);
    client.send(scratch, 0, length, false);
    this.#tunnel = new Tunnel(ctx, client, upstream, (failure, now) => this.#endTunnel(failure, now));
    if (restStart < rest.length) this.#tunnel.fromServer(rest.subarray(restStart), nowMs);
    client.startTunnel(nowMs);
  }

  /** Bytes of the client after 101. */
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
    this.#keepClient = false;
    this.#complete(ConnectionFate.CLOSE, nowMs);
  }

  // ── finish ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The answer is complete. */
  #finish(nowMs: number): void {
    this.responseBytes = this.#responseBody.bytes;
    const queued = this.#attempt.connection?.queuedBytes ?? 0;
    const sent = this.request.body.done && queued === 0;
    const reuse = sent && this.#upstreamKeepAlive;
    this.#complete(reuse ? ConnectionFate.REUSE : sent ? ConnectionFate.CLOSE : ConnectionFate.RESET, nowMs);
  }

  /** Records the request, lets go of everything and hands the client's connection back. */
  #complete(upstream: ConnectionFate, nowMs: number): void {
    const { client } = this.request;
    const keepClient = this.#keepClient;
    recordRequest(this.#ctx, this.request, this, nowMs);
    this.#endAttempts(upstream, nowMs);
    this.#ctx.wheel.clear(client);
    const inputPending = !this.request.body.done;
    this.#reset();
    client.onExchangeDone(keepClient, inputPending, nowMs);
  }

  #endAttempts(upstream: ConnectionFate, nowMs: number): void {
    this.#attempt.end(upstream, nowMs);
    if (this.#hedge?.active) this.#hedge.end(ConnectionFate.RESET, nowMs);
  }

  // ── retries and hedges ───────────────────────────────────────────────────────────────────────────────────────────

  /** An attempt ended without an answer that can be used: try another server, where that is safe, or give up. */
  onAttemptFailed(attempt: Attempt, failure: Failure, nothingSent: boolean, nowMs: number): void {
    const { slot } = attempt;
    if (failure !== Failures.STALE_CONNECTION) attempt.blame(nowMs);
    const other = attempt === this.#attempt ? this.#hedge : this.#attempt;
    if (other?.active) {
      // The other half of a hedged request may still make it.
      attempt.end(ConnectionFate.RESET, nowMs);
      this.#attempt = other;
      this.#hedge = attempt;
      return;
    }
    if (!this.#mayRetry(failure, nothingSent, nowMs)) {
      this.fail(failure, nowMs);
      return;
    }
    this.#ctx.counters[WorkerCounter.RETRIES]++;
    attempt.end(ConnectionFate.RESET, nowMs);
    // A stale connection says nothing about its server.
    if (failure === Failures.STALE_CONNECTION) this.#foundStale = true;
    else this.#excluded = slot;
    this.#dispatch(nowMs);
  }

  /** Is everything of the request at hand, and another attempt allowed? */
  #couldRetry(): boolean {
    return (
      !this.#responseStarted &&
      !this.request.streamed &&
      this.request.idempotent &&
      this.attempts <= this.#ctx.settings.retryAttempts
    );
  }

  #mayRetry(failure: Failure, nothingSent: boolean, nowMs: number): boolean {
    const { settings, retryBudget, counters } = this.#ctx;
    if (this.#responseStarted || !failure.retryable || this.request.streamed) return false;
    if (this.attempts > settings.retryAttempts) return false;
    // What may have been processed is sent again only if that does no harm.
    if (!nothingSent && !this.request.idempotent) return false;
    if (failure === Failures.STALE_CONNECTION) return true;
    if (retryBudget.tryTake(nowMs)) return true;
    counters[WorkerCounter.RETRIES_DENIED_BY_BUDGET]++;
    return false;
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
    if (!this.#attempt.active || !hedgeBudget.tryTake(nowMs)) return;
    const slot = picker.acquire(this.request.key, nowMs, this.#attempt.slot);
    if (slot < 0) return;
    if (slot === this.#attempt.slot) {
      picker.release(slot); // there is no other one
      return;
    }
    counters[WorkerCounter.HEDGES]++;
    this.attempts++;
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
    loser.end(ConnectionFate.RESET, nowMs);
  }

  // ── failure ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A deadline towards the server passed. */
  onUpstreamSilent(attempt: Attempt, nowMs: number): void {
    const waitedMs = nowMs - attempt.dispatchedMs;
    if (this.#responseStarted) this.fail(Failures.RESPONSE_BODY_TIMEOUT, nowMs);
    else if (!this.request.body.done) this.onAttemptFailed(attempt, Failures.REQUEST_WRITE_TIMEOUT, false, nowMs);
    else if (waitedMs < this.#ctx.settings.responseHeadTimeoutMs) {
      this.onAttemptFailed(attempt, Failures.TRY_TIMEOUT, false, nowMs);
    } else this.onAttemptFailed(attempt, Failures.RESPONSE_TIMEOUT, false, nowMs);
  }

  /** The client's deadline passed: which one depends on the phase. */
  onClientDeadline(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.close(nowMs);
    else if (this.#queued) {
      this.#ctx.counters[WorkerCounter.QUEUE_TIMEOUTS]++;
      this.fail(Failures.QUEUE_TIMEOUT, nowMs);
    } else if (this.request.client.queuedBytes > 0) this.fail(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (!this.request.body.done) this.#refuseRest(Failures.REQUEST_BODY_TIMEOUT, nowMs);
  }

  /** Ends the exchange with an error answer, or visibly cuts off an answer that has begun. */
  fail(failure: Failure, nowMs: number): void {
    const { client } = this.request;
    this.failure = failure;
    if (this.#queued) {
      this.#queued = false;
      this.#ctx.queue.remove(this);
    }
    if (this.#responseStarted || failure.status === 0) {
      if (!this.#responseStarted) this.status = CLIENT_CLOSED_REQUEST;
      else if (failure.source === "upstream") this.#attempt.blame(nowMs);
      this.responseBytes = this.#tunnel?.bytesToClient ?? this.#responseBody.bytes;
      recordRequest(this.#ctx, this.request, this, nowMs);
      this.#endAttempts(ConnectionFate.RESET, nowMs);
      this.#reset();
      client.cutOff();
      return;
    }
    this.status = failure.status;
    this.#keepClient = this.request.keepAlive && this.request.body.done && !this.#ctx.draining;
    this.responseBytes = client.sendError(failure, this.request, this.#keepClient);
    this.#complete(ConnectionFate.RESET, nowMs);
  }

  /** The client has gone. */
  abort(nowMs: number): void {
    this.#ctx.counters[WorkerCounter.CLIENT_ABORTS]++;
    if (this.#tunnel !== null) this.#tunnel.clientGone(nowMs);
    else this.fail(Failures.CLIENT_ABORTED, nowMs);
  }

  /** The client sends nothing more (FIN) and still reads. */
  onClientEnd(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded(nowMs);
    else if (!this.request.body.done) this.#refuseRest(Failures.REQUEST_TRUNCATED, nowMs);
  }

  /** Makes the object ready for the next request. */
  #reset(): void {
    this.request.clear();
    this.#generation++;
    this.#laterBody = null;
    this.attempts = 0;
    this.#excluded = -1;
    this.#foundStale = false;
    this.#queued = false;
    this.#responseStarted = false;
    this.status = 0;
    this.responseBytes = 0;
    this.failure = null;
    this.#tunnel = null;
    this.#attempt.serverId = 0;
    this.#ctx.freeExchanges.push(this);
  }
}
