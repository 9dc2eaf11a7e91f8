/**
 * A protocol of streams, in memory, for the contract of downstreams: many requests at a time on one connection, bodies as
 * content with trailers apart, a window for each stream, and a reset of a stream where HTTP/1 ends the connection. It stands
 * for what HTTP/2 and HTTP/3 have in common, without their frames.
 */
import { type LocalClient, LocalResponder } from "../../../../../src/proxy/downstream/local-responder.ts";
import { isLocal, routeOf } from "../../../../../src/proxy/downstream/routes.ts";
import type { Downstream, DownstreamUser } from "../../../../../src/proxy/exchange/downstream.ts";
import { Failures } from "../../../../../src/proxy/failure.ts";
import { FIELD_STRIDE, FieldPart } from "../../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../../src/proxy/http1/request-parser.ts";
import { fieldsOf, type LocalResponse, sentBody } from "../../../../../src/proxy/local/response.ts";
import { editedFields, type HeadEdits } from "../../../../../src/proxy/rewrite/edits.ts";
import type { Peer } from "../../../../../src/proxy/rewrite/request.ts";
import { Timed } from "../../../../../src/proxy/sockets/timer-wheel.ts";
import { until } from "../../../../support/until.ts";
import type { ContractClient, DownstreamKind, Received, SentRequest } from "./contract.ts";
import { ContractWorker } from "./worker.ts";

const WINDOW_BYTES = 64 * 1024;
/** Fields that mean nothing outside HTTP/1. */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

/** Streams of connections in memory. */
export const STREAMS: DownstreamKind = {
  name: "a stream, in memory,",
  nature: {
    takesChunks: false,
    knowsInterim: true,
    sendsPieces: true,
    knowsTrailers: true,
    concurrent: true,
    survivesRefusal: true,
    resetsShortBodies: false,
  },
  async open() {
    const worker = new ContractWorker(null);
    return { worker, connect: async () => new StreamClient(worker), close: () => worker.close() };
  },
};

// ── the worker's side ────────────────────────────────────────────────────────────────────────────────────────────────

/** What the client's end of a stream is told. */
interface StreamPeer {
  /** How many bytes of a body may be sent before the client has taken some. */
  window: number;
  onHead(status: number, fields: ReadonlyMap<string, string>): void;
  onBody(data: string): void;
  onTrailers(lines: string): void;
  /** The end of the response, or of one direction of a tunnel; or a reset. */
  onEnd(reset: boolean): void;
}

/** One stream. */
class Stream extends Timed implements Downstream, LocalClient {
  readonly peer: Peer;
  readonly protocol = Buffer.from("STREAMS/1");
  readonly tlsVersion = null;
  readonly port = 443;
  readonly takesChunks = false;
  readonly #worker: ContractWorker;
  readonly #client: StreamPeer;
  #user: DownstreamUser | null = null;
  /** Bytes that wait for the window, in order. */
  #queue = "";
  /** The end, and what comes before it, wait for the queue. */
  #atEnd: (() => void) | null = null;
  /** What came before it was wanted. */
  #held = "";
  #paused = false;
  #inputEnded = false;

  constructor(worker: ContractWorker, client: StreamPeer) {
    super();
    this.#worker = worker;
    this.#client = client;
    this.peer = worker.ctx.peers.get("127.0.0.1", true);
  }

  /** The request's head, as lines of HTTP/1, and its first bytes. */
  begin(head: string, first: string): void {
    const { ctx } = this.#worker;
    const buffer = Buffer.from(head, "latin1");
    if (parseRequestHead(buffer, 0, buffer.length, ctx.requestHead, ctx.limits) <= 0)
      throw new Error(`refused: ${head}`);
    const route = routeOf(buffer, ctx.requestHead, ctx.settings);
    if (isLocal(route)) {
      new LocalResponder(ctx, this).respond(route, buffer, 0, ctx.now(), ctx.now());
      return;
    }
    const data = Buffer.from(first, "latin1");
    const user = ctx.exchanges.take();
    this.#user = user;
    const stop = user.begin(this, buffer, 0, route, data, 0, data.length, ctx.now(), ctx.now());
    this.#held += first.slice(stop);
  }

  // ── from the client ──────────────────────────────────────────────────────────────────────────────────────────────

  receive(data: string): void {
    this.#held += data;
    this.#handOver();
  }

  /** A piece of a body whose length the head did not say. */
  receivePiece(data: string): void {
    this.receive(`${data.length.toString(16)}\r\n${data}\r\n`);
  }

  /** The end of such a body. */
  receiveTrailers(lines: string): void {
    this.receive(`0\r\n${lines}\r\n`);
  }

  /** Nothing more comes of the client. */
  receiveEnd(): void {
    this.#inputEnded = true;
    this.#handOver();
  }

  /** The client gives the stream up. */
  receiveReset(): void {
    const user = this.#user;
    this.#let();
    user?.abort(this.#worker.ctx.now());
  }

  /** The client takes this many bytes more. */
  credit(bytes: number): void {
    this.#client.window += bytes;
    const waited = this.#queue.length > 0;
    this.#flush();
    if (waited) this.#user?.onClientDrain(this.#worker.ctx.now());
  }

  #handOver(): void {
    const user = this.#user;
    const nowMs = this.#worker.ctx.now();
    if (user === null || this.#paused) return;
    const data = Buffer.from(this.#held, "latin1");
    if (user.isTunnel || !user.requestComplete) this.#held = "";
    try {
      if (user.isTunnel && data.length > 0) user.onTunnelData(data, nowMs);
      else if (!user.requestComplete) user.onRequestBody(data, 0, data.length, nowMs);
      if (this.#inputEnded && (user.isTunnel || !user.requestComplete)) user.onClientEnd(nowMs);
    } catch {
      user.refuseRest(Failures.INTERNAL, nowMs);
    }
  }

  override onDeadline(nowMs: number): void {
    this.#user?.onClientDeadline(nowMs);
  }

  // ── Downstream ───────────────────────────────────────────────────────────────────────────────────────────────────

  get queuedBytes(): number {
    return this.#queue.length;
  }

  pauseReading(): void {
    this.#paused = true;
  }

  resumeReading(): void {
    this.#paused = false;
    this.#handOver();
  }

  interim(head: Buffer): boolean {
    this.#sendHead(head, null);
    return this.#user !== null;
  }

  respond(head: Buffer, body: Buffer, start: number, end: number, complete: boolean, edits: HeadEdits | null): boolean {
    this.#sendHead(head, edits);
    const sent = this.sendAway(body, start, end);
    if (complete) this.endBody(null);
    return sent;
  }

  sendAway(packet: Buffer, start: number, end: number): boolean {
    if (this.#user === null) return false;
    this.#queue += packet.toString("latin1", start, end);
    this.#flush();
    return true;
  }

  endBody(trailers: Buffer | null): void {
    this.#atEnd = () => {
      if (trailers !== null) this.#client.onTrailers(trailers.toString("latin1"));
      this.#client.onEnd(false);
    };
    this.#flush();
  }

  endSending(): void {
    this.endBody(null);
  }

  respondLocal(response: LocalResponse, method: number, edits: HeadEdits | null): number {
    return this.deliver(response, method, edits);
  }

  /** @returns the bytes of its body. */
  deliver(response: LocalResponse, method: number, edits: HeadEdits | null): number {
    this.#client.onHead(
      response.status,
      new Map(fieldsOf(response, edits).map(([name, value]) => [name.toLowerCase(), value])),
    );
    const body = sentBody(response, method).toString();
    this.#queue += body;
    this.endBody(null);
    return body.length;
  }

  refuseRest(): void {}

  done(): void {
    this.#let();
  }

  cut(): void {
    this.#atEnd = () => this.#client.onEnd(true);
    this.#flush();
    this.#let();
  }

  reset(): void {
    if (this.#user === null) return;
    this.#queue = "";
    this.#atEnd = null;
    this.#let();
    this.#client.onEnd(true);
  }

  startTunnel(_head: Buffer, edits: HeadEdits | null): void {
    this.#client.onHead(200, new Map(editedFields([], edits).map(([name, value]) => [name.toLowerCase(), value])));
    this.#handOver();
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The exchange is over; what is queued still goes to the client. */
  #let(): void {
    this.#user = null;
    this.#worker.ctx.wheel.remove(this);
  }

  #sendHead(buffer: Buffer, edits: HeadEdits | null): void {
    const { status, fields, fieldCount } = this.#worker.ctx.responseHead;
    const sent: [name: string, value: string][] = [];
    for (let i = 0; i < fieldCount; i++) {
      const [name, value] = [FieldPart.NAME_START, FieldPart.VALUE_START].map((part) =>
        buffer.toString("latin1", fields[i * FIELD_STRIDE + part], fields[i * FIELD_STRIDE + part + 1]),
      );
      if (!CONNECTION_FIELDS.has(name.toLowerCase())) sent.push([name, value]);
    }
    const kept = new Map(editedFields(sent, edits).map(([name, value]) => [name.toLowerCase(), value]));
    if (status >= 200 && !kept.has("date")) kept.set("date", this.#worker.ctx.dateLine.toString().slice(6, -2));
    this.#client.onHead(status, kept);
  }

  #flush(): void {
    const taken = this.#queue.slice(0, Math.max(0, this.#client.window));
    if (taken !== "") {
      this.#client.window -= taken.length;
      this.#queue = this.#queue.slice(taken.length);
      this.#client.onBody(taken);
    }
    if (this.#queue !== "") return;
    const atEnd = this.#atEnd;
    this.#atEnd = null;
    atEnd?.();
  }
}

// ── the client's side ────────────────────────────────────────────────────────────────────────────────────────────────

/** One request of a client. */
class StreamCall implements StreamPeer {
  window = Number.POSITIVE_INFINITY;
  readonly interim: number[] = [];
  status = 0;
  fields: ReadonlyMap<string, string> = new Map();
  body = "";
  trailers = "";
  end: "end" | "reset" | null = null;

  onHead(status: number, fields: ReadonlyMap<string, string>): void {
    if (status < 200) this.interim.push(status);
    else [this.status, this.fields] = [status, fields];
  }

  onBody(data: string): void {
    this.body += data;
  }

  onTrailers(lines: string): void {
    this.trailers = lines;
  }

  onEnd(reset: boolean): void {
    this.end ??= reset ? "reset" : "end";
  }
}

/** A client with its connection, and the connection at the other end. */
class StreamClient implements ContractClient {
  readonly #worker: ContractWorker;
  readonly #streams: Stream[] = [];
  readonly #calls: StreamCall[] = [];
  #responded = 0;

  constructor(worker: ContractWorker) {
    this.#worker = worker;
  }

  send(...requests: SentRequest[]): void {
    for (const { method = "GET", path = "/", length, body = "", pieces, trailers = "", tunnel } of requests) {
      const call = new StreamCall();
      const stream = new Stream(this.#worker, call);
      this.#calls.push(call);
      this.#streams.push(stream);
      const known = length === undefined ? "" : `Content-Length: ${length}\r\n`;
      const lines = pieces === undefined ? known : "Transfer-Encoding: chunked\r\n";
      stream.begin(`${method} ${path} HTTP/1.1\r\nHost: a.example\r\n${lines}\r\n`, `${body}${tunnel ?? ""}`);
      if (pieces === undefined) continue;
      for (const piece of pieces) stream.receivePiece(piece);
      stream.receiveTrailers(trailers);
    }
  }

  get #last(): { readonly call: StreamCall; readonly stream: Stream } {
    return { call: this.#calls.at(-1) as StreamCall, stream: this.#streams.at(-1) as Stream };
  }

  sendMore(data: string): void {
    this.#last.stream.receive(data);
  }

  finish(): void {
    this.#last.stream.receiveEnd();
  }

  leave(): void {
    for (const stream of this.#streams) stream.receiveReset();
  }

  stopReading(): void {
    this.#last.call.window = WINDOW_BYTES;
  }

  goOn(): void {
    this.#last.stream.credit(Number.POSITIVE_INFINITY);
  }

  async response(): Promise<Received> {
    const call = this.#calls[this.#responded++];
    await until(() => call.end !== null);
    return { ...call, whole: call.end === "end" };
  }

  async tunnelled(text: string): Promise<ReadonlyMap<string, string>> {
    const { call } = this.#last;
    await until(() => call.body === text);
    call.body = "";
    return call.fields;
  }

  async ended(): Promise<void> {
    const { call } = this.#last;
    await until(() => call.end !== null);
    if (call.end === "reset") throw new Error("broken off");
  }
}
