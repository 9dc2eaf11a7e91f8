/**
 * The life of one request, as its phases follow each other:
 *
 *   begin → dispatch → (queue | connect) → send → receive head → relay body → finish
 *
 * and where a phase fails: attemptFailed → dispatch again, or fail. One object serves many requests, one after the
 * other; nothing is allocated for a request that goes the usual way.
 */
import { WorkerCounter } from "../shared/layout.ts";
import { Method, Route } from "../shared/series-table.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { ProxyContext } from "./context.ts";
import { copyBytes } from "./copy.ts";
import { type Failure, Failures, refusedRequest } from "./failure.ts";
import { BodyReader } from "./http1/body-reader.ts";
import { FieldId } from "./http1/field-names.ts";
import { BodyKind, FIELD_STRIDE, FieldPart, type ResponseHead } from "./http1/head.ts";
import { refusalOf } from "./http1/parse-error.ts";
import { parseRequestHead } from "./http1/request-parser.ts";
import { parseResponseHead } from "./http1/response-parser.ts";
import { readLoadReport } from "./load-report.ts";
import { ALL_FULL, NO_SERVER } from "./pick.ts";
import { type RecordedRequest, recordRequest, recordResponse } from "./record.ts";
import { isTraceparent, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from "./request-ids.ts";
import { type Peer, type RequestRewrite, writeRequestHead } from "./rewrite-request.ts";
import { ClientConnectionHeader, writeResponseHead } from "./rewrite-response.ts";
import { Tunnel } from "./tunnel.ts";
import type { UpstreamConnection, UpstreamUser } from "./upstream/connection.ts";
import type { Waiting } from "./wait-queue.ts";

/** Bytes that may wait for a slow receiver before the sender is paused. */
const HIGH_WATER_BYTES = 64 * 1024;
/** Body bytes that are copied behind the head to save a system call; more are sent from where they are. */
const COALESCE_BYTES = 16 * 1024;
/** Interim responses (1xx) that one request may get. */
const MAX_INTERIM_RESPONSES = 16;

const NO_BUFFER = Buffer.alloc(0);

export class Exchange implements UpstreamUser, Waiting, RequestRewrite, RecordedRequest {
  readonly #ctx: ProxyContext;
  client!: ClientConnection;
  peer!: Peer;

  // The request.
  headBuffer: Buffer = NO_BUFFER;
  #headStart = 0;
  #headEnd = 0;
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  route = 0;
  versionMinor = 1;
  upgrade = false;
  keepRequestId = false;
  keepTrace = false;
  readonly ids = Buffer.alloc(TRACE_ID_DIGITS + SPAN_ID_DIGITS);
  requestIdBuffer: Buffer = NO_BUFFER;
  requestIdStart = 0;
  requestIdEnd = 0;
  traceIdBuffer: Buffer = NO_BUFFER;
  traceIdStart = 0;
  clientAddress: Buffer = NO_BUFFER;
  /** The client would keep its connection open. */
  #clientKeepAlive = false;
  readonly #requestBody = new BodyReader();
  /** Body bytes that came with the head: kept, so that the request can be sent again. */
  #firstBody: Buffer = NO_BUFFER;
  #firstBodyStart = 0;
  #firstBodyEnd = 0;
  /** Later body bytes that wait for a connection; null = none. */
  #laterBody: Buffer[] | null = null;
  /** Body bytes beyond the first ones were passed on: the request can't be sent again. */
  #streamed = false;
  #key = 0;
  startedMs = 0;

  // The attempt.
  #slot = -1;
  serverId = 0;
  attempts = 0;
  #excluded = -1;
  #upstream: UpstreamConnection | null = null;
  /** The head is on its way: body bytes may follow. */
  #sent = false;
  #queued = false;
  #dispatchedMs = 0;

  // The response.
  /** The final head went to the client: from here on there is no second try and no error page. */
  #responseStarted = false;
  #interim = 0;
  readonly #responseBody = new BodyReader();
  #upstreamKeepAlive = false;
  #keepClient = false;
  #status = 0;
  responseBytes = 0;
  failure: Failure | null = null;
  #tunnel: Tunnel | null = null;

  constructor(ctx: ProxyContext) {
    this.#ctx = ctx;
  }

  /** What `Host` is when the client sent none. */
  get fallbackHost(): Buffer {
    return this.#ctx.pools[this.#slot]?.hostBytes ?? NO_BUFFER;
  }

  get recordedSlot(): number {
    return this.#slot;
  }

  /** Every byte of the request has arrived. */
  get requestComplete(): boolean {
    return this.#requestBody.done;
  }

  get isTunnel(): boolean {
    return this.#tunnel !== null;
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
  ): number {
    const parsed = this.#ctx.requestHead;
    this.client = client;
    this.peer = client.peer;
    this.#readHead(head, headStart, route, startedMs);
    this.#readIds(head);
    this.clientAddress = this.peer.addressBytes;
    if (this.peer.trusted && parsed.has(FieldId.X_FORWARDED_FOR))
      this.clientAddress = client.addressBehind(head, parsed);
    if (this.#ctx.picker.usesKey) this.#key = this.#ctx.stickyKey(head, parsed, this.peer);
    this.#ctx.retryBudget.onRequest();
    this.#ctx.counters[WorkerCounter.REQUESTS]++;
    const next = this.#beginBody(data, bodyStart, dataEnd);
    if (next < 0) {
      this.#refuseBody(next);
      return dataEnd;
    }
    if (this.failure === null) this.#dispatch(startedMs);
    return next;
  }

  #readHead(head: Buffer, headStart: number, route: number, startedMs: number): void {
    const parsed = this.#ctx.requestHead;
    this.#ctx.requestHeadOwner = this;
    this.headBuffer = head;
    this.#headStart = headStart;
    this.#headEnd = parsed.headEnd;
    this.method = parsed.method;
    this.methodStart = parsed.methodStart;
    this.methodEnd = parsed.methodEnd;
    this.targetStart = parsed.targetStart;
    this.targetEnd = parsed.targetEnd;
    this.pathStart = route === Route.API_REQUEST ? parsed.pathStart + API_REQUEST_PREFIX_BYTES : parsed.pathStart;
    this.pathEnd = parsed.targetEnd;
    this.route = route;
    this.versionMinor = parsed.versionMinor;
    this.upgrade = parsed.upgrade;
    this.#clientKeepAlive = parsed.keepAlive;
    this.startedMs = startedMs;
  }

  /** Which request and trace ids it goes by: its own, or those that it came with. */
  #readIds(head: Buffer): void {
    const parsed = this.#ctx.requestHead;
    this.#ctx.ids.write(this.ids, 0, TRACE_ID_DIGITS + SPAN_ID_DIGITS);
    this.requestIdBuffer = this.ids;
    this.requestIdStart = 0;
    this.requestIdEnd = TRACE_ID_DIGITS;
    this.traceIdBuffer = this.ids;
    this.traceIdStart = 0;
    this.keepRequestId = false;
    this.keepTrace = false;
    if (this.peer.trusted && parsed.has(FieldId.X_REQUEST_ID)) {
      const at = parsed.lastIndex[FieldId.X_REQUEST_ID] * FIELD_STRIDE;
      const start = parsed.fields[at + FieldPart.VALUE_START];
      const end = parsed.fields[at + FieldPart.VALUE_END];
      if (end > start && end - start <= MAX_REQUEST_ID_BYTES && isPlainId(head, start, end)) {
        this.keepRequestId = true;
        this.requestIdBuffer = head;
        this.requestIdStart = start;
        this.requestIdEnd = end;
      }
    }
    if (parsed.has(FieldId.TRACEPARENT) && (parsed.repeated & (1 << FieldId.TRACEPARENT)) === 0) {
      const at = parsed.lastIndex[FieldId.TRACEPARENT] * FIELD_STRIDE;
      const start = parsed.fields[at + FieldPart.VALUE_START];
      if (isTraceparent(head, start, parsed.fields[at + FieldPart.VALUE_END])) {
        this.keepTrace = true;
        this.traceIdBuffer = head;
        this.traceIdStart = start + 3;
      }
    }
  }

  /** @returns the offset after the body's part of `data`, or a negative `ParseError`. */
  #beginBody(data: Buffer, start: number, end: number): number {
    const parsed = this.#ctx.requestHead;
    const { maxBodyBytes } = this.#ctx.settings;
    const kind = parsed.chunked ? BodyKind.CHUNKED : parsed.contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
    this.#requestBody.begin(kind, parsed.contentLength);
    this.#firstBody = data;
    this.#firstBodyStart = start;
    this.#firstBodyEnd = start;
    if (maxBodyBytes > 0 && parsed.contentLength > maxBodyBytes) {
      this.#clientKeepAlive = false;
      this.fail(Failures.BODY_TOO_LARGE, this.startedMs);
      return end;
    }
    if (kind === BodyKind.NONE) return start;
    const stop = this.#requestBody.consume(data, start, end);
    if (stop > 0) this.#firstBodyEnd = stop;
    if (maxBodyBytes > 0 && this.#requestBody.bytes > maxBodyBytes) {
      this.#clientKeepAlive = false;
      this.fail(Failures.BODY_TOO_LARGE, this.startedMs);
      return end;
    }
    return stop;
  }

  // ── dispatch, queue, connect ─────────────────────────────────────────────────────────────────────────────────────

  #dispatch(nowMs: number): void {
    const slot = this.#ctx.picker.acquire(this.#key, nowMs, this.#excluded);
    if (slot >= 0) this.#connect(slot, nowMs);
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
    wheel.set(this.client, nowMs + settings.queueTimeoutMs);
    queue.push(this);
  }

  /** The queue's turn: see `Waiting`. */
  retryFromQueue(nowMs: number): boolean {
    const slot = this.#ctx.picker.acquire(this.#key, nowMs, this.#excluded);
    if (slot === ALL_FULL) return false;
    this.#queued = false;
    this.#ctx.wheel.clear(this.client);
    if (slot === NO_SERVER) this.fail(Failures.NO_SERVER, nowMs);
    else this.#connect(slot, nowMs);
    return true;
  }

  #connect(slot: number, nowMs: number): void {
    this.#slot = slot;
    this.serverId = this.#ctx.memory.servers.id[slot];
    this.attempts++;
    this.#dispatchedMs = nowMs;
    const pool = this.#ctx.pools[slot];
    if (pool === undefined) {
      // The picker only gives slots that this worker has a pool for.
      throw new Error(`slot ${slot} has no pool`);
    }
    const idle = pool.takeIdle(this, isIdempotent(this.method), nowMs);
    if (idle !== null) this.#send(idle, nowMs);
    else this.#upstream = pool.connect(this, nowMs);
  }

  onConnected(connection: UpstreamConnection, nowMs: number): void {
    this.#send(connection, nowMs);
  }

  onConnectFailed(_connection: UpstreamConnection, failure: Failure, nowMs: number): void {
    this.#upstream = null;
    this.#attemptFailed(failure, true, nowMs);
  }

  // ── send ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #send(connection: UpstreamConnection, nowMs: number): void {
    const ctx = this.#ctx;
    this.#upstream = connection;
    if (ctx.requestHeadOwner !== this) this.#parseAgain();
    const out = ctx.scratch;
    let length = writeRequestHead(out, this.headBuffer, ctx.requestHead, this);
    const bodyBytes = this.#firstBodyEnd - this.#firstBodyStart;
    const coalesced = bodyBytes <= COALESCE_BYTES;
    if (coalesced) length = copyBytes(out, length, this.#firstBody, this.#firstBodyStart, this.#firstBodyEnd);
    ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += length;
    let ok = connection.send(out, 0, length, false);
    if (ok && !coalesced) ok = connection.send(this.#firstBody, this.#firstBodyStart, this.#firstBodyEnd, true);
    if (!ok) {
      // Nothing of it can have been processed when the very first write found the connection closed.
      this.#upstreamLost(coalesced, nowMs);
      return;
    }
    this.#sent = true;
    this.#sendLaterBody(connection);
    if (this.#requestBody.done) this.#awaitResponse(connection, nowMs);
    else this.#awaitBody(nowMs);
  }

  /** Another exchange has used the worker's parser since: the head is read once more. */
  #parseAgain(): void {
    const ctx = this.#ctx;
    const { headBuffer } = this;
    const end = parseRequestHead(headBuffer, this.#headStart, this.#headEnd, ctx.requestHead, ctx.limits);
    if (end !== this.#headEnd) throw new Error("a request head that was accepted is refused when read again");
    ctx.requestHeadOwner = this;
  }

  #sendLaterBody(connection: UpstreamConnection): void {
    const later = this.#laterBody;
    if (later === null) return;
    this.#laterBody = null;
    this.#streamed = true;
    for (const chunk of later) connection.send(chunk, 0, chunk.length, true);
  }

  #awaitResponse(connection: UpstreamConnection, nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    wheel.clear(this.client);
    wheel.set(connection, nowMs + settings.responseHeadTimeoutMs);
  }

  /** The next piece of the body is awaited from the client, unless the server must first take what there is. */
  #awaitBody(nowMs: number): void {
    const { wheel, settings } = this.#ctx;
    const upstream = this.#upstream;
    if (upstream !== null && this.#sent && upstream.queuedBytes > HIGH_WATER_BYTES) {
      this.client.pauseReading();
      wheel.clear(this.client);
      wheel.set(upstream, nowMs + settings.requestBodyTimeoutMs);
      return;
    }
    if (upstream !== null && this.#sent && !this.#responseStarted) wheel.clear(upstream);
    this.client.resumeReading();
    wheel.set(this.client, nowMs + settings.requestBodyTimeoutMs);
  }

  /**
   * More of the request body.
   * @returns the offset after what belongs to it, or -1 when the exchange has ended over it.
   */
  onRequestBody(data: Buffer, start: number, end: number, nowMs: number): number {
    const stop = this.#requestBody.consume(data, start, end);
    if (stop < 0) {
      this.#refuseBody(stop);
      return -1;
    }
    const { maxBodyBytes } = this.#ctx.settings;
    if (maxBodyBytes > 0 && this.#requestBody.bytes > maxBodyBytes) {
      this.#clientKeepAlive = false;
      this.fail(Failures.BODY_TOO_LARGE, nowMs);
      return -1;
    }
    const upstream = this.#upstream;
    this.#ctx.counters[WorkerCounter.BYTES_FROM_CLIENTS] += stop - start;
    if (upstream === null || !this.#sent) {
      // Still queued or connecting: keep it, and let the client wait.
      this.#laterBody ??= [];
      this.#laterBody.push(data.subarray(start, stop));
      this.client.pauseReading();
      return stop;
    }
    this.#streamed = true;
    // A server that stopped reading, perhaps because it has answered already, shows by closing.
    upstream.send(data, start, stop, true);
    if (!this.#requestBody.done) this.#awaitBody(nowMs);
    else if (!this.#responseStarted) this.#awaitResponse(upstream, nowMs);
    else this.#ctx.wheel.clear(this.client);
    return stop;
  }

  #refuseBody(code: number): void {
    const refusal = refusalOf(code);
    this.#clientKeepAlive = false;
    this.#ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.fail(refusedRequest(refusal.status, refusal.reason, refusal.message), this.#ctx.now());
  }

  /** The client's FIN came before the end of the body. */
  onRequestTruncated(nowMs: number): void {
    this.#clientKeepAlive = false;
    this.fail(Failures.REQUEST_TRUNCATED, nowMs);
  }

  // ── receive ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onUpstreamData(connection: UpstreamConnection, data: Buffer, nowMs: number): void {
    if (this.#tunnel !== null) {
      this.#tunnel.fromServer(data, nowMs);
      return;
    }
    if (this.#responseStarted) {
      this.#relayBody(connection, data, 0, nowMs);
      return;
    }
    if (!connection.collectingHead) {
      this.#receiveHead(connection, data, 0, data, nowMs);
      return;
    }
    const collected = connection.headBuffer(this.#ctx.limits.maxHeadBytes);
    if (!collected.push(data, 0, data.length)) return;
    const head = this.#ctx.responseHead;
    const end = parseResponseHead(collected.bytes, 0, collected.length, head, this.#ctx.limits, this.method);
    if (end === 0) return;
    const rest = end > 0 ? collected.restStart(end) : 0;
    const bytes = collected.take();
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#gotHead(connection, buffer, end, data, rest, nowMs);
  }

  /** Parses heads from `data[start …]` until a final one is complete. */
  #receiveHead(connection: UpstreamConnection, data: Buffer, start: number, rest: Buffer, nowMs: number): void {
    const ctx = this.#ctx;
    const end = parseResponseHead(data, start, data.length, ctx.responseHead, ctx.limits, this.method);
    if (end !== 0) {
      this.#gotHead(connection, data, end, rest, end, nowMs);
      return;
    }
    if (start < data.length) connection.headBuffer(ctx.limits.maxHeadBytes).push(data, start, data.length);
  }

  /** A head was read from `buffer` (or refused, `end` < 0); `rest[restStart …]` follows it. */
  #gotHead(
    connection: UpstreamConnection,
    buffer: Buffer,
    end: number,
    rest: Buffer,
    restStart: number,
    nowMs: number,
  ): void {
    const head = this.#ctx.responseHead;
    if (end < 0 || ++this.#interim > MAX_INTERIM_RESPONSES) {
      this.#attemptFailed(Failures.BAD_RESPONSE, false, nowMs);
      return;
    }
    if (head.status === 101) {
      this.#switchProtocols(connection, buffer, head, rest, restStart, nowMs);
      return;
    }
    if (head.status >= 200) {
      this.#startResponse(connection, buffer, head, rest, restStart, nowMs);
      return;
    }
    // Interim responses are passed on to clients that know them (RFC 9110 section 15.2).
    if (this.versionMinor === 1) {
      const { scratch, dateLine } = this.#ctx;
      const length = writeResponseHead(scratch, 0, buffer, head, ClientConnectionHeader.NONE, false, dateLine);
      this.client.send(scratch, 0, length, false);
    }
    this.#receiveHead(connection, rest, restStart, rest, nowMs);
  }

  #startResponse(
    connection: UpstreamConnection,
    buffer: Buffer,
    head: ResponseHead,
    rest: Buffer,
    restStart: number,
    nowMs: number,
  ): void {
    const ctx = this.#ctx;
    const latencyMs = nowMs - this.#dispatchedMs;
    const failed = head.status >= 500;
    ctx.picker.onOutcome(this.#slot, latencyMs, failed, nowMs);
    recordResponse(ctx.block, this.#slot, latencyMs, failed);
    if ((head.seen & LOAD_REPORT_BITS) !== 0) readLoadReport(buffer, head, ctx.block, this.#slot);

    this.#responseStarted = true;
    this.#status = head.status;
    this.#upstreamKeepAlive = head.keepAlive;
    const dechunk = head.bodyKind === BodyKind.CHUNKED && this.versionMinor === 0;
    this.#responseBody.begin(head.bodyKind, head.contentLength, dechunk);
    this.#keepClient = this.#mayKeepClient(head.bodyKind, dechunk);

    // The head and the body bytes that came with it leave in one write, unless that would copy a lot.
    const out = ctx.scratch;
    let length = writeResponseHead(out, 0, buffer, head, this.#connectionHeader(), dechunk, ctx.dateLine);
    const stop = this.#responseBody.consume(rest, restStart, rest.length);
    if (stop < 0) {
      this.#responseStarted = false;
      this.#attemptFailed(Failures.BAD_RESPONSE, false, nowMs);
      return;
    }
    const contentEnd = this.#responseBody.contentEnd;
    const coalesced = contentEnd - restStart <= COALESCE_BYTES;
    if (coalesced) length = copyBytes(out, length, rest, restStart, contentEnd);
    let ok = this.client.send(out, 0, length, false);
    if (ok && !coalesced) ok = this.client.send(rest, restStart, contentEnd, true);
    ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += coalesced ? length : length + contentEnd - restStart;
    if (ok) this.#afterRelay(connection, stop < rest.length, nowMs);
    else this.client.onClose(nowMs);
  }

  /** May the client's connection serve another request after this answer? */
  #mayKeepClient(bodyKind: number, dechunk: boolean): boolean {
    const { draining, settings } = this.#ctx;
    if (!this.#clientKeepAlive || draining || bodyKind === BodyKind.UNTIL_CLOSE || dechunk) return false;
    // An answer before the end of the request: nobody can know whether the client will send the rest of it.
    if (!this.#requestBody.done) return false;
    const most = settings.maxRequestsPerConnection;
    return most === 0 || this.client.requests < most;
  }

  #connectionHeader(): ClientConnectionHeader {
    if (!this.#keepClient) return ClientConnectionHeader.CLOSE;
    return this.versionMinor === 0 ? ClientConnectionHeader.KEEP_ALIVE : ClientConnectionHeader.NONE;
  }

  #relayBody(connection: UpstreamConnection, data: Buffer, start: number, nowMs: number): void {
    const stop = this.#responseBody.consume(data, start, data.length);
    if (stop < 0) {
      this.fail(Failures.BAD_RESPONSE, nowMs);
      return;
    }
    const contentEnd = this.#responseBody.contentEnd;
    this.#ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += contentEnd - start;
    if (contentEnd > start && !this.client.send(data, start, contentEnd, true)) this.client.onClose(nowMs);
    else this.#afterRelay(connection, stop < data.length, nowMs);
  }

  /** Bytes of the answer went to the client: it is complete, or one of the two sides is waited for. */
  #afterRelay(connection: UpstreamConnection, unsolicited: boolean, nowMs: number): void {
    if (this.#responseBody.done) {
      // What follows an answer that nobody asked for would poison the next one: such a connection is not used again.
      if (unsolicited) this.#upstreamKeepAlive = false;
      this.#finish(nowMs);
      return;
    }
    const { wheel, settings } = this.#ctx;
    if (this.client.queuedBytes > 0) {
      wheel.set(this.client, nowMs + settings.responseBodyTimeoutMs);
      if (this.client.queuedBytes > HIGH_WATER_BYTES) {
        connection.pauseReading();
        wheel.clear(connection);
        return;
      }
    }
    wheel.set(connection, nowMs + settings.responseBodyTimeoutMs);
  }

  #switchProtocols(
    connection: UpstreamConnection,
    buffer: Buffer,
    head: ResponseHead,
    rest: Buffer,
    restStart: number,
    nowMs: number,
  ): void {
    if (!this.upgrade) {
      this.#attemptFailed(Failures.UNEXPECTED_UPGRADE, false, nowMs);
      return;
    }
    const ctx = this.#ctx;
    const latencyMs = nowMs - this.#dispatchedMs;
    ctx.picker.onOutcome(this.#slot, latencyMs, false, nowMs);
    recordResponse(ctx.block, this.#slot, latencyMs, false);
    this.#responseStarted = true;
    this.#status = 101;
    this.#upstreamKeepAlive = false;
    const length = writeResponseHead(ctx.scratch, 0, buffer, head, ClientConnectionHeader.UPGRADE, false, ctx.dateLine);
    this.client.send(ctx.scratch, 0, length, false);
    this.#tunnel = new Tunnel(ctx, this.client, connection, (failure, now) => this.#endTunnel(failure, now));
    if (restStart < rest.length) this.#tunnel.fromServer(rest.subarray(restStart), nowMs);
    this.client.startTunnel(nowMs);
  }

  /** Bytes of the client after 101. */
  onTunnelData(data: Buffer, nowMs: number): void {
    this.#tunnel?.fromClient(data, nowMs);
  }

  #endTunnel(failure: Failure | null, nowMs: number): void {
    this.failure = failure;
    this.responseBytes = this.#tunnel?.bytesToClient ?? 0;
    this.#keepClient = false;
    this.#complete(nowMs);
  }

  // ── finish ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The answer is complete. */
  #finish(nowMs: number): void {
    this.responseBytes = this.#responseBody.bytes;
    this.#complete(nowMs);
  }

  /** Lets go of everything, records the request and hands the client's connection back. */
  #complete(nowMs: number): void {
    const { client } = this;
    const keepClient = this.#keepClient;
    recordRequest(this.#ctx, this, this.#status, nowMs);
    this.#letGoOfUpstream(nowMs);
    this.#ctx.wheel.clear(client);
    this.#reset();
    client.onExchangeDone(keepClient, nowMs);
  }

  /** Gives the connection to its pool when it is clean, else closes it; gives the place in flight back. */
  #letGoOfUpstream(nowMs: number): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    if (upstream !== null) {
      const clean =
        this.#responseStarted &&
        this.#responseBody.done &&
        this.#upstreamKeepAlive &&
        this.#requestBody.done &&
        upstream.queuedBytes === 0 &&
        this.failure === null;
      if (clean) upstream.pool.release(upstream, nowMs);
      else if (upstream.connecting) upstream.user = null;
      else upstream.destroy();
    }
    this.#releaseSlot(nowMs);
  }

  #releaseSlot(nowMs: number): void {
    if (this.#slot < 0) return;
    this.#ctx.picker.release(this.#slot);
    this.#slot = -1;
    if (this.#ctx.queue.length > 0) this.#ctx.queue.poll(nowMs);
  }

  // ── failure ──────────────────────────────────────────────────────────────────────────────────────────────────────

  onUpstreamEnd(connection: UpstreamConnection, broken: boolean, nowMs: number): void {
    if (this.#tunnel !== null) {
      this.#tunnel.serverEnded(broken, nowMs);
      return;
    }
    if (!this.#responseStarted) {
      this.#upstreamLost(false, nowMs);
    } else if (this.#responseBody.kind === BodyKind.UNTIL_CLOSE && !broken) {
      this.#upstreamKeepAlive = false;
      this.#finish(nowMs);
    } else {
      this.fail(Failures.RESPONSE_TRUNCATED, nowMs);
    }
    if (!broken) connection.destroy();
  }

  /** The connection closed without a byte of an answer. @param nothingSent it was found closed by the first write. */
  #upstreamLost(nothingSent: boolean, nowMs: number): void {
    const upstream = this.#upstream;
    const stale = upstream !== null && upstream.served > 0 && !upstream.answered;
    this.#attemptFailed(stale ? Failures.STALE_CONNECTION : Failures.CLOSED_BEFORE_RESPONSE, nothingSent, nowMs);
  }

  onUpstreamDeadline(_connection: UpstreamConnection, nowMs: number): void {
    if (this.#responseStarted) this.fail(Failures.RESPONSE_BODY_TIMEOUT, nowMs);
    else if (!this.#requestBody.done) this.#attemptFailed(Failures.REQUEST_WRITE_TIMEOUT, false, nowMs);
    else this.#attemptFailed(Failures.RESPONSE_TIMEOUT, false, nowMs);
  }

  /** The client's deadline passed: which one depends on the phase. */
  onClientDeadline(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.close(nowMs);
    else if (this.#queued) {
      this.#ctx.counters[WorkerCounter.QUEUE_TIMEOUTS]++;
      this.fail(Failures.QUEUE_TIMEOUT, nowMs);
    } else if (this.client.queuedBytes > 0) this.fail(Failures.CLIENT_WRITE_TIMEOUT, nowMs);
    else if (!this.#requestBody.done) {
      this.#clientKeepAlive = false;
      this.fail(Failures.REQUEST_BODY_TIMEOUT, nowMs);
    }
  }

  /** An attempt ended without an answer that can be used: try another server, where that is safe, or give up. */
  #attemptFailed(failure: Failure, nothingSent: boolean, nowMs: number): void {
    const slot = this.#slot;
    if (failure !== Failures.STALE_CONNECTION) this.#countAgainstServer(nowMs);
    if (!this.#mayRetry(failure, nothingSent, nowMs)) {
      this.fail(failure, nowMs);
      return;
    }
    this.#ctx.counters[WorkerCounter.RETRIES]++;
    this.#dropUpstream();
    this.#releaseSlot(nowMs);
    this.#sent = false;
    this.#interim = 0;
    // A stale connection says nothing about its server.
    if (failure !== Failures.STALE_CONNECTION) this.#excluded = slot;
    this.#dispatch(nowMs);
  }

  #mayRetry(failure: Failure, nothingSent: boolean, nowMs: number): boolean {
    const { settings, retryBudget, counters } = this.#ctx;
    if (this.#responseStarted || !failure.retryable || this.#streamed) return false;
    if (this.attempts > settings.retryAttempts) return false;
    // What may have been processed is sent again only if that does no harm (RFC 9110 section 9.2.2).
    if (!nothingSent && !isIdempotent(this.method)) return false;
    if (failure === Failures.STALE_CONNECTION) return true;
    if (retryBudget.tryTake(nowMs)) return true;
    counters[WorkerCounter.RETRIES_DENIED_BY_BUDGET]++;
    return false;
  }

  #countAgainstServer(nowMs: number): void {
    if (this.#slot < 0) return;
    this.#ctx.picker.onOutcome(this.#slot, nowMs - this.#dispatchedMs, true, nowMs);
    this.#ctx.block.failures[this.#slot]++;
    if (!this.#responseStarted) this.#ctx.block.unanswered[this.#slot]++;
  }

  #dropUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = null;
    upstream?.destroy();
  }

  /** Ends the exchange with an error answer, or visibly cuts off an answer that has begun. */
  fail(failure: Failure, nowMs: number): void {
    const { client } = this;
    this.failure = failure;
    if (this.#queued) {
      this.#queued = false;
      this.#ctx.queue.remove(this);
    }
    if (this.#responseStarted && failure.source === "upstream") this.#countAgainstServer(nowMs);
    if (this.#responseStarted || failure.status === 0) {
      if (!this.#responseStarted) this.#status = CLIENT_CLOSED_REQUEST;
      this.responseBytes = this.#responseBody.bytes;
      recordRequest(this.#ctx, this, this.#status, nowMs);
      this.#letGoOfUpstream(nowMs);
      this.#reset();
      client.cutOff();
      return;
    }
    this.#status = failure.status;
    this.#keepClient = this.#clientKeepAlive && this.#requestBody.done && !this.#ctx.draining;
    this.responseBytes = client.sendError(failure, this, this.#keepClient);
    this.#complete(nowMs);
  }

  /** The client has gone. */
  abort(nowMs: number): void {
    this.#ctx.counters[WorkerCounter.CLIENT_ABORTS]++;
    if (this.#tunnel !== null) this.#tunnel.clientGone(nowMs);
    else this.fail(Failures.CLIENT_ABORTED, nowMs);
  }

  // ── back-pressure ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The server took queued bytes. */
  onUpstreamDrain(connection: UpstreamConnection, nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.serverDrained(nowMs);
    else if (!this.#requestBody.done) this.#awaitBody(nowMs);
    else if (!this.#responseStarted) this.#awaitResponse(connection, nowMs);
  }

  /** The client took queued bytes. */
  onClientDrain(nowMs: number): void {
    const upstream = this.#upstream;
    if (this.#tunnel !== null) {
      this.#tunnel.clientDrained(nowMs);
      return;
    }
    if (upstream === null || !this.#responseStarted) return;
    const { wheel, settings } = this.#ctx;
    if (this.client.queuedBytes > 0) {
      wheel.set(this.client, nowMs + settings.responseBodyTimeoutMs);
      return;
    }
    if (this.#requestBody.done) wheel.clear(this.client);
    wheel.set(upstream, nowMs + settings.responseBodyTimeoutMs);
    upstream.resumeReading();
  }

  /** The client sends nothing more (FIN) and still reads. */
  onClientEnd(nowMs: number): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded(nowMs);
    else if (!this.#requestBody.done) this.onRequestTruncated(nowMs);
    else this.#clientKeepAlive = false;
  }

  /** Forgets the request, so that nothing of it is kept alive or seen by the next. */
  #reset(): void {
    const ctx = this.#ctx;
    if (ctx.requestHeadOwner === this) ctx.requestHeadOwner = null;
    this.headBuffer = NO_BUFFER;
    this.#firstBody = NO_BUFFER;
    this.#laterBody = null;
    this.requestIdBuffer = NO_BUFFER;
    this.traceIdBuffer = NO_BUFFER;
    this.#streamed = false;
    this.#slot = -1;
    this.serverId = 0;
    this.attempts = 0;
    this.#excluded = -1;
    this.#upstream = null;
    this.#sent = false;
    this.#queued = false;
    this.#responseStarted = false;
    this.#interim = 0;
    this.#status = 0;
    this.responseBytes = 0;
    this.failure = null;
    this.#tunnel = null;
    this.#key = 0;
    ctx.freeExchanges.push(this);
  }
}

const API_REQUEST_PREFIX_BYTES = "/api/v1/request".length;
/** Longer ids of a trusted peer are replaced. */
const MAX_REQUEST_ID_BYTES = 128;
/** nginx's status for the log when the client went away before it was answered. */
const CLIENT_CLOSED_REQUEST = 499;
const LOAD_REPORT_BITS = (1 << FieldId.ENDPOINT_LOAD_METRICS) | (1 << FieldId.ENDPOINT_LOAD_METRICS_BIN);

/** RFC 9110 section 9.2.2. */
function isIdempotent(method: number): boolean {
  return (
    method === Method.GET ||
    method === Method.HEAD ||
    method === Method.PUT ||
    method === Method.DELETE ||
    method === Method.OPTIONS ||
    method === Method.TRACE
  );
}

/** Visible ASCII without what JSON would have to escape. */
function isPlainId(buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = buf[i];
    if (c <= 32 || c >= 127 || c === 34 || c === 92) return false;
  }
  return true;
}
