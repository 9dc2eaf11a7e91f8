/**
 * What becomes of each attempt at a server: one record, and who is told of it. Latency is known at the response head, and
 * so is an error that it announces. That it went well is only known at the end: a server that cuts every response begins
 * each of them well.
 */

import { isGrpcFailure, NO_GRPC_STATUS } from "../shared/grpc-status.ts";
import { type Failure, Failures } from "./failure.ts";

/** What an attempt says about its server. */
export const Verdict = {
  /** Nothing: it was given up before a response head came (the client left, another attempt won), or was never received. */
  NONE: 0,
  /** The response is complete; or it was well as far as anybody wanted it. */
  GOOD: 1,
  /** As `GOOD`, of a response whose status is 5xx, or one of gRPC that says as much. */
  ERROR: 2,
  /** The response broke off, stood still or went wrong behind its head. */
  BROKEN: 3,
  /** No response head came. */
  UNANSWERED: 4,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** A status that counts as a failure of the server. */
export function isServerError(status: number): boolean {
  return status >= 500 && status < 600;
}

/**
 * The verdict on an attempt that is over.
 * @param status of the response head; 0 = none came.
 * @param failure why it ended before the response was complete; `null` = it did not.
 * @param grpcStatus of a call of gRPC; `NO_GRPC_STATUS` = it is none.
 */
export function verdictOn(status: number, failure: Failure | null, grpcStatus: number = NO_GRPC_STATUS): Verdict {
  if (failure !== null && failure.source === "upstream" && failure !== Failures.STALE_CONNECTION) {
    return status === 0 ? Verdict.UNANSWERED : Verdict.BROKEN;
  }
  if (status === 0) return Verdict.NONE;
  // Who leaves in the middle says nothing of what would have come. What came is known, and else servers whose responses
  // only end with their clients (event streams) would get no verdict but bad ones.
  return isServerError(status) || isGrpcFailure(grpcStatus) ? Verdict.ERROR : Verdict.GOOD;
}

/** One attempt. The object is used again for the next one: keep nothing but copies. */
export interface AttemptOutcome {
  readonly slot: number;
  readonly serverId: number;
  /** Which one of its request it is, from 1. */
  readonly number: number;
  /** Number of the decision that led to it; 0 = none was noted. */
  readonly decision: number;
  /** Monotonic milliseconds. */
  readonly dispatchedMs: number;
  /** What was in flight at the server by then, this attempt not counted. */
  readonly inFlightAtDispatch: number;
  /** Of these, requests in transfer (`ServerTable.transferring`). */
  readonly transferringAtDispatch: number;
  /** How long the request was held before it because of learned limits, milliseconds; nearly always 0. */
  readonly heldMs: number;
  /** It was sent because its patience was over: no server had room. */
  readonly sentAnyway: boolean;
  /** Hash of its request's template, and of that with any last segment; 0 = none. */
  readonly template: number;
  readonly parentTemplate: number;
  /** What it is expected to cost, in `WORK_UNIT`ths of a mean request; 0 = its pool tells no classes of requests apart. */
  readonly work: number;
  /** What each of those was expected to cost that were there, in mean requests. */
  readonly othersWork: number;
  /** From the dispatch until the request could be sent, milliseconds; 0 on a kept connection, NaN = it never could. */
  readonly connectMs: number;
  /** Of that, the TLS handshake; NaN = there was none: a plain or a kept connection, or it never came to one. */
  readonly tlsMs: number;
  /** It went over a connection that was kept. */
  readonly reused: boolean;
  /** Status of the final response head (or 101); 0 = none has come. */
  readonly status: number;
  /** From the dispatch to the complete response head; NaN = none has come. */
  readonly latencyMs: number;
  /** The head says that the server failed: by 5xx, or of a call of gRPC by its status. */
  readonly headFailed: boolean;
  // From here on known at the end:
  /** Of a call of gRPC; `NO_GRPC_STATUS` = it is none, or none was said. */
  readonly grpcStatus: number;
  readonly verdict: Verdict;
  /** Why it ended before the response was complete, whoever's fault it was; `null` = it did not. */
  readonly failure: Failure | null;
  /** Bytes of the response's body (or of the tunnel) that the client was sent. */
  readonly responseBytes: number;
}

/** The server failed it, and its response head did not say so: who counts failures has not counted this one yet. */
export function failedSinceHead({ verdict, headFailed }: AttemptOutcome): boolean {
  return verdict === Verdict.UNANSWERED || ((verdict === Verdict.BROKEN || verdict === Verdict.ERROR) && !headFailed);
}

/** Hears of response heads. On the request path: it allocates nothing and must not throw. */
export interface HeadConsumer {
  /** A final response head (or 101) came. Once at most for each attempt, before its end. */
  onHead(outcome: AttemptOutcome, nowMs: number): void;
}

/** Hears how attempts end. On the request path: it allocates nothing and must not throw. */
export interface EndConsumer {
  /** An attempt is over. Exactly once for each that was begun. */
  onEnd(outcome: AttemptOutcome, nowMs: number): void;
}

/** Hears of heads, of ends, or of both. */
export type OutcomeConsumer = HeadConsumer | EndConsumer | (HeadConsumer & EndConsumer);

/** All who are told; the worker's composition root makes the list (server.ts). */
export class OutcomeConsumers implements HeadConsumer, EndConsumer {
  readonly #ofHeads: readonly HeadConsumer[];
  readonly #ofEnds: readonly EndConsumer[];

  /** @param consumers in the order in which they are told. */
  constructor(consumers: readonly OutcomeConsumer[]) {
    this.#ofHeads = consumers.filter((each): each is HeadConsumer => "onHead" in each);
    this.#ofEnds = consumers.filter((each): each is EndConsumer => "onEnd" in each);
  }

  onHead(outcome: AttemptOutcome, nowMs: number): void {
    for (let i = 0; i < this.#ofHeads.length; i++) this.#ofHeads[i].onHead(outcome, nowMs);
  }

  onEnd(outcome: AttemptOutcome, nowMs: number): void {
    for (let i = 0; i < this.#ofEnds.length; i++) this.#ofEnds[i].onEnd(outcome, nowMs);
  }
}
