/**
 * From the record of a request to its spans: one of kind SERVER for the request, and below it one of kind CLIENT for each
 * attempt, side by side. Semantic conventions of HTTP; what is ours alone begins with `neurabalancer.`.
 */
import { CHOICE_WORDS } from "../../shared/explanation/choices.ts";
import { FAILURE_CODES } from "../../shared/failure-codes.ts";
import { ExplainCandidateWord } from "../../shared/memory/layout/explain.ts";
import { ARM_NAMES, RUNG_NAMES } from "../../shared/memory/layout/learning.ts";
import { ServerState } from "../../shared/memory/layout/shared-memory.ts";
import {
  TRACE_CANDIDATES,
  TraceAttemptFlag,
  TraceAttemptKind,
  TraceAttemptWord,
  TraceFlag,
  TraceWord,
} from "../../shared/memory/layout/tracing.ts";
import type { Row } from "../../shared/memory/ring.ts";
import { METHODS } from "../../shared/memory/series-table.ts";
import { ProtobufWriter } from "../../shared/protobuf/writer.ts";
import type { TraceNames } from "../names.ts";
import { AttributeWriter } from "./attributes.ts";
import { writeNanoseconds } from "./nanoseconds.ts";
import { TraceRecord } from "./trace-record.ts";
import { errorOfAttempt, errorOfRequest, hostAndPort, originOf, redacted } from "./words.ts";

/** Fields of `Span`. */
const Span = {
  TRACE_ID: 1,
  SPAN_ID: 2,
  TRACE_STATE: 3,
  PARENT_SPAN_ID: 4,
  NAME: 5,
  KIND: 6,
  START: 7,
  END: 8,
  ATTRIBUTES: 9,
  STATUS: 15,
  FLAGS: 16,
} as const;
const KIND_SERVER = 2;
const KIND_CLIENT = 3;
/** `Status { code = 3 }`. */
const STATUS_CODE = 3;
const STATUS_ERROR = 2;
/** The span is sampled; it is known whether its parent is somebody else's; it is. */
const FLAG_SAMPLED = 0x1;
const FLAG_KNOWN = 0x100;
const FLAG_REMOTE = 0x200;

/** By `TraceAttemptKind`. */
const KIND_NAMES = ["first", "retry", "hedge", "authorise", "mirror"];
const A = TraceAttemptWord;
/** States of servers that requests only go to for want of others. */
const UNUSUAL_STATES: ReadonlyMap<number, string> = new Map([
  [ServerState.DOWN, "down"],
  [ServerState.DRAINING, "draining"],
  [ServerState.EJECTED, "ejected"],
  [ServerState.STANDBY, "standby"],
  [ServerState.MAINTENANCE, "maintenance"],
]);

/** Encodes spans. What it gives out is the taker's. */
export class SpanEncoder {
  readonly #names: TraceNames;
  readonly #record = new TraceRecord();
  readonly #writer = new ProtobufWriter();
  readonly #to: AttributeWriter;

  /** @param maxValueLength the most characters of a text; `null` = as many as it has. */
  constructor(names: TraceNames, maxValueLength: number | null) {
    this.#names = names;
    this.#to = new AttributeWriter(this.#writer, Span.ATTRIBUTES, maxValueLength);
  }

  /** @param wallOffsetMs what, added to the record's clock, gives milliseconds since the epoch. */
  encode(row: Row, wallOffsetMs: number, take: (span: Uint8Array) => void): void {
    const record = this.#record.over(row);
    this.#server(record, wallOffsetMs);
    take(this.#writer.take());
    let resends = 0;
    for (let index = 0; index < record.attempts; index++) {
      const at = record.attempt(index);
      const kind = record.word(at + A.KIND) & 0xff;
      const isAgain = kind === TraceAttemptKind.RETRY || kind === TraceAttemptKind.HEDGE;
      if (isAgain) resends++;
      this.#client(record, at, kind, isAgain ? resends : 0, wallOffsetMs);
      take(this.#writer.take());
    }
  }

  #server(record: TraceRecord, wallOffsetMs: number): void {
    const { method, status, failure } = record;
    const route = this.#names.route(record.route);
    const parent = record.parentId;
    const name = method === METHODS[0] ? "HTTP" : method;
    this.#begin(record, record.spanId, parent, KIND_SERVER, route === "" ? name : `${name} ${route}`);
    this.#times(record.figure(TraceWord.START), record.figure(TraceWord.END), wallOffsetMs);

    const to = this.#to;
    const secure = record.has(TraceFlag.SECURE);
    this.#method(record);
    to.string("url.path", record.text("path"));
    to.string("url.query", redacted(record.text("query")));
    to.string("url.scheme", secure ? "https" : "http");
    to.string("http.route", route);
    if (status > 0) to.int("http.response.status_code", status);
    const server = hostAndPort(record.text("host"), record.word(TraceWord.PORT));
    to.string("server.address", server.host);
    if (server.host !== "" && server.port > 0) to.int("server.port", server.port);
    to.string("client.address", record.text("client"));
    to.string("user_agent.original", record.text("userAgent"));
    to.string("network.protocol.name", "http");
    to.string("network.protocol.version", record.has(TraceFlag.HTTP_1_0) ? "1.0" : "1.1");
    size(to, "http.request.body.size", record.figure(TraceWord.REQUEST_BYTES));
    size(to, "http.response.body.size", record.figure(TraceWord.RESPONSE_BYTES));
    const error = errorOfRequest(status, failure);
    to.string("error.type", error);

    to.string("neurabalancer.request.id", record.text("requestId"));
    this.#pool(record.poolRow);
    to.string("neurabalancer.failure", failure);
    to.int("neurabalancer.attempts", record.allAttempts);
    this.#lastChoice(record);
    const waitMs = record.float(TraceWord.WAIT);
    if (waitMs > 0) to.double("neurabalancer.queue.duration_ms", waitMs);
    if (record.has(TraceFlag.TUNNEL)) to.bool("neurabalancer.tunnel", true);
    this.#end(error !== "", parent !== null);
  }

  #client(record: TraceRecord, at: number, kind: number, resend: number, wallOffsetMs: number): void {
    const method = kind === TraceAttemptKind.AUTHORISE ? "GET" : record.method;
    this.#begin(record, record.attemptId(at), record.spanId, KIND_CLIENT, method === METHODS[0] ? "HTTP" : method);
    this.#times(record.figure(at + A.START), record.figure(at + A.END), wallOffsetMs);

    const to = this.#to;
    const status = record.word(at + A.STATUS) & 0xffff;
    const failure = FAILURE_CODES[record.word(at + A.STATUS) >>> 16] ?? "other";
    const flags = record.word(at + A.KIND) >>> 8;
    const server = this.#names.server(record.word(at + A.SERVER));
    if (kind === TraceAttemptKind.AUTHORISE) to.string("http.request.method", "GET");
    else this.#method(record);
    if (server !== undefined) {
      const path = kind === TraceAttemptKind.AUTHORISE ? "" : record.text("path");
      const query = kind === TraceAttemptKind.AUTHORISE ? "" : redacted(record.text("query"));
      to.string("url.full", `${originOf(server.url)}${path}${query === "" ? "" : `?${query}`}`);
      to.string("server.address", server.hostname);
      to.int("server.port", server.port);
      to.string("network.peer.address", server.address);
      to.int("network.peer.port", server.port);
    }
    if (status > 0) to.int("http.response.status_code", status);
    if (resend > 0) to.int("http.request.resend_count", resend);
    size(to, "http.response.body.size", record.figure(at + A.RESPONSE_BYTES));
    const error = errorOfAttempt(status, failure);
    to.string("error.type", error);

    to.int("neurabalancer.server.id", record.word(at + A.SERVER));
    to.string("neurabalancer.attempt.kind", KIND_NAMES[kind] ?? "");
    to.string("neurabalancer.pool", server?.pool ?? "");
    this.#choice(record, at, server?.pool);
    to.bool("neurabalancer.connection.reused", (flags & TraceAttemptFlag.REUSED) !== 0);
    to.bool("neurabalancer.responded", (flags & TraceAttemptFlag.RESPONDED) !== 0);
    const connectMs = record.float(at + A.CONNECT);
    if (connectMs > 0) to.double("neurabalancer.connect.duration_ms", connectMs);
    const tlsMs = record.float(at + A.TLS);
    if (tlsMs > 0) to.double("neurabalancer.tls.duration_ms", tlsMs);
    to.double("neurabalancer.first_byte.duration_ms", record.float(at + A.HEAD));
    this.#end(error !== "", false);
  }

  /** The server that was chosen, and why. */
  #choice(record: TraceRecord, at: number, pool: string | undefined): void {
    const to = this.#to;
    if (pool !== undefined) to.string("neurabalancer.strategy", this.#names.strategyOf(pool));
    const candidates = record.word(at + A.CANDIDATES);
    if (candidates > 0) to.int("neurabalancer.candidates", candidates);
    to.int("neurabalancer.in_flight", Math.max(0, record.word(at + A.IN_FLIGHT)));
    to.double("neurabalancer.score", record.float(at + A.SCORE));
    to.string("neurabalancer.choice", choiceOf(record, at));
    to.string("neurabalancer.chosen_from", this.#chosenFrom(record, at));
    const ejected = record.word(at + A.EJECTED);
    if (ejected > 0) to.int("neurabalancer.ejected", ejected);
    to.string("neurabalancer.server.state", UNUSUAL_STATES.get(record.word(at + A.STATE)) ?? "");
    const arm = record.word(at + A.ARM);
    if (arm < 0) return;
    to.string("neurabalancer.ml.arm", ARM_NAMES[arm & 0xff] ?? "");
    to.string("neurabalancer.ml.rung", RUNG_NAMES[(arm >>> 8) & 0xff] ?? "");
  }

  /** Of the attempt whose response was the client's. */
  #lastChoice(record: TraceRecord): void {
    for (let index = 0; index < record.attempts; index++) {
      const at = record.attempt(index);
      if (((record.word(at + A.KIND) >>> 8) & TraceAttemptFlag.RESPONDED) === 0) continue;
      this.#to.string("neurabalancer.choice", choiceOf(record, at));
      return;
    }
  }

  /** `10.0.0.1:80=3/0.42, 10.0.0.2:80=5/0.61`: in flight, and what the strategy compared. The first one was chosen. */
  #chosenFrom(record: TraceRecord, at: number): string {
    const kept = Math.min((record.word(at + A.CHOICE) >>> 8) & 0xff, TRACE_CANDIDATES);
    return Array.from({ length: kept }, (_, i) => {
      const from = at + A.CHOSEN_FROM + i * ExplainCandidateWord.LENGTH;
      const id = record.word(from + ExplainCandidateWord.SERVER) & 0xff_ffff;
      const server = this.#names.server(id);
      const name = server === undefined ? String(id) : originOf(server.url).replace(/^.*:\/\//, "");
      const score = record.float(from + ExplainCandidateWord.SCORE);
      const load = record.word(from + ExplainCandidateWord.LOAD) & 0xffff;
      return `${name}=${load}${Number.isFinite(score) ? `/${Number(score.toPrecision(3))}` : ""}`;
    }).join(", ");
  }

  #begin(record: TraceRecord, id: Uint8Array, parent: Uint8Array | null, kind: number, name: string): void {
    const writer = this.#writer;
    writer.bytes(Span.TRACE_ID, record.traceId);
    writer.bytes(Span.SPAN_ID, id);
    const traceState = record.text("traceState");
    if (traceState !== "") writer.string(Span.TRACE_STATE, traceState);
    if (parent !== null) writer.bytes(Span.PARENT_SPAN_ID, parent);
    writer.string(Span.NAME, name);
    writer.uint(Span.KIND, kind);
  }

  /** A span does not end before it begins, whatever a record says. */
  #times(startMs: number, endMs: number, wallOffsetMs: number): void {
    writeNanoseconds(this.#writer, Span.START, startMs + wallOffsetMs);
    writeNanoseconds(this.#writer, Span.END, Math.max(startMs, endMs || 0) + wallOffsetMs);
  }

  #method(record: TraceRecord): void {
    const { method } = record;
    this.#to.string("http.request.method", method === METHODS[0] ? "_OTHER" : method);
    if (method === METHODS[0]) this.#to.string("http.request.method_original", record.text("method"));
  }

  #pool(row: number): void {
    const pool = this.#names.pool(row);
    if (pool === undefined) return;
    this.#to.string("neurabalancer.pool", pool.name);
    this.#to.string("neurabalancer.strategy", pool.strategy);
  }

  #end(isError: boolean, isRemote: boolean): void {
    const writer = this.#writer;
    if (isError) {
      writer.begin(Span.STATUS);
      writer.uint(STATUS_CODE, STATUS_ERROR);
      writer.end();
    }
    writer.fixed32(Span.FLAGS, FLAG_SAMPLED | FLAG_KNOWN | (isRemote ? FLAG_REMOTE : 0));
  }
}

function size(to: AttributeWriter, key: string, bytes: number): void {
  if (bytes > 0 && Number.isSafeInteger(bytes)) to.int(key, bytes);
}

/** Empty where nobody took it down. */
function choiceOf(record: TraceRecord, at: number): string {
  const choice = record.word(at + A.CHOICE) & 0xff;
  return choice === 0 ? "" : (CHOICE_WORDS[choice] ?? "");
}
