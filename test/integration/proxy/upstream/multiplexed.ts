/**
 * A server that is reached over one connection which all requests share, in memory: what HTTP/2 will be. It takes bodies
 * without chunks, has a place of its own for trailers, ends requests without ending the connection, and knows no sockets.
 */

import type { Endpoint } from "../../../../src/protocol/endpoint.ts";
import { Failures } from "../../../../src/proxy/failure.ts";
import { BodyReader } from "../../../../src/proxy/http1/body-reader.ts";
import { FixedText } from "../../../../src/proxy/http1/fixed-text.ts";
import { BodyKind } from "../../../../src/proxy/http1/head.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import { writeRequestHead } from "../../../../src/proxy/rewrite/request.ts";
import { Timed } from "../../../../src/proxy/sockets/timer-wheel.ts";
import type { UpstreamContext } from "../../../../src/proxy/upstream/context.ts";
import type { Upstream, UpstreamLeg, UpstreamRequest, UpstreamUser } from "../../../../src/proxy/upstream/leg.ts";
import { until } from "../../../support/until.ts";
import type { ServersEnd } from "./leg-contract.ts";

const now = (): number => performance.now();
/** Frames arrive in a later turn, in order. */
const later = (action: () => void): void => void setImmediate(action);

/** The server, and the network to it. */
export class MultiplexedServer {
  readonly ends: StreamEnd[] = [];
  connections = 0;
  reachable = true;
}

/** Its pool: one connection, unless a fresh one is wanted. */
export class MultiplexedUpstream implements Upstream {
  readonly endpoint: Endpoint;
  readonly addressText = new FixedText("multiplexed");
  readonly #ctx: UpstreamContext;
  readonly #server: MultiplexedServer;
  #connected = false;
  #waiting: Stream[] = [];

  constructor(endpoint: Endpoint, ctx: UpstreamContext, server: MultiplexedServer) {
    this.endpoint = endpoint;
    this.#ctx = ctx;
    this.#server = server;
  }

  acquire(user: UpstreamUser, _repeatable: boolean, fresh: boolean): UpstreamLeg {
    const stream = new Stream(this.#ctx, user, this.#server);
    if (this.#connected && !fresh) stream.ready = true;
    else if (this.#waiting.push(stream) === 1) later(() => this.#connect());
    return stream;
  }

  #connect(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#connected = this.#server.reachable;
    if (this.#connected) this.#server.connections++;
    for (const stream of waiting) stream.made(this.#connected);
  }

  retire(): void {}
}

/** One request's stream, as the balancer has it. */
class Stream extends Timed implements UpstreamLeg {
  readonly #ctx: UpstreamContext;
  readonly #server: MultiplexedServer;
  readonly #body = new BodyReader();
  user: UpstreamUser | null;
  ready = false;
  readonly tlsMs = Number.NaN;
  reusable = true;
  gone = false;
  queuedBytes = 0;
  trailers: Buffer | null = null;
  #end: StreamEnd | null = null;
  #queue: Buffer[] = [];
  #method = 0;
  #headRead = false;
  #paused = false;
  #held: (() => void)[] = [];

  constructor(ctx: UpstreamContext, user: UpstreamUser, server: MultiplexedServer) {
    super();
    this.#ctx = ctx;
    this.#server = server;
    this.user = user;
  }

  made(connected: boolean): void {
    this.ready = connected;
    this.gone = !connected;
    if (connected) this.user?.onUpstreamReady(this, now());
    else this.user?.onUpstreamFailed(this, Failures.CONNECT_REFUSED, true, now());
  }

  // ── towards the server ───────────────────────────────────────────────────────────────────────────────────────────

  sendRequest(request: UpstreamRequest): null {
    const { scratch } = this.#ctx;
    const length = writeRequestHead(scratch, request.headBuffer, request.parsedHead(), request, true);
    this.#method = request.method;
    this.#end = new StreamEnd(this, scratch.toString("latin1", 0, length));
    this.#server.ends.push(this.#end);
    const { kind, done } = request.body;
    this.#body.begin(kind === BodyKind.CHUNKED ? kind : BodyKind.UNTIL_CLOSE, 0, true);
    this.send(request.firstBody, request.firstBodyStart, request.firstBodyEnd);
    if (done) this.endBody(null);
    return null;
  }

  send(data: Uint8Array, start: number, end: number): boolean {
    if (this.gone) return false;
    const copy = Buffer.from(data.subarray(start, end));
    this.#body.consume(copy, 0, copy.length);
    const content = copy.subarray(0, this.#body.contentEnd);
    this.#queue.push(content);
    this.queuedBytes += content.length;
    this.flush();
    return true;
  }

  sendAway(packet: Uint8Array, start: number, end: number): boolean {
    return this.send(packet, start, end);
  }

  endBody(trailers: Buffer | null): void {
    const last = this.#body.trailers ?? trailers;
    if (this.#end !== null) this.#end.trailers = String(last ?? "");
    this.endSending();
  }

  endSending(): void {
    if (this.#end !== null) this.#end.ended ??= "end";
  }

  /** The server reads again. @returns whether it took something. */
  flush(): boolean {
    const taken = this.#queue.length > 0 && this.#end?.reading === true;
    while (this.#end?.reading && this.#queue.length > 0) {
      const content = this.#queue.shift() as Buffer;
      this.queuedBytes -= content.length;
      this.#end.take(content);
    }
    return taken;
  }

  unacknowledged(): number {
    return this.queuedBytes;
  }

  release(): void {
    this.#leave();
  }

  reset(): void {
    if (this.#end !== null) this.#end.ended = "reset";
    this.#leave();
  }

  #leave(): void {
    this.user = null;
    this.gone = true;
    this.queuedBytes = 0;
  }

  override onDeadline(nowMs: number): void {
    this.user?.onUpstreamDeadline(this, nowMs);
  }

  // ── from the server ──────────────────────────────────────────────────────────────────────────────────────────────

  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    this.#paused = false;
    while (!this.#paused && this.#held.length > 0) this.#held.shift()?.();
  }

  /** A frame. */
  arrive(frame: () => void): void {
    later(() => {
      if (this.#paused) this.#held.push(frame);
      else frame();
    });
  }

  onHead(text: string): void {
    const { responseHead, limits } = this.#ctx;
    const buffer = Buffer.from(text, "latin1");
    parseResponseHead(buffer, 0, buffer.length, responseHead, limits, this.#method);
    const { status } = responseHead;
    this.#headRead = status >= 200 || status === 101;
    this.user?.onUpstreamHead(this, buffer, buffer, buffer.length, now());
  }

  onContent(content: Buffer): void {
    this.user?.onUpstreamData(this, content, now());
  }

  onRoom(): void {
    this.user?.onUpstreamDrain(this, now());
  }

  onEnd(trailers: string): void {
    if (trailers !== "") this.trailers = Buffer.from(trailers, "latin1");
    this.user?.onUpstreamEnd(this, false, now());
  }

  onBroken(): void {
    this.gone = true;
    if (this.#headRead) this.user?.onUpstreamEnd(this, true, now());
    else this.user?.onUpstreamFailed(this, Failures.CLOSED_BEFORE_RESPONSE, false, now());
  }
}

/** One request's stream, as the server has it. */
class StreamEnd implements ServersEnd {
  readonly #stream: Stream;
  readonly #head: string;
  readonly #content: Buffer[] = [];
  bodyBytes = 0;
  trailers = "";
  reading = true;
  ended: "end" | "reset" | null = null;

  constructor(stream: Stream, head: string) {
    this.#stream = stream;
    this.#head = head;
  }

  get text(): string {
    return Buffer.concat(this.#content).toString("latin1");
  }

  take(content: Buffer): void {
    this.#content.push(content);
    this.bodyBytes += content.length;
  }

  async request() {
    await until(() => this.ended !== null);
    return { head: this.#head, body: this.text, trailers: this.trailers };
  }

  async head(): Promise<string> {
    return this.#head;
  }

  respond(status: number, fields = ""): void {
    this.#stream.arrive(() => this.#stream.onHead(`HTTP/1.1 ${status} \r\n${fields}\r\n`));
  }

  send(data: string | Uint8Array): void {
    this.#stream.arrive(() => this.#stream.onContent(Buffer.from(data as string)));
  }

  finish(trailers = ""): void {
    this.#stream.arrive(() => this.#stream.onEnd(trailers));
  }

  reset(): void {
    this.#stream.arrive(() => this.#stream.onBroken());
  }

  stopReading(): void {
    this.reading = false;
  }

  goOnReading(): void {
    this.reading = true;
    if (this.#stream.flush()) this.#stream.arrive(() => this.#stream.onRoom());
  }
}
