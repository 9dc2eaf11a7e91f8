/** The exchange's part in the contract of downstreams: it notes what it is told, and the test says what it does. */
import type { Downstream, DownstreamUser, Exchanges } from "../../../../../src/proxy/exchange/downstream.ts";
import type { Failure } from "../../../../../src/proxy/failure.ts";
import { BodyReader } from "../../../../../src/proxy/http1/body-reader.ts";
import { BodyKind } from "../../../../../src/proxy/http1/head.ts";
import { parseResponseHead } from "../../../../../src/proxy/http1/response-parser.ts";
import { errorResponse } from "../../../../../src/proxy/local/errors.ts";
import type { LocalResponse } from "../../../../../src/proxy/local/response.ts";
import type { HeadEdits } from "../../../../../src/proxy/rewrite/edits.ts";
import type { WorkerContext } from "../../../../../src/proxy/worker-context.ts";
import { Method } from "../../../../../src/shared/memory/series-table.ts";
import { until } from "../../../../support/until.ts";

const REQUEST_ID = "0123456789abcdef0123456789abcdef";

/** One request that is being served. */
export class Served implements DownstreamUser {
  readonly #ctx: WorkerContext;
  client!: Downstream;
  /** The head as it came. */
  head = "";
  #method = 0;
  /** What came of the body's content, and of a tunnel. */
  body = "";
  tunnel = "";
  isTunnel = false;
  /** What was told beside bytes and room: `end`, `deadline`, `gone`, `refuse <code>`, `close the tunnel`. */
  readonly told: string[] = [];
  /** How often there was room again; that may be said when there was room before, too. */
  drained = 0;
  readonly #reader = new BodyReader();
  /** The next piece of the body makes it throw. */
  throws = false;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
  }

  get requestComplete(): boolean {
    return this.#reader.done;
  }

  /** Behind the body, as field lines. */
  get trailers(): string {
    return this.#reader.trailers?.toString("latin1") ?? "";
  }

  // ── DownstreamUser ───────────────────────────────────────────────────────────────────────────────────────────────

  begin(
    client: Downstream,
    head: Buffer,
    headStart: number,
    _route: number,
    data: Buffer,
    bodyStart: number,
    dataEnd: number,
  ): number {
    const { headEnd, method, contentLength, chunked } = this.#ctx.requestHead;
    this.client = client;
    this.head = head.toString("latin1", headStart, headEnd);
    this.#method = method;
    const kind = chunked ? BodyKind.CHUNKED : contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
    this.#reader.begin(kind, contentLength, true);
    return this.#take(data, bodyStart, dataEnd);
  }

  onRequestBody(data: Buffer, start: number, end: number): number {
    if (this.throws) throw new Error("the test's own");
    return this.#take(data, start, end);
  }

  #take(data: Buffer, start: number, end: number): number {
    const stop = this.#reader.consume(data, start, end);
    this.body += data.toString("latin1", start, this.#reader.contentEnd);
    return stop;
  }

  onTunnelData(data: Buffer): void {
    this.tunnel += data.toString("latin1");
  }

  onClientDrain(): void {
    this.drained++;
  }

  onClientEnd(): void {
    this.told.push("end");
  }

  onClientDeadline(): void {
    this.told.push("deadline");
  }

  closeTunnel(): void {
    if (this.isTunnel) this.told.push("close the tunnel");
  }

  abort(): void {
    this.told.push("gone");
    this.client.reset();
  }

  refuseRest(failure: Failure): void {
    this.told.push(`refuse ${failure.code}`);
    this.client.refuseRest();
    this.fail(failure);
    this.done();
  }

  // ── what the test has it do ──────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when `what` was told. */
  async wasTold(what: string): Promise<void> {
    await until(() => this.told.includes(what));
  }

  interim(head: string): boolean {
    return this.client.interim(this.#parse(head));
  }

  /** Begins with `message`: a head, and what there is of its body behind it in the same packet, as a server sends it. */
  respond(message: string, complete = true, edits: HeadEdits | null = null): boolean {
    const packet = this.#parse(message);
    return this.client.respond(packet, packet, this.#ctx.responseHead.headEnd, packet.length, complete, edits);
  }

  /** More of the body. */
  send(data: string | Buffer): boolean {
    const packet = Buffer.from(data);
    return this.client.sendAway(packet, 0, packet.length);
  }

  fail(failure: Failure): number {
    return this.client.respondLocal(errorResponse(failure, REQUEST_ID), this.#method, null);
  }

  /** With a response of our own. */
  respondLocal(response: LocalResponse, edits: HeadEdits | null = null): number {
    return this.client.respondLocal(response, this.#method, edits);
  }

  done(): void {
    this.client.done(this.requestComplete, this.#ctx.now());
  }

  cut(shows: boolean): void {
    this.client.cut(shows, this.#ctx.now());
  }

  startTunnel(edits: HeadEdits | null = null): void {
    this.isTunnel = true;
    const head = this.#parse("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n");
    this.client.startTunnel(head, edits, this.#ctx.now());
  }

  /** A packet of its own, for what is sent away may be empty afterwards. */
  #parse(message: string): Buffer {
    const packet = Buffer.from(message, "latin1");
    const { responseHead, limits } = this.#ctx;
    const end = parseResponseHead(packet, 0, packet.length, responseHead, limits, this.#method || Method.GET);
    if (end <= 0) throw new Error(`no head: ${message}`);
    return packet;
  }
}

/** Where a downstream under test gets its exchanges. */
export class ServedRequests implements Exchanges {
  ctx!: WorkerContext;
  readonly all: Served[] = [];
  #awaited = 0;

  take(): Served {
    const served = new Served(this.ctx);
    this.all.push(served);
    return served;
  }

  /** The next request, when it has begun. */
  async next(): Promise<Served> {
    const index = this.#awaited++;
    return until(() => this.all[index]);
  }
}
