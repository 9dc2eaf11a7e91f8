/**
 * One stream of a client's connection (RFC 9113 section 5): a request, and its response. What HTTP/2 has of its own ends
 * here: behind it a stream is a `Downstream` like others.
 */
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { Downstream, DownstreamUser } from "../../exchange/downstream.ts";
import { Failures, refusedRequest } from "../../failure.ts";
import { ParseError, refusalOf } from "../../http1/parse-error.ts";
import { parseRequestHead } from "../../http1/request-parser.ts";
import { ErrorCode } from "../../http2/error-codes.ts";
import { afterLocalEnd, afterRemoteEnd, isLocalOpen, isRemoteOpen, StreamState } from "../../http2/stream-state.ts";
import { SendWindow } from "../../http2/windows.ts";
import { type LocalResponse, sentBody, sentBodyBytes } from "../../local/response.ts";
import type { HeadEdits } from "../../rewrite/edits.ts";
import type { Peer } from "../../rewrite/request.ts";
import { ClientConnectionHeader, writeResponseHead } from "../../rewrite/response.ts";
import { keep } from "../../sockets/receive-memory.ts";
import { Timed } from "../../sockets/timer-wheel.ts";
import { localHead } from "../local-head.ts";
import { type LocalClient, LocalResponder } from "../local-responder.ts";
import { Reception, receive, respondTo } from "../reception.ts";
import { routeOf } from "../routes.ts";
import { LINGER_MS } from "./bounds.ts";
import { HeldEnd } from "./held-end.ts";
import { RequestInput } from "./request-input.ts";
import { type OutputStream, ResponseOutput } from "./response-output.ts";
import type { StreamConnection } from "./stream-connection.ts";

const HTTP_2_0 = Buffer.from("HTTP/2.0");
const NO_BUFFER = Buffer.alloc(0);

/** One stream: it serves one request after the other, each on the connection that it is opened on. */
export class Http2Stream extends Timed implements Downstream, LocalClient, OutputStream<Http2Stream> {
  id = 0;
  nextListed: Http2Stream | null = null;
  /** Null = it waits for its next request. */
  #connection: StreamConnection<Http2Stream> | null = null;
  /** The content alone is sent. */
  readonly takesChunks = false;
  readonly protocol = HTTP_2_0;
  readonly sendWindow = new SendWindow(0);
  /** The request's head in the form of HTTP/1.1, until it begins. */
  #head: Buffer = NO_BUFFER;
  #startedMs = 0;
  #state: StreamState = StreamState.CLOSED;
  /** Its messages are complete: nobody has a reason to come back to it. */
  #endedInOrder = false;
  /** Both sides have let go of it. */
  #over = true;
  #exchange: DownstreamUser | null = null;
  #local: LocalResponder | null = null;
  /** What is behind the head; null = its head says that there is nothing. */
  #input: RequestInput | null = null;
  /** What of the receive window is in use by what was taken already, or will be. */
  #flowBytes = 0;
  #paused = false;
  /** Of a tunnel: the client sends nothing more. Null = it may. */
  #heldEnd: HeldEnd | null = null;
  readonly #output = new ResponseOutput<Http2Stream>(this);
  /** Nobody has a use for what still comes of the request. */
  #dropsInput = false;
  /** The response has ended before the request: the client has a while to see that. */
  #lingers = false;
  /** What the stream is reset with then: the request was all right. */
  #code: ErrorCode = ErrorCode.NO_ERROR;

  /**
   * A request has come on `connection`.
   * @param head in the form of HTTP/1.1; empty = it is none, and will be refused.
   * @param endStream nothing follows.
   * @param sendWindow what the client takes of its response at first, bytes.
   */
  open(
    connection: StreamConnection<Http2Stream>,
    id: number,
    head: Buffer,
    endStream: boolean,
    sendWindow: number,
    nowMs: number,
  ): void {
    this.#connection = connection;
    this.id = id;
    this.#head = head;
    this.sendWindow.available = sendWindow;
    this.#input = endStream ? null : new RequestInput();
    this.#state = endStream ? StreamState.HALF_CLOSED_REMOTE : StreamState.OPEN;
    this.#startedMs = nowMs;
    this.#over = false;
    this.#dropsInput = false;
    this.#lingers = false;
    this.#code = ErrorCode.NO_ERROR;
  }

  /** Throws an `Error` when it waits for its next request: nobody has it then. */
  get connection(): StreamConnection<Http2Stream> {
    if (this.#connection === null) throw new Error("a stream without a request was asked for its connection");
    return this.#connection;
  }

  /** It is over, and nobody can refer to it any more when the turn is. */
  get isSpare(): boolean {
    return this.#endedInOrder && this.#local === null && this.#heldEnd === null;
  }

  /** It waits for its next request. */
  rest(): void {
    this.#connection = null;
    this.#endedInOrder = false;
    this.#paused = false;
    this.#input = null;
    this.#head = NO_BUFFER;
  }

  get port(): number {
    return this.connection.entrance.port;
  }

  get peer(): Peer {
    return this.connection.peer;
  }

  get tlsVersion(): Buffer | null {
    return this.connection.tlsVersion;
  }

  get queuedBytes(): number {
    return this.#output.queuedBytes;
  }

  /** The client may still send on it. */
  get isRemoteOpen(): boolean {
    return isRemoteOpen(this.#state);
  }

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Has the request served, with what came of its body in the same packet. */
  begin(nowMs: number): void {
    if (this.#over) return; // the client has given it up in the same packet
    const { ctx, entrance, shed } = this.connection;
    const { requestHead } = ctx;
    const head = this.#head;
    this.#head = NO_BUFFER;
    const end = parseRequestHead(head, 0, head.length, requestHead, ctx.limits);
    if (end !== head.length) {
      this.refuseHead(end < 0 ? end : ParseError.HEAD_TOO_LARGE, nowMs);
      return;
    }
    const input = this.#input;
    if (input === null ? requestHead.contentLength > 0 : input.begin(requestHead)) {
      this.fail(ErrorCode.PROTOCOL_ERROR, nowMs);
      return;
    }
    const route = routeOf(head, requestHead, ctx.settings);
    const reception = receive(ctx, entrance, this.peer, shed, head, route);
    if (reception === Reception.SERVE) {
      const exchange = ctx.exchanges.take();
      this.#exchange = exchange;
      if (requestHead.upgrade) ctx.http2.renewKey();
      // The exchange has it until its server does, which may be long after this packet.
      const body = input === null || requestHead.upgrade ? NO_BUFFER : keep(input.take());
      exchange.begin(this, head, 0, route, body, 0, body.length, this.#startedMs, nowMs);
      this.#taken(nowMs);
      return;
    }
    this.#dropInput();
    respondTo(reception, ctx, entrance, this.#responder, route, head, 0, this.#startedMs, nowMs);
  }

  /** The head is none that may be passed on. A malformed request (RFC 9113 section 8.1.1) is reset behind its response. */
  refuseHead(code: number, nowMs: number): void {
    const { status, reason, message } = refusalOf(code);
    this.connection.ctx.counters[WorkerCounter.REQUESTS_REFUSED]++;
    this.#dropInput();
    if (status === 400) this.#code = ErrorCode.PROTOCOL_ERROR;
    this.#responder.refuseBytes(refusedRequest(status, reason, message), nowMs);
    if (status === 400) this.connection.onMistake();
  }

  /** A piece of DATA: see `FrameHandler.onData`. @returns false when the client was not allowed to send so much. */
  onData(buf: Buffer, start: number, end: number, flowBytes: number): boolean {
    const input = this.#input;
    if (input === null || !input.window.receive(flowBytes)) return false;
    this.#flowBytes += flowBytes;
    if (!this.#dropsInput) input.add(buf, start, end);
    return true;
  }

  /** The client sends nothing more. @param trailers field lines; null = none. */
  onRemoteEnd(trailers: Buffer | null): void {
    this.#state = afterRemoteEnd(this.#state);
    this.#input?.end(trailers);
  }

  /** Hands over what has come. */
  passOn(nowMs: number): void {
    const exchange = this.#exchange;
    const input = this.#input;
    if (this.#over) return;
    if (this.#dropsInput || input === null) {
      this.#taken(nowMs);
      if (this.#lingers && !this.isRemoteOpen) this.#complete();
      return;
    }
    if (exchange === null || this.#paused || this.#isWrong(nowMs)) return;
    if (exchange.isTunnel) {
      const data = input.take();
      if (data.length > 0) exchange.onTunnelData(data, nowMs);
    } else if (!exchange.requestComplete && input.isWaiting) {
      const data = input.take();
      if (data.length > 0) exchange.onRequestBody(data, 0, data.length, nowMs);
    }
    // Also where nothing has come since: what was taken before it had to wait is given back only now.
    this.#taken(nowMs);
  }

  /** The packet's memory is used again. */
  endPacket(): void {
    this.#input?.endPacket();
  }

  /** What had come is the exchange's, or nobody's: the client may send more, unless that has to wait. */
  #taken(nowMs: number): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    const input = this.#input;
    if (exchange?.isTunnel === true && input?.isOver !== false) {
      this.#heldEnd ??= new HeldEnd(this.connection.ctx.wheel, exchange, nowMs);
      if (!isLocalOpen(this.#state)) this.#heldEnd.hasten();
    }
    if (this.#flowBytes === 0 || this.#paused || (!this.#dropsInput && input?.isWaiting === true)) return;
    const flowBytes = this.#flowBytes;
    this.#flowBytes = 0;
    this.connection.giveBack(this, flowBytes);
  }

  /** What the client is to be told of the stream's window: see `ReceiveWindow.giveBack`. */
  returnWindow(flowBytes: number): number {
    return this.isRemoteOpen && !this.#lingers ? (this.#input?.window.giveBack(flowBytes) ?? 0) : 0;
  }

  /** DATA that is not what Content-Length says could be taken for another request by who reads on (RFC 9113 section 8.1.1). */
  #isWrong(nowMs: number): boolean {
    if (this.#input?.isWrong !== true) return false;
    this.fail(ErrorCode.PROTOCOL_ERROR, nowMs);
    return true;
  }

  /** The client has made a mistake that ends the stream. */
  fail(code: ErrorCode, nowMs: number): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    this.#reset(code);
    exchange?.refuseRest(Failures.STREAM_ERROR, nowMs);
    this.connection.onMistake();
  }

  /** Something threw while what came was handed over. */
  onInternalError(nowMs: number): void {
    if (this.#exchange !== null) this.#exchange.refuseRest(Failures.INTERNAL, nowMs);
    else this.#reset(ErrorCode.INTERNAL_ERROR);
  }

  /** The client has reset it, or is gone. */
  onGone(nowMs: number): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    this.#close(true);
    exchange?.abort(nowMs);
  }

  /** The worker is finishing. */
  closeTunnel(nowMs: number): void {
    this.#exchange?.closeTunnel(nowMs);
  }

  /** Its connection is too old, and has had its time to finish. */
  outlast(nowMs: number): void {
    if (this.#exchange?.isTunnel === true) this.closeTunnel(nowMs);
    else this.#exchange?.refuseRest(Failures.CONNECTION_AGE, nowMs);
  }

  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.connection.awaitPassOn(this);
  }

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────────

  interim(head: Buffer): boolean {
    this.#sendHead(head, null, false, false);
    return !this.connection.gone;
  }

  respond(head: Buffer, body: Buffer, start: number, end: number, complete: boolean, edits: HeadEdits | null): boolean {
    const isEmpty = complete && start === end;
    this.#sendHead(head, edits, isEmpty, false);
    return isEmpty ? !this.connection.gone : this.#send(body, start, end, complete);
  }

  sendAway(packet: Buffer, start: number, end: number): boolean {
    return this.#send(packet, start, end, false);
  }

  #send(packet: Buffer, start: number, end: number, last: boolean): boolean {
    const { connection } = this;
    if (start < end && isLocalOpen(this.#state)) {
      connection.ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += end - start;
      this.#output.send(packet, start, end, last);
    }
    return !connection.gone;
  }

  resumeSending(nowMs: number): void {
    if (!isLocalOpen(this.#state) || !this.#output.resume()) return;
    if (this.#exchange !== null) this.#exchange.onClientDrain(nowMs);
    else if (!this.#over && !this.#lingers) this.#awaitClient(nowMs);
  }

  endBody(trailers: Buffer | null): void {
    if (isLocalOpen(this.#state)) this.#output.end(trailers);
  }

  endSending(): void {
    this.endBody(null);
    this.#heldEnd?.hasten();
  }

  respondLocal(response: LocalResponse, method: number, edits: HeadEdits | null): number {
    if (isLocalOpen(this.#state)) this.#sendLocal(response, method, edits);
    return sentBodyBytes(response, method);
  }

  deliver(response: LocalResponse, method: number, edits: HeadEdits | null, nowMs: number): void {
    if (!isLocalOpen(this.#state)) return; // it went away while we looked for the response
    this.#sendLocal(response, method, edits);
    this.done(!this.isRemoteOpen, nowMs);
  }

  #sendLocal(response: LocalResponse, method: number, edits: HeadEdits | null): void {
    const { ctx } = this.connection;
    const body = sentBody(response, method);
    const content =
      typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
    const head = localHead(response, ctx.dateLine, edits);
    const isEmpty = content.length === 0;
    ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += head.length + content.length;
    this.connection.sendHead(this, head, 0, head.length, isEmpty, false);
    if (isEmpty) this.onSent();
    else this.#output.sendShared(content);
  }

  refuseRest(): void {
    this.#dropInput();
  }

  done(_requestComplete: boolean, nowMs: number): void {
    this.#letGo();
    this.#dropInput();
    this.connection.ctx.wheel.clear(this);
    if (this.#over) return;
    if (!this.#output.isEnding) this.endBody(null);
    if (this.queuedBytes > 0) this.#awaitClient(nowMs);
    else this.#closeIfDone();
  }

  cut(_shows: boolean, nowMs: number): void {
    this.#letGo();
    this.#dropInput();
    this.connection.ctx.wheel.clear(this);
    if (this.#over) return;
    this.#output.cut();
    if (this.queuedBytes > 0) this.#awaitClient(nowMs);
  }

  reset(): void {
    this.#letGo();
    this.#reset(ErrorCode.CANCEL);
  }

  startTunnel(head: Buffer, edits: HeadEdits | null): void {
    this.#paused = false;
    this.#sendHead(head, edits, false, true);
    this.connection.awaitPassOn(this);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nobody has a use for what has come and was not taken, nor for what still comes: other streams get its windows. */
  #dropInput(): void {
    this.#dropsInput = true;
    this.#paused = false;
    if (this.#flowBytes > 0 && !this.#over) this.connection.awaitPassOn(this);
    this.#input?.drop();
  }

  /** Nobody serves it any more. */
  #letGo(): void {
    this.#exchange = null;
    this.#heldEnd?.drop();
  }

  get #responder(): LocalResponder {
    this.#local ??= new LocalResponder(this.connection.ctx, this);
    return this.#local;
  }

  #sendHead(head: Buffer, edits: HeadEdits | null, last: boolean, tunnel: boolean): void {
    if (!isLocalOpen(this.#state)) return;
    const { ctx } = this.connection;
    const { scratch, responseHead, dateLine } = ctx;
    const none = ClientConnectionHeader.NONE;
    const length = writeResponseHead(scratch, 0, head, responseHead, none, true, dateLine, edits);
    ctx.counters[WorkerCounter.BYTES_TO_CLIENTS] += length;
    this.connection.sendHead(this, scratch, 0, length, last, tunnel);
    if (last) this.onSent();
  }

  onCutSent(): void {
    this.#reset(ErrorCode.INTERNAL_ERROR);
  }

  onSent(): void {
    this.#state = afterLocalEnd(this.#state);
    if (this.#exchange === null) this.#closeIfDone();
  }

  /** Our side is done, and nobody serves it any more. A reset (RFC 9113 section 8.1) that meets curl while it sends makes it fail. */
  #closeIfDone(): void {
    if (isLocalOpen(this.#state)) return;
    if (this.#code !== ErrorCode.NO_ERROR) this.#reset(this.#code);
    else if (!this.isRemoteOpen) this.#complete();
    else this.#linger();
  }

  #linger(): void {
    const { ctx } = this.connection;
    this.#lingers = true;
    ctx.wheel.set(this, ctx.now() + LINGER_MS);
  }

  /** The client has so long to take what waits. */
  #awaitClient(nowMs: number): void {
    const { wheel, settings } = this.connection.ctx;
    wheel.set(this, nowMs + settings.responseBodyTimeoutMs);
  }

  #reset(code: ErrorCode): void {
    if (this.#over) return;
    this.connection.reset(this.id, code);
    this.#close();
  }

  /** Both messages are. */
  #complete(): void {
    this.#endedInOrder = true;
    this.#close();
  }

  /** @param byClient it has nothing more to say. */
  #close(byClient = !this.isRemoteOpen): void {
    if (this.#over) return;
    this.#over = true;
    this.#state = StreamState.CLOSED;
    this.#output.clear();
    this.#dropsInput = true;
    this.#letGo();
    this.#local?.end();
    this.connection.ctx.wheel.remove(this);
    this.connection.onStreamClosed(this, byClient, this.#flowBytes);
    this.#flowBytes = 0;
  }

  override onDeadline(nowMs: number): void {
    if (this.#exchange !== null) this.#exchange.onClientDeadline(nowMs);
    else this.#reset(this.#lingers ? ErrorCode.NO_ERROR : ErrorCode.CANCEL);
  }
}
