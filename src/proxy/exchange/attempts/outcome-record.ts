/** The record of an attempt, as the attempt itself writes it: one object for all that it serves. */

import { isGrpcFailure, NO_GRPC_STATUS } from "../../../shared/grpc-status.ts";
import type { Failure } from "../../failure.ts";
import { type AttemptOutcome, isServerError, Verdict, verdictOn } from "../../outcome.ts";

export class OutcomeRecord implements AttemptOutcome {
  slot = -1;
  serverId = 0;
  number = 0;
  decision = 0;
  dispatchedMs = 0;
  inFlightAtDispatch = 0;
  transferringAtDispatch = 0;
  heldMs = 0;
  sentAnyway = false;
  template = 0;
  parentTemplate = 0;
  work = 0;
  othersWork = 1;
  connectMs = Number.NaN;
  tlsMs = Number.NaN;
  reused = false;
  status = 0;
  latencyMs = Number.NaN;
  headFailed = false;
  grpcStatus: number = NO_GRPC_STATUS;
  verdict: Verdict = Verdict.NONE;
  failure: Failure | null = null;
  responseBytes = 0;

  /** Another attempt begins. */
  begin(slot: number, serverId: number, number: number, decision: number, inFlight: number, nowMs: number): void {
    this.slot = slot;
    this.serverId = serverId;
    this.number = number;
    this.decision = decision;
    this.dispatchedMs = nowMs;
    this.inFlightAtDispatch = inFlight;
    this.transferringAtDispatch = 0;
    this.heldMs = 0;
    this.sentAnyway = false;
    this.template = 0;
    this.parentTemplate = 0;
    this.work = 0;
    this.othersWork = 1;
    this.connectMs = Number.NaN;
    this.tlsMs = Number.NaN;
    this.reused = false;
    this.status = 0;
    this.latencyMs = Number.NaN;
    this.headFailed = false;
    this.grpcStatus = NO_GRPC_STATUS;
    this.verdict = Verdict.NONE;
    this.failure = null;
    this.responseBytes = 0;
  }

  /** Before it began it was held. @param anyway it was sent because its patience was over. */
  held(heldMs: number, anyway: boolean): void {
    this.heldMs = heldMs;
    this.sentAnyway = anyway;
  }

  /** Its pool tells classes of requests apart. @param work what was taken for it. */
  classed(
    { template, parentTemplate }: { readonly template: number; readonly parentTemplate: number },
    work: { readonly taken: number; readonly others: number },
  ): void {
    this.template = template;
    this.parentTemplate = parentTemplate;
    this.work = work.taken;
    this.othersWork = work.others;
  }

  /**
   * The request can be sent.
   * @param reused over a connection that was kept.
   * @param tlsMs what the handshake of a new one took; NaN = it is plain.
   */
  connected(reused: boolean, tlsMs: number, nowMs: number): void {
    this.reused = reused;
    this.connectMs = reused ? 0 : nowMs - this.dispatchedMs;
    this.tlsMs = reused ? Number.NaN : tlsMs;
  }

  /** The final response head, or 101, came. @param grpcStatus that it has; `NO_GRPC_STATUS` = none. */
  head(status: number, nowMs: number, grpcStatus: number = NO_GRPC_STATUS): void {
    this.status = status;
    this.grpcStatus = grpcStatus;
    this.headFailed = isServerError(status) || isGrpcFailure(grpcStatus);
    this.latencyMs = nowMs - this.dispatchedMs;
  }

  /** It is over. @param failure why, when the response was not complete. */
  end(failure: Failure | null, responseBytes: number): void {
    this.verdict = verdictOn(this.status, failure, this.grpcStatus);
    this.failure = failure;
    this.responseBytes = responseBytes;
  }
}
