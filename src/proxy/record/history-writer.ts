/**
 * What a worker tells the recorder of requests that ended: of each one a small record, by which it is counted, and of a part
 * of them one with all that is kept of single requests. The recorder says how large the parts are; a burst that it could
 * not foresee is thinned out here, and each record says with which probability it was written.
 */

import { failureIndex } from "../../shared/failure-codes.ts";
import {
  DETAIL_CLIENT_BYTES,
  DETAIL_ID_BYTES,
  DETAIL_PATH_BYTES,
  DETAIL_ROWS,
  DetailReason,
  DetailWord,
  type HistoryRings,
  NO_POOL,
  REQUEST_ROWS,
  RecorderWish,
  RequestWord,
  USUAL_BURST,
} from "../../shared/memory/layout/history.ts";
import { packMethod, packPool, packRoute } from "../../shared/memory/packed-words.ts";
import { RingWriter } from "../../shared/memory/ring.ts";
import type { Failure } from "../failure.ts";
import type { NamedRequest, RequestEnd } from "./access-log/logged.ts";

const ID_AT = DetailWord.TEXTS * 4;
const PATH_AT = ID_AT + DETAIL_ID_BYTES;
const CLIENT_AT = PATH_AT + DETAIL_PATH_BYTES;
const QUESTION_MARK = 63;
const WINDOW_MS = 1000;

/** A request as history has it. */
export interface HistoryRequest extends NamedRequest {
  /** Index into `ROUTES`, or the number of a route. */
  readonly route: number;
  /** Row of its pool, or `NO_POOL`. */
  readonly poolRow: number;
}

/** How it ended. */
export interface HistoryOutcome extends RequestEnd {
  /** In queues, milliseconds. */
  readonly waitMs: number;
  /** Of the last attempt, if there was any: see `DetailWord`. */
  readonly headMs: number;
  readonly inFlightAtDispatch: number;
}

/** Writes the rings of one worker. */
export class HistoryWriter {
  readonly #requests: RingWriter;
  readonly #details: RingWriter;
  readonly #detailBytes: Uint8Array;
  readonly #wishes: Float64Array;
  readonly #clockOffsetMs: number;
  readonly #random: () => number;
  /** By `DetailReason`: details since the share was last halved, and what of the share is left in this second. */
  readonly #written = [0, 0, 0];
  readonly #left = [1, 1, 1];
  #windowEndsMs = 0;

  /**
   * @param wishes the recorder's (`RecorderWish`).
   * @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts).
   * @param random uniform in [0, 1).
   */
  constructor(rings: HistoryRings, wishes: Float64Array, clockOffsetMs: number, random: () => number) {
    this.#requests = new RingWriter(rings.requests, REQUEST_ROWS, RequestWord.LENGTH);
    this.#details = new RingWriter(rings.details, DETAIL_ROWS, DetailWord.LENGTH);
    const { buffer, byteOffset, byteLength } = rings.details.words;
    this.#detailBytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.#wishes = wishes;
    this.#clockOffsetMs = clockOffsetMs;
    this.#random = random;
  }

  /** A request ended. */
  record(request: HistoryRequest, outcome: HistoryOutcome, durationMs: number, nowMs: number): void {
    const { status, failure, attempts, responseBytes, waitMs } = outcome;
    // Who was refused by the server that was asked whether the request may pass has met none of its pool's.
    const serverId = attempts > 0 ? outcome.serverId : 0;
    const failed = failure !== null && failure.source !== "client";
    const slowMs = this.#wishes[RecorderWish.SLOW_MS];
    const reason = failed || status >= 500 ? FAILED : slowMs > 0 && durationMs > slowMs ? SLOW : SAMPLE;
    const route = packRoute(request.route, status);
    const pool = packPool(request.poolRow, attempts, failed, reason);
    const { words, floats, figures } = this.#requests.ring;
    const at = this.#requests.next();
    figures[(at + RequestWord.TIME) >> 1] = nowMs + this.#clockOffsetMs;
    figures[(at + RequestWord.RESPONSE_BYTES) >> 1] = responseBytes;
    floats[at + RequestWord.DURATION] = durationMs;
    floats[at + RequestWord.WAIT] = waitMs;
    words[at + RequestWord.SERVER] = serverId;
    words[at + RequestWord.ROUTE] = route;
    words[at + RequestWord.POOL] = pool;
    this.#requests.commit();
    const share = this.#wishes[reason];
    if (share > 0) this.#sample(share, reason, at, request, outcome, nowMs);
  }

  /** A request was refused before anything of it could be believed. */
  refused(request: NamedRequest, route: number, failure: Failure, responseBytes: number, nowMs: number): void {
    const { status } = failure;
    this.record({ ...request, route, poolRow: NO_POOL }, { ...NO_ATTEMPT, status, responseBytes, failure }, 0, nowMs);
  }

  /** Writes the details of the request whose record begins at word `from`, with the probability that is due. */
  #sample(
    share: number,
    reason: DetailReason,
    from: number,
    request: HistoryRequest,
    outcome: HistoryOutcome,
    nowMs: number,
  ): void {
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS;
      this.#written.fill(0);
      this.#left.fill(1);
    }
    const probability = Math.min(1, share) * this.#left[reason];
    if (probability < 1 && this.#random() >= probability) return;
    this.#detail(from, probability, request, outcome);
    const burst = this.#wishes[RecorderWish.BURST] || USUAL_BURST;
    if (++this.#written[reason] < burst) return;
    this.#written[reason] = 0;
    this.#left[reason] /= 2;
  }

  #detail(from: number, probability: number, request: HistoryRequest, outcome: HistoryOutcome): void {
    const { words, floats } = this.#details.ring;
    const at = this.#details.next();
    const record = this.#requests.ring.words;
    for (let i = 0; i <= RequestWord.POOL; i++) words[at + i] = record[from + i];
    const { attempts, failure } = outcome;
    const code = failure === null ? 0 : failureIndex(failure.code);
    floats[at + DetailWord.HEAD] = attempts > 0 ? outcome.headMs : Number.NaN;
    words[at + DetailWord.IN_FLIGHT] = attempts > 0 ? outcome.inFlightAtDispatch : -1;
    words[at + DetailWord.METHOD] = packMethod(request.method, code);
    floats[at + DetailWord.PROBABILITY] = probability;
    const { requestIdBuffer, requestIdStart, requestIdEnd, headBuffer, targetStart, clientAddress } = request;
    const bytes = at * 4;
    const end = pathEnd(headBuffer, targetStart, Math.min(request.targetEnd, targetStart + DETAIL_PATH_BYTES));
    const id = this.#copy(requestIdBuffer, requestIdStart, requestIdEnd, bytes + ID_AT, DETAIL_ID_BYTES);
    const path = this.#copy(headBuffer, targetStart, end, bytes + PATH_AT, DETAIL_PATH_BYTES);
    const client = this.#copy(clientAddress, 0, clientAddress.length, bytes + CLIENT_AT, DETAIL_CLIENT_BYTES);
    words[at + DetailWord.LENGTHS] = id + (path << 8) + (client << 16);
    this.#details.commit();
  }

  /** @returns how many bytes were copied. */
  #copy(source: Buffer, start: number, end: number, to: number, room: number): number {
    const length = Math.min(end - start, room);
    const bytes = this.#detailBytes;
    for (let i = 0; i < length; i++) bytes[to + i] = source[start + i];
    return length;
  }
}

const { SAMPLE, SLOW, FAILED } = DetailReason;

const NO_ATTEMPT = {
  serverId: 0,
  attempts: 0,
  waitMs: 0,
  headMs: Number.NaN,
  inFlightAtDispatch: -1,
} as const;

/** Where the path ends that begins at `start`: what follows a question mark is nobody's business. */
function pathEnd(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] !== QUESTION_MARK) at++;
  return at;
}
