/**
 * What a worker keeps of requests that are over, so that it can be said later why they went where they went. Failed and slow ones
 * have a ring of their own, and each of them is kept; of usual ones a part is, where all of them would not last for ten
 * minutes; of refusals that clients bring upon themselves a part, where there are many, so that strangers do not push out what
 * went wrong here.
 */
import { failureIndex } from "../../../shared/failure-codes.ts";
import { ChunkWriter, NO_ROOM } from "../../../shared/memory/explain/chunk-writer.ts";
import {
  EXPLAIN_ATTEMPT_WORDS,
  EXPLAIN_CLIENT_BYTES,
  EXPLAIN_ID_BYTES,
  EXPLAIN_PATH_BYTES,
  ExplainFigure,
  ExplainFlag,
  type ExplainMemory,
  ExplainRing,
  ExplainWord,
} from "../../../shared/memory/layout/explain.ts";
import { DetailReason, NO_POOL, RecorderWish } from "../../../shared/memory/layout/history.ts";
import { hashRequestId } from "../../../shared/memory/request-id-hash.ts";
import type { Failure } from "../../failure.ts";
import { hexDigit } from "../../rewrite/trace-context.ts";
import type { NamedRequest } from "../access-log/logged.ts";
import type { RequestNotes } from "./request-notes.ts";
import { SlowWatch } from "./slow-watch.ts";
import { Thinning } from "./thinning.ts";

const OWN_ID_DIGITS = 32;
const QUESTION_MARK = 63;
const ROOT_STATUS = 500;
const { SAMPLE, SLOW, FAILED } = DetailReason;

/** A request. */
export interface ExplainedRequest extends NamedRequest {
  /** Index into `ROUTES`, or the number of a route. */
  readonly route: number;
  /** Row of its pool, or `NO_POOL`. */
  readonly poolRow: number;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** Its id is ours: lower-case hexadecimal digits. */
  readonly ownId: boolean;
}

/** How it ended. */
export interface ExplainedOutcome {
  readonly status: number;
  readonly failure: Failure | null;
  /** In queues, milliseconds. */
  readonly waitMs: number;
  readonly isTunnel: boolean;
}

/** Writes the memory of one worker. */
export class ExplainWriter {
  readonly #memory: ExplainMemory;
  readonly #usual: ChunkWriter;
  readonly #kept: ChunkWriter;
  readonly #bytes: Uint8Array;
  readonly #figuresAt: number;
  /** The recorder's (`RecorderWish`). */
  readonly #wishes: Float64Array;
  readonly #clockOffsetMs: number;
  readonly #random: () => number;
  readonly #slow = new SlowWatch();
  readonly #thinning: Thinning;

  /**
   * @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts).
   * @param random uniform in [0, 1).
   */
  constructor(
    memory: ExplainMemory,
    worker: number,
    wishes: Float64Array,
    clockOffsetMs: number,
    random: () => number,
  ) {
    this.#memory = memory;
    this.#usual = new ChunkWriter(memory, worker, ExplainRing.USUAL);
    this.#kept = new ChunkWriter(memory, worker, ExplainRing.KEPT);
    const { buffer, byteOffset, byteLength } = memory.words;
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.#figuresAt = worker * ExplainFigure.LENGTH;
    this.#wishes = wishes;
    this.#clockOffsetMs = clockOffsetMs;
    this.#random = random;
    this.#thinning = new Thinning(memory.limits);
    memory.figures[this.#figuresAt + ExplainFigure.USUAL_ONE_IN] = 1;
  }

  /**
   * A request is over, and all of its attempts.
   * @param told the response was one of ours, and told of the failure.
   */
  record(
    request: ExplainedRequest,
    outcome: ExplainedOutcome,
    notes: RequestNotes,
    told: boolean,
    nowMs: number,
  ): void {
    const { failure, status } = outcome;
    const durationMs = nowMs - request.startedMs;
    let reason: DetailReason = SAMPLE;
    if (failure !== null || status >= ROOT_STATUS) reason = FAILED;
    // What the client does with a tunnel says nothing of how long things take.
    else if (!outcome.isTunnel) {
      const slowMs = this.#slow.look(durationMs, this.#wishes[RecorderWish.SLOW_MS]);
      this.#memory.figures[this.#figuresAt + ExplainFigure.SLOW_MS] = slowMs;
      if (slowMs > 0 && durationMs > slowMs) reason = SLOW;
    }
    const thinned = this.#thinned(reason, failure, nowMs);
    if (thinned < 0) return;
    const flags = (request.ownId ? ExplainFlag.OWN_ID : 0) | (outcome.isTunnel ? ExplainFlag.TUNNEL : 0);
    const facts = flags | (told ? ExplainFlag.TOLD : 0);
    this.#write(request, reason, status, failure, durationMs, outcome.waitMs, facts, thinned, notes);
  }

  /** A request was refused before there was an exchange. */
  refused(request: NamedRequest, route: number, failure: Failure, startedMs: number, nowMs: number): void {
    const thinned = this.#thinned(FAILED, failure, nowMs);
    if (thinned < 0) return;
    const flags = ExplainFlag.OWN_ID | ExplainFlag.TOLD;
    const known = { ...request, route, poolRow: NO_POOL, startedMs, ownId: true };
    this.#write(known, FAILED, failure.status, failure, nowMs - startedMs, 0, flags, thinned, null);
  }

  /** @returns the logarithm to base 2 of how many it stands for; -1 = it is not kept. */
  #thinned(reason: DetailReason, failure: Failure | null, nowMs: number): number {
    const thinning = this.#thinning;
    if (thinning.isOver(nowMs)) {
      const oneIn = 2 ** thinning.begin(nowMs);
      this.#memory.figures[this.#figuresAt + ExplainFigure.USUAL_ONE_IN] = oneIn;
    }
    if (reason === SAMPLE) {
      const bits = thinning.bits;
      return bits === 0 || this.#random() * 2 ** bits < 1 ? bits : -1;
    }
    if (failure === null || failure.source !== "client") return 0;
    const bits = thinning.refusalBits;
    if (bits > 0 && this.#random() * 2 ** bits >= 1) return -1;
    thinning.refusalKept();
    return bits;
  }

  #write(
    request: ExplainedRequest,
    reason: DetailReason,
    status: number,
    failure: Failure | null,
    durationMs: number,
    waitMs: number,
    flags: number,
    thinned: number,
    notes: RequestNotes | null,
  ): void {
    const usual = reason === SAMPLE;
    const { headBuffer, targetStart, requestIdBuffer, requestIdStart, requestIdEnd, clientAddress } = request;
    const { ownId } = request;
    const room = usual ? EXPLAIN_PATH_BYTES.usual : EXPLAIN_PATH_BYTES.kept;
    const pathEnd = endOfPath(headBuffer, targetStart, Math.min(request.targetEnd, targetStart + room));
    const path = pathEnd - targetStart;
    const id = ownId ? 0 : Math.min(requestIdEnd - requestIdStart, EXPLAIN_ID_BYTES);
    const client = usual ? 0 : Math.min(clientAddress.length, EXPLAIN_CLIENT_BYTES);
    const attempts = notes === null ? 0 : notes.kept;
    let length = ExplainWord.BODY + ((path + id + client + 3) >> 2);
    for (let i = 0; i < attempts; i++) length += notes!.lengths[i];
    length += length & 1;
    const { words, floats, doubles, figures } = this.#memory;
    const ring = usual ? this.#usual : this.#kept;
    const at = ring.next(length);
    if (at === NO_ROOM) {
      figures[this.#figuresAt + ExplainFigure.LOST]++;
      return;
    }
    const code = failure === null ? 0 : failureIndex(failure.code);
    const asked = notes === null ? 0 : Math.min(notes.count, 0xff);
    words[at + ExplainWord.LENGTH] = length | (attempts << 16) | (flags << 20) | (reason << 28);
    words[at + ExplainWord.METHOD] = request.method | (code << 8) | (request.poolRow << 16) | (asked << 24);
    doubles[(at + ExplainWord.BEGAN) >> 1] = request.startedMs + this.#clockOffsetMs;
    words[at + ExplainWord.ROUTE] = request.route | (status << 16);
    floats[at + ExplainWord.DURATION] = durationMs;
    floats[at + ExplainWord.WAIT] = waitMs;
    words[at + ExplainWord.TEXTS] = path | (id << 8) | (client << 16) | (thinned << 24);
    if (ownId) this.#hex(requestIdBuffer, requestIdStart, (at + ExplainWord.ID) * 4);
    else hashRequestId(requestIdBuffer, requestIdStart, requestIdEnd, words, at + ExplainWord.ID);
    let to = (at + ExplainWord.BODY) * 4;
    to = this.#copy(headBuffer, targetStart, path, to);
    to = this.#copy(requestIdBuffer, requestIdStart, id, to);
    to = this.#copy(clientAddress, 0, client, to);
    if (attempts > 0) this.#attempts(notes!, (to + 3) >> 2);
    if (usual) this.#thinning.words += length;
    ring.commit(length);
    figures[this.#figuresAt + ExplainFigure.WRITTEN]++;
  }

  #attempts(notes: RequestNotes, at: number): void {
    const { words } = this.#memory;
    const from = notes.words;
    let to = at;
    for (let row = 0; row < notes.kept; row++) {
      const begin = row * EXPLAIN_ATTEMPT_WORDS;
      const end = begin + notes.lengths[row];
      for (let i = begin; i < end; i++) words[to++] = from[i];
    }
  }

  #copy(source: Uint8Array, start: number, length: number, to: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[to + i] = source[start + i];
    return to + length;
  }

  /** The bytes that the digits of an id are. */
  #hex(digits: Uint8Array, start: number, to: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < OWN_ID_DIGITS / 2; i++) {
      bytes[to + i] = (hexDigit(digits[start + 2 * i]) << 4) | hexDigit(digits[start + 2 * i + 1]);
    }
  }
}

/** Where the path ends that begins at `start`: what follows a question mark is nobody's business. */
function endOfPath(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] !== QUESTION_MARK) at++;
  return at;
}
