/**
 * What is taken down of one sampled request while it is under way, word by word as the tracer reads it (`TraceWord`). Who has
 * a part in it writes that part: the exchange, its attempts, and those beside it (mirrored copies), which may outlive it. When
 * the last of them has let go of it, it goes to the ring.
 */
import { failureIndex } from "../../../shared/failure-codes.ts";
import { ExplainCandidateWord } from "../../../shared/memory/layout/explain.ts";
import {
  TRACE_TEXT_PLACES as Text,
  TRACE_ATTEMPTS,
  TRACE_CANDIDATES,
  TraceAttemptFlag,
  type TraceAttemptKind,
  TraceAttemptWord,
  TraceFlag,
  type TraceTextPlace,
  TraceWord,
} from "../../../shared/memory/layout/tracing.ts";
import { packRoute } from "../../../shared/memory/packed-words.ts";
import { Method } from "../../../shared/memory/series-table.ts";
import type { Failure } from "../../failure.ts";
import { FieldId } from "../../http1/field-names.ts";
import type { RequestHead } from "../../http1/head.ts";
import { fieldText, fieldValues } from "../../http1/header-text.ts";
import type { AttemptOutcome } from "../../outcome.ts";
import { hexDigit } from "../../rewrite/trace-context.ts";
import type { TracedRequest } from "../traced-request.ts";

/** An attempt that there was no room for: it is only counted. */
export const NO_ROW = -1;

const USER_AGENT = Buffer.from("user-agent");

/** How a choice came about, as whoever made it says. */
export interface TracedChoice {
  /** Servers that it could have been; 0 = not known. */
  readonly choices: number;
  /** What the strategy gave the one that was chosen, the lower the better; NaN = it gives none. */
  readonly score: number;
  /** A `DecisionArm` + 256 × the `Rung`; -1 = another strategy than `ml` chose. */
  readonly arm: number;
  /** Servers of the pool that are ejected. */
  readonly ejected: number;
  /** How it came about; `null` = nobody took it down. */
  readonly record: {
    /** A `Choice`. */
    readonly choice: number;
    /** Candidates that `words` holds, as `ExplainCandidateWord` has them: the chosen one first. */
    readonly kept: number;
    readonly words: Int32Array;
  } | null;
  /** `ServerState` of the server in a slot. */
  stateOf(slot: number): number;
}

/** A request, as far as its record goes. */
export interface SampledRequest extends TracedRequest {
  readonly client: {
    readonly peer: { readonly secure: boolean };
    /** That it connected to. */
    readonly port: number;
  };
  readonly headBuffer: Buffer;
  readonly methodStart: number;
  readonly methodEnd: number;
  /** Index into `METHODS`. */
  readonly method: number;
  readonly requestIdBuffer: Buffer;
  readonly requestIdStart: number;
  readonly requestIdEnd: number;
  readonly clientAddress: Buffer;
  /** Index into `ROUTES`, or the number of a route. */
  readonly route: number;
  /** Row of its pool, or `NO_POOL`. */
  readonly poolRow: number;
  readonly body: { readonly bytes: number };
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** Where the id of the client's span is in the head; -1 = there is none. */
  readonly parentIdStart: number;
}

/** How the request ended. */
export interface TracedOutcome {
  readonly status: number;
  readonly failure: Failure | null;
  readonly responseBytes: number;
  /** In queues, milliseconds. */
  readonly waitMs: number;
  readonly isTunnel: boolean;
}

/** Who keeps records, and writes those that are complete. */
export interface TraceRecordOwner {
  /** The request is over, but somebody beside it still has a part in its record. */
  onTraceHeld(record: TraceRecord): void;
  /** It is complete: it may serve the next request when this returns. */
  onTraceComplete(record: TraceRecord): void;
}

/** The record of one request; the object serves many, one after the other. */
export class TraceRecord {
  readonly words: Int32Array;
  readonly #floats: Float32Array;
  readonly #figures: Float64Array;
  readonly #bytes: Buffer;
  readonly #owner: TraceRecordOwner;
  readonly #clockOffsetMs: number;
  /** The request, until it is over, and those beside it. */
  #holders = 0;
  #attempts = 0;

  /** @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts). */
  constructor(owner: TraceRecordOwner, clockOffsetMs: number) {
    const buffer = new ArrayBuffer(TraceWord.LENGTH * 4);
    this.words = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.#figures = new Float64Array(buffer);
    this.#bytes = Buffer.from(buffer);
    this.#owner = owner;
    this.#clockOffsetMs = clockOffsetMs;
  }

  /** A request begins: it holds the record until `end`. */
  begin(): void {
    this.#holders = 1;
    this.#attempts = 0;
  }

  /** Somebody beside the request has a part in it, until `release`. */
  hold(): void {
    this.#holders++;
  }

  release(): void {
    if (--this.#holders === 0) this.#complete();
  }

  // ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * An attempt begins.
   * @param spanId 16 hexadecimal digits.
   * @returns what to call it by from here on; `NO_ROW` = there was no room.
   */
  attempt(kind: TraceAttemptKind, spanId: Uint8Array, outcome: AttemptOutcome, choice: TracedChoice): number {
    const row = this.#attempts++;
    if (row >= TRACE_ATTEMPTS) return NO_ROW;
    const at = rowAt(row);
    const { words } = this;
    const floats = this.#floats;
    this.#hex(spanId, 0, (at + TraceAttemptWord.SPAN_ID) * 4, 8);
    this.#figures[(at + TraceAttemptWord.START) >> 1] = outcome.dispatchedMs + this.#clockOffsetMs;
    // Until it is over: a record that is written before that says so.
    this.#figures[(at + TraceAttemptWord.END) >> 1] = Number.NaN;
    this.#figures[(at + TraceAttemptWord.RESPONSE_BYTES) >> 1] = 0;
    words[at + TraceAttemptWord.SERVER] = outcome.serverId;
    words[at + TraceAttemptWord.STATUS] = 0;
    words[at + TraceAttemptWord.KIND] = kind;
    floats[at + TraceAttemptWord.CONNECT] = Number.NaN;
    floats[at + TraceAttemptWord.TLS] = Number.NaN;
    floats[at + TraceAttemptWord.HEAD] = Number.NaN;
    words[at + TraceAttemptWord.IN_FLIGHT] = outcome.inFlightAtDispatch;
    words[at + TraceAttemptWord.CANDIDATES] = choice.choices;
    floats[at + TraceAttemptWord.SCORE] = choice.score;
    words[at + TraceAttemptWord.ARM] = choice.arm;
    words[at + TraceAttemptWord.EJECTED] = choice.ejected;
    words[at + TraceAttemptWord.STATE] = choice.stateOf(outcome.slot);
    const { record } = choice;
    const kept = record === null ? 0 : Math.min(record.kept, TRACE_CANDIDATES);
    words[at + TraceAttemptWord.CHOICE] = record === null ? 0 : record.choice | (kept << 8);
    if (record !== null) {
      const to = at + TraceAttemptWord.CHOSEN_FROM;
      for (let i = 0; i < kept * ExplainCandidateWord.LENGTH; i++) words[to + i] = record.words[i];
    }
    return row;
  }

  /** It is over. @param row what `attempt` gave. */
  attemptEnded(row: number, outcome: AttemptOutcome, nowMs: number): void {
    if (row === NO_ROW) return;
    const at = rowAt(row);
    const { words } = this;
    const floats = this.#floats;
    const { failure, reused } = outcome;
    this.#figures[(at + TraceAttemptWord.END) >> 1] = nowMs + this.#clockOffsetMs;
    this.#figures[(at + TraceAttemptWord.RESPONSE_BYTES) >> 1] = outcome.responseBytes;
    words[at + TraceAttemptWord.STATUS] = outcome.status | (indexOf(failure) << 16);
    floats[at + TraceAttemptWord.CONNECT] = outcome.connectMs;
    floats[at + TraceAttemptWord.TLS] = outcome.tlsMs;
    floats[at + TraceAttemptWord.HEAD] = outcome.latencyMs;
    if (reused) words[at + TraceAttemptWord.KIND] |= TraceAttemptFlag.REUSED << 8;
  }

  /** Its response is the client's. */
  responded(row: number): void {
    if (row !== NO_ROW) this.words[rowAt(row) + TraceAttemptWord.KIND] |= TraceAttemptFlag.RESPONDED << 8;
  }

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The request is over, and all of its own attempts: nothing of it is looked at any more after this.
   * @param head the request's, parsed.
   */
  end(request: SampledRequest, head: RequestHead, outcome: TracedOutcome, nowMs: number): void {
    const { words } = this;
    const figures = this.#figures;
    const { method, headBuffer: buf, requestIdBuffer, requestIdStart, requestIdEnd, parentIdStart } = request;
    this.#hex(request.traceIdBuffer, request.traceIdStart, TraceWord.TRACE_ID * 4, 16);
    this.#hex(request.spanIdBuffer, request.spanIdStart, TraceWord.SPAN_ID * 4, 8);
    if (parentIdStart >= 0) this.#hex(buf, parentIdStart, TraceWord.PARENT_ID * 4, 8);
    else words.fill(0, TraceWord.PARENT_ID, TraceWord.PARENT_ID + 2);
    figures[TraceWord.START >> 1] = request.startedMs + this.#clockOffsetMs;
    figures[TraceWord.END >> 1] = nowMs + this.#clockOffsetMs;
    figures[TraceWord.REQUEST_BYTES >> 1] = request.body.bytes;
    figures[TraceWord.RESPONSE_BYTES >> 1] = outcome.responseBytes;
    words[TraceWord.ROUTE] = packRoute(request.route, outcome.status);
    words[TraceWord.POOL] = request.poolRow | (method << 8) | (indexOf(outcome.failure) << 16);
    words[TraceWord.FLAGS] =
      (request.client.peer.secure ? TraceFlag.SECURE : 0) |
      (head.versionMinor === 0 ? TraceFlag.HTTP_1_0 : 0) |
      (outcome.isTunnel ? TraceFlag.TUNNEL : 0);
    this.#floats[TraceWord.WAIT] = outcome.waitMs;
    words[TraceWord.PORT] = request.client.port;
    const queryAt = queryStart(buf, head.pathStart, head.targetEnd);
    this.#copy(
      Text.method,
      buf,
      request.methodStart,
      method === Method.OTHER ? request.methodEnd : request.methodStart,
    );
    this.#copy(Text.path, buf, head.pathStart, queryAt);
    this.#copy(Text.query, buf, Math.min(queryAt + 1, head.targetEnd), head.targetEnd);
    this.#copy(Text.host, buf, head.hostStart, head.hostEnd);
    this.#write(Text.userAgent, fieldText(buf, head, USER_AGENT) ?? "");
    this.#copy(Text.client, request.clientAddress, 0, request.clientAddress.length);
    this.#copy(Text.requestId, requestIdBuffer, requestIdStart, requestIdEnd);
    this.#write(Text.traceState, parentIdStart >= 0 ? stateOf(buf, head) : "");
    this.#holders--;
    if (this.#holders === 0) this.#complete();
    else this.#owner.onTraceHeld(this);
  }

  /** Nobody waits any longer for who still holds it: their attempts end here. */
  giveUp(nowMs: number): void {
    const figures = this.#figures;
    for (let row = 0; row < Math.min(this.#attempts, TRACE_ATTEMPTS); row++) {
      const at = (rowAt(row) + TraceAttemptWord.END) >> 1;
      if (Number.isNaN(figures[at])) figures[at] = nowMs + this.#clockOffsetMs;
    }
    this.#holders = Number.POSITIVE_INFINITY; // who lets go of it later completes nothing
    this.#complete();
  }

  #complete(): void {
    this.words[TraceWord.ATTEMPTS] = Math.min(this.#attempts, TRACE_ATTEMPTS) | (this.#attempts << 8);
    this.#owner.onTraceComplete(this);
  }

  /** The bytes that `2 × bytes` hexadecimal digits are. @param to a byte of the record. */
  #hex(digits: Uint8Array, start: number, to: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) {
      this.#bytes[to + i] = (hexDigit(digits[start + 2 * i]) << 4) | hexDigit(digits[start + 2 * i + 1]);
    }
  }

  #copy(place: TraceTextPlace, source: Buffer, start: number, end: number): void {
    const length = Math.min(end - start, place.room);
    source.copy(this.#bytes, place.at, start, start + length);
    this.#setLength(place, length);
  }

  #write(place: TraceTextPlace, value: string): void {
    this.#setLength(place, this.#bytes.write(value, place.at, place.room, "latin1"));
  }

  #setLength({ index }: TraceTextPlace, length: number): void {
    this.#bytes.writeUInt16LE(length, TraceWord.LENGTHS * 4 + 2 * index);
  }
}

const QUESTION_MARK = 63;

function rowAt(row: number): number {
  return TraceWord.ATTEMPT + row * TraceAttemptWord.LENGTH;
}

function indexOf(failure: Failure | null): number {
  return failure === null ? 0 : failureIndex(failure.code);
}

/** Where the question mark is; `end` = there is none. */
function queryStart(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] !== QUESTION_MARK) at++;
  return at;
}

/** The members of `tracestate`, as many as there is room for: half of one would be another's (W3C Trace Context section 3.3.1.5). */
function stateOf(buf: Buffer, head: RequestHead): string {
  const text = head.has(FieldId.TRACESTATE) ? fieldValues(buf, head, FieldId.TRACESTATE).join(",") : "";
  const { room } = Text.traceState;
  return text.length <= room ? text : text.slice(0, Math.max(0, text.lastIndexOf(",", room)));
}
