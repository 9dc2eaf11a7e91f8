/** What is known of one request: where its parts are, what it goes by, and which of its bytes can be sent again. */

import type { DurationPlace } from "../../shared/memory/duration-table.ts";
import { NO_POOL } from "../../shared/memory/layout/history.ts";
import { Method, Route } from "../../shared/memory/series-table.ts";
import { ReservedPath } from "../../shared/reserved-paths.ts";
import { type Failure, Failures, refusedRequest } from "../failure.ts";
import { grpcTimeoutMs, isGrpc } from "../grpc/grpc-message.ts";
import { BodyReader } from "../http1/body-reader.ts";
import { FieldId } from "../http1/field-names.ts";
import { BodyKind, FIELD_STRIDE, FieldPart, type HeadLimits, type RequestHead } from "../http1/head.ts";
import { fieldText } from "../http1/header-text.ts";
import { refusalOf } from "../http1/parse-error.ts";
import { parseRequestHead } from "../http1/request-parser.ts";
import { errorResponse } from "../local/errors.ts";
import { grpcErrorResponse } from "../local/grpc-errors.ts";
import type { LocalResponse } from "../local/response.ts";
import type { Ticket } from "../pick/sticky-cookie.ts";
import { CLIENT_ADDRESS_BITS, clientAddressOf } from "../pick/sticky-key.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import { type FoundFields, findFields, findNothing } from "../record/access-log/head-fields.ts";
import type { LimitedBy, RouteLabels } from "../record/access-log/logged.ts";
import { RequestNotes } from "../record/explain/request-notes.ts";
import { type JoiningRequest, joinTrace, OWN_IDS_BYTES } from "../record/trace/join-trace.ts";
import type { TraceRecord } from "../record/trace/trace-record.ts";
import { HeadEdits } from "../rewrite/edits.ts";
import type { Peer, RequestRewrite } from "../rewrite/request.ts";
import { TRACE_ID_DIGITS } from "../rewrite/request-ids.ts";
import { cameSecure } from "../rewrite/scheme.ts";
import { newTraceparent, setTrace, TraceFlags } from "../rewrite/trace-context.ts";
import type { Target } from "../routing/worker-route.ts";
import type { ClientCertificate } from "../sockets/client-certificate.ts";
import { freeMemory, isWorthFreeing } from "../sockets/spare-memory.ts";
import type { ExchangeContext } from "./context.ts";
import type { Downstream } from "./downstream.ts";

const ACCEPT = Buffer.from("accept");
const CONTENT_TYPE = Buffer.from("content-type");
/** Stands where there are no bytes, so that a field keeps one type. */
const NO_BUFFER = Buffer.alloc(0);

const API_REQUEST_PREFIX_BYTES = ReservedPath.API_REQUEST.length;
/** Longer ids of a trusted peer are replaced. */
const MAX_REQUEST_ID_BYTES = 128;

/** Stands where there is no request, so that no pool is kept alive. */
const NO_TARGET = Object.freeze({}) as Target;

/** One request; the object serves many, one after the other. */
export class ProxiedRequest implements RequestRewrite, FoundFields, JoiningRequest {
  readonly #ctx: ExchangeContext;
  client!: Downstream;
  peer!: Peer;
  /** Holds the head; the offsets below are into it. */
  headBuffer: Buffer = NO_BUFFER;
  headStart = 0;
  headEnd = 0;
  /** Under which it was accepted: they may have become smaller since. */
  #limits!: HeadLimits;
  /** Index into `METHODS`. */
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  hostStart = 0;
  hostEnd = 0;
  userAgentStart = 0;
  userAgentEnd = 0;
  refererStart = 0;
  refererEnd = 0;
  /** Where the path begins by which its route was found: what of it is forwarded may have been rewritten. */
  routedStart = 0;
  pathPrefix: Buffer = NO_BUFFER;
  pathStart = 0;
  pathEnd = 0;
  host: Buffer | null = null;
  edits: HeadEdits | null = null;
  /** What is changed in the head of its response. Who has something of the moment to add does so before it begins. */
  responseEdits: HeadEdits | null = null;
  /** Where it goes. */
  target!: Target;
  /** Which limit refused it, or would have, were it not for its dry run; null = none. */
  limitedBy: LimitedBy | null = null;
  /** Why it goes no farther than its route; null = it does. */
  ruling: LocalResponse | Failure | null = null;
  /** What metrics count it under: index into `ROUTES`, or the number of its route. */
  route = 0;
  /** And where they count how long it takes. */
  place!: DurationPlace;
  upgrade = false;
  grpc = false;
  /** How long the client of a call of gRPC waits, milliseconds; 0 = it does not say. */
  grpcTimeoutMs = 0;
  /** The client waits for 100 (Continue), and the server has not said it yet. */
  expectsContinue = false;
  readonly ids = Buffer.alloc(OWN_IDS_BYTES);
  keepRequestId = false;
  traceparent: Buffer | null = null;
  keepTraceState = false;
  readonly #ownTraceparent = newTraceparent();
  requestIdBuffer: Buffer = NO_BUFFER;
  requestIdStart = 0;
  requestIdEnd = 0;
  traced = false;
  sampled = false;
  sampledFlag = false;
  traceIdBuffer: Buffer = NO_BUFFER;
  traceIdStart = 0;
  spanIdBuffer: Buffer = NO_BUFFER;
  spanIdStart = -1;
  parentIdStart = -1;
  /** What is taken down of it; null = it is not sampled. */
  trace: TraceRecord | null = null;
  /** What its explanation is made of; null = it is not to be explained. */
  notes: RequestNotes | null = null;
  #ownNotes: RequestNotes | null = null;
  clientAddress: Buffer = NO_BUFFER;
  /** Hash of what the request sticks to; only set where the strategy asks for it. */
  key = 0;
  /** Hash of its template, and of that with any last segment, and its class; only where its pool tells classes apart, else 0. */
  template = 0;
  parentTemplate = 0;
  requestClass = 0;
  /** Who its client sticks to: the cookie says so. */
  sticky: Ticket | null = null;
  /** Monotonic milliseconds. */
  startedMs = 0;
  /** What `Host` is when the client sent none: set for each attempt. */
  fallbackHost: Buffer = NO_BUFFER;

  readonly body = new BodyReader();
  /** Content-Length; -1 = none. */
  #announcedBytes = -1;
  /** Body bytes that came with the head: kept, so that the request can be sent again. */
  firstBody: Buffer = NO_BUFFER;
  firstBodyStart = 0;
  firstBodyEnd = 0;
  /** Nothing but this request is in the memory of `headBuffer`. */
  #alone = false;
  /** Body bytes beyond the first ones were passed on and not kept: the request can't be sent again. */
  streamed = false;

  constructor(ctx: ExchangeContext) {
    this.#ctx = ctx;
  }

  /**
   * Why the request is refused over its body, `null` = it is not: it breaks its framing, or is, or is announced to be,
   * larger than `MAX_BODY_BYTES`.
   * @param stop what reading the body has given: an offset, or a negative `ParseError`.
   */
  refusalAt(stop: number): Failure | null {
    if (stop < 0) {
      const { status, reason, message } = refusalOf(stop);
      return refusedRequest(status, reason, message);
    }
    const most = this.target.settings.maxBodyBytes;
    return most > 0 && (this.#announcedBytes > most || this.body.bytes > most) ? Failures.BODY_TOO_LARGE : null;
  }

  /** What the client is told of a failure: as its route has it, and it takes it. */
  errorResponse(failure: Failure): LocalResponse {
    const requestId = this.requestIdBuffer.toString("latin1", this.requestIdStart, this.requestIdEnd);
    if (this.grpc) {
      const type = fieldText(this.headBuffer, this.parsedHead(), CONTENT_TYPE) ?? "";
      return grpcErrorResponse(failure, requestId, type);
    }
    const { errorPages } = this.target.route.rules;
    if (errorPages === null) return errorResponse(failure, requestId);
    return errorResponse(failure, requestId, errorPages, fieldText(this.headBuffer, this.parsedHead(), ACCEPT));
  }

  /** The pool that it goes to. Throws where its route has none. */
  get pool(): ServerPool {
    const { pool, route } = this.target;
    if (pool === null) throw new Error(`requests of the route "${route.spec.name}" go to no server`);
    return pool;
  }

  /** Row of its pool, or `NO_POOL`. */
  get poolRow(): number {
    return this.target.pool?.settings.row ?? NO_POOL;
  }

  /** Its id is one of ours. */
  get ownId(): boolean {
    return !this.keepRequestId;
  }

  /** What its line in the log says of where it went. */
  get labels(): RouteLabels | null {
    return this.target.labels;
  }

  get protocol(): Buffer {
    return this.client.protocol;
  }

  get tlsVersion(): Buffer | null {
    return this.client.tlsVersion;
  }

  get certificate(): ClientCertificate | null {
    return this.peer.certificate;
  }

  /** Its client asked by HTTPS, as far as that is known. */
  get secure(): boolean {
    return cameSecure(this.peer, this.headBuffer, this.parsedHead());
  }

  /** May it be sent twice without harm (RFC 9110 section 9.2.2)? */
  get idempotent(): boolean {
    const { method } = this;
    return (
      method === Method.GET ||
      method === Method.HEAD ||
      method === Method.PUT ||
      method === Method.DELETE ||
      method === Method.OPTIONS ||
      method === Method.TRACE
    );
  }

  /** What comes of its body is kept until its response begins, so that it can be sent again. */
  get keepsBody(): boolean {
    return this.grpc && this.target.settings.retryOnGrpcStatus.length > 0;
  }

  /** How long its server may take for a response head, milliseconds. */
  get responseHeadTimeoutMs(): number {
    const { responseHeadTimeoutMs, tunnelTimeoutMs } = this.target.settings;
    return Math.max(responseHeadTimeoutMs, Math.min(this.grpcTimeoutMs, tunnelTimeoutMs));
  }

  /**
   * How long either side may be silent while the response is under way, milliseconds. A call of gRPC may go on for as long as its
   * client waits, or, like a tunnel, for as long as both want.
   */
  #silenceMs(usual: number): number {
    if (!this.grpc) return usual;
    const { tunnelTimeoutMs } = this.target.settings;
    return Math.max(usual, this.grpcTimeoutMs > 0 ? Math.min(this.grpcTimeoutMs, tunnelTimeoutMs) : tunnelTimeoutMs);
  }

  /** How long a response may make no progress, milliseconds. */
  get responseBodyTimeoutMs(): number {
    return this.#silenceMs(this.target.settings.responseBodyTimeoutMs);
  }

  /** How long its body may make no progress, milliseconds. */
  get requestBodyTimeoutMs(): number {
    return this.#silenceMs(this.target.settings.requestBodyTimeoutMs);
  }

  /** It is the server's turn, although the body has not come: the client holds it back until it hears 100 (Continue). */
  get awaitsContinue(): boolean {
    return this.expectsContinue && this.body.bytes === 0 && !this.body.done;
  }

  /** Takes what `ctx.requestHead` says, which was parsed from `head[headStart …]`. */
  read(client: Downstream, head: Buffer, headStart: number, route: number, startedMs: number): void {
    const ctx = this.#ctx;
    const parsed = ctx.requestHead;
    parsed.owner = this;
    this.#limits = ctx.limits;
    this.client = client;
    this.peer = client.peer;
    this.headBuffer = head;
    this.headStart = headStart;
    this.headEnd = parsed.headEnd;
    this.method = parsed.method;
    this.methodStart = parsed.methodStart;
    this.methodEnd = parsed.methodEnd;
    this.targetStart = parsed.targetStart;
    this.targetEnd = parsed.targetEnd;
    this.hostStart = parsed.hostStart;
    this.hostEnd = parsed.hostEnd;
    if (ctx.accessLog?.readsHead) findFields(head, parsed, this);
    else findNothing(this);
    this.pathStart = route === Route.API_REQUEST ? parsed.pathStart + API_REQUEST_PREFIX_BYTES : parsed.pathStart;
    this.pathEnd = parsed.targetEnd;
    this.routedStart = this.pathStart;
    this.#takeTarget(route, parsed);
    this.upgrade = parsed.upgrade;
    this.grpc = parsed.method === Method.POST && isGrpc(head, parsed);
    this.grpcTimeoutMs = this.grpc ? grpcTimeoutMs(head, parsed) : 0;
    this.expectsContinue = parsed.expectContinue;
    this.startedMs = startedMs;
    this.streamed = false;
    this.notes = ctx.explain === null ? null : this.#beginNotes(startedMs);
    this.#readIds(head, parsed);
    this.#readTrace(head, parsed);
    this.clientAddress =
      this.peer.trusted && (parsed.seen & CLIENT_ADDRESS_BITS) !== 0
        ? Buffer.from(clientAddressOf(head, parsed, this.peer, ctx.trustedProxies), "latin1")
        : this.peer.addressBytes;
    const { access } = this.target.route;
    if (access !== null && !access.permits(this.clientAddress.toString("latin1"))) this.ruling = Failures.CLIENT_DENIED;
    const { pool } = this.target;
    if (pool === null) return;
    if (pool.picker.usesKey) this.key = pool.stickyKey(head, parsed, this.peer);
    if (pool.stickyCookie !== null) this.sticky = pool.stickyCookie.find(head, parsed);
    if (pool.classifier !== null) pool.classifier.classify(this, startedMs);
  }

  /** @param reserved index into `ROUTES`: what the path alone says. */
  #takeTarget(reserved: number, parsed: RequestHead): void {
    const { routes } = this.#ctx;
    const route = routes.of(this.headBuffer, parsed, this.pathStart, this.pathEnd, this.peer.trusted);
    this.target = route.target(this.headBuffer, parsed, this.peer);
    this.host = this.target.host;
    this.ruling = route.rules.begin(this, parsed);
    const { ownFields } = this.peer;
    if (ownFields !== null) this.edits = HeadEdits.join(ownFields, this.edits);
    this.route = route.number === Route.PROXY ? reserved : route.number;
    this.place = this.route === Route.API_REQUEST ? this.target.apiPlace : this.target.place;
  }

  /**
   * Takes the body's part of `data[start … end)`, the bytes behind the head.
   * @returns the offset after it, or a negative `ParseError`.
   */
  readFirstBody(data: Buffer, start: number, end: number): number {
    const parsed = this.#ctx.requestHead;
    const kind = parsed.chunked ? BodyKind.CHUNKED : parsed.contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
    this.body.begin(kind, parsed.contentLength, false, this.target.route.trailers);
    this.#announcedBytes = parsed.contentLength;
    this.firstBody = data;
    this.firstBodyStart = start;
    this.firstBodyEnd = start;
    this.#alone = false;
    if (kind === BodyKind.NONE) return start;
    const stop = this.body.consume(data, start, end);
    if (stop > 0) this.firstBodyEnd = stop;
    this.#alone = data === this.headBuffer && this.headStart === 0 && stop === data.length;
    return stop;
  }

  /** The parsed head: read once more when the worker's parser has been used for another request since. */
  parsedHead(): RequestHead {
    const { requestHead } = this.#ctx;
    if (requestHead.owner !== this) {
      const end = parseRequestHead(this.headBuffer, this.headStart, this.headEnd, requestHead, this.#limits);
      if (end !== this.headEnd) throw new Error("a request head that was accepted is refused when read again");
      requestHead.owner = this;
    }
    return requestHead;
  }

  /** Forgets the request, so that none of its memory is kept alive. */
  clear(): void {
    const { requestHead } = this.#ctx;
    if (requestHead.owner === this) requestHead.owner = null;
    if (this.#alone && isWorthFreeing(this.headBuffer)) freeMemory(this.headBuffer);
    this.#alone = false;
    this.headBuffer = NO_BUFFER;
    this.firstBody = NO_BUFFER;
    this.requestIdBuffer = NO_BUFFER;
    this.traceIdBuffer = NO_BUFFER;
    this.traceparent = null;
    this.trace = null;
    this.notes = null;
    this.target = NO_TARGET;
    this.ruling = null;
    this.limitedBy = null;
    this.pathPrefix = NO_BUFFER;
    this.host = null;
    this.edits = null;
    this.responseEdits = null;
    this.key = 0;
    this.template = 0;
    this.parentTemplate = 0;
    this.requestClass = 0;
    this.sticky = null;
  }

  #beginNotes(startedMs: number): RequestNotes {
    this.#ownNotes ??= new RequestNotes();
    this.#ownNotes.begin(startedMs);
    return this.#ownNotes;
  }

  /** Which request and trace ids it goes by: its own, or those that it came with. */
  #readIds(head: Buffer, parsed: RequestHead): void {
    this.#ctx.ids.write(this.ids, 0, TRACE_ID_DIGITS);
    this.requestIdBuffer = this.ids;
    this.requestIdStart = 0;
    this.requestIdEnd = TRACE_ID_DIGITS;
    this.keepRequestId = false;
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
  }

  #readTrace(head: Buffer, parsed: RequestHead): void {
    const { tracing, ids } = this.#ctx;
    const flags = joinTrace(this, this.peer.trusted, tracing, ids, head, parsed);
    if (tracing === null) return;
    if (this.sampled) this.trace = tracing.writer.begin();
    if (!tracing.propagates) return;
    setTrace(
      this.#ownTraceparent,
      this.traceIdBuffer,
      this.traceIdStart,
      (flags & TraceFlags.RANDOM) | (this.sampled ? TraceFlags.SAMPLED : 0),
    );
    this.traceparent = this.#ownTraceparent;
    this.keepTraceState = this.parentIdStart >= 0;
  }
}

/** Visible ASCII without what JSON would have to escape. */
function isPlainId(buf: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = buf[i];
    if (c <= 32 || c >= 127 || c === 34 || c === 92) return false;
  }
  return true;
}
