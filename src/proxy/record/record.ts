/** What remains of a request: counters and histograms in this worker's shared block, what history keeps, and a line in the log. */
import { GrpcStatus, isGrpcFailure } from "../../shared/grpc-status.ts";
import { bucketCount, bucketOf } from "../../shared/latency-buckets.ts";
import {
  countBriefDuration,
  countDuration,
  countFailed,
  type DurationPlace,
  rowOfPlace,
} from "../../shared/memory/duration-table.ts";
import type { ExemplarWriter } from "../../shared/memory/exemplars.ts";
import type { GrpcCounts } from "../../shared/memory/grpc-table.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { countRequest, isReserved } from "../../shared/memory/series-table.ts";
import type { Failure } from "../failure.ts";
import type { AccessLog } from "./access-log/access-log.ts";
import { type LoggedOutcome, type LoggedRequest, UNASKED } from "./access-log/logged.ts";
import type { OwnRequest } from "./access-log/own-request.ts";
import type { ExplainWriter } from "./explain/explain-writer.ts";
import type { HistoryOutcome, HistoryRequest, HistoryWriter } from "./history-writer.ts";

/** What recording uses of that which all parts of a worker share (`WorkerContext`); another at the next look, but the block. */
export interface RecordContext {
  readonly settings: {
    /** Share of requests with a line, 0 … 1. */
    readonly accessLogSample: number;
    /** Also requests for paths of our own. */
    readonly accessLogProbes: boolean;
  };
  readonly block: WorkerBlock;
  readonly grpcCounts: GrpcCounts;
  readonly accessLog: AccessLog | null;
  readonly history: HistoryWriter | null;
  readonly explain: ExplainWriter | null;
  /** Examples of traced requests; null = traces are not exported. */
  readonly exemplars: ExemplarWriter | null;
  /** Added to the monotonic clock it gives milliseconds since the epoch. */
  readonly epochOffsetMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A request as the recorder needs it. */
export interface RecordedRequest extends HistoryRequest, LoggedRequest {
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** It is a call of gRPC. */
  readonly grpc: boolean;
  /** Where durations of its route and pool are counted. */
  readonly place: DurationPlace;
}

/** How it ended. */
export interface RequestOutcome extends HistoryOutcome, LoggedOutcome {
  /** -1 = no server was chosen. */
  readonly slot: number;
  /** It waited because of learned limits. */
  readonly wasHeld: boolean;
}

/** A request ended. */
export function recordRequest(
  ctx: RecordContext,
  request: RecordedRequest,
  outcome: RequestOutcome,
  nowMs: number,
): void {
  const { block } = ctx;
  const { status, slot } = outcome;
  const durationMs = nowMs - request.startedMs;
  countRequest(block, request.route, request.method, status, outcome.serverId);
  if (slot >= 0) {
    block.durationSumMs[slot] += durationMs;
    block.durationHistogram[slot * bucketCount + bucketOf(durationMs)]++;
  }
  const row = rowOfPlace(block, request.place);
  const bucket = countDuration(block.durations, row, durationMs / 1000);
  if (isFailed(outcome)) countFailed(block.durations, row, durationMs / 1000);
  const { exemplars } = ctx;
  if (exemplars !== null && request.sampled) {
    const { traceIdBuffer, traceIdStart } = request;
    exemplars.write(row, bucket, durationMs / 1000, nowMs + ctx.epochOffsetMs, traceIdBuffer, traceIdStart);
  }
  if (outcome.waitMs > 0) {
    countBriefDuration(outcome.wasHeld ? block.heldWaits : block.waits, request.poolRow, outcome.waitMs / 1000);
  }
  if (request.grpc) countCall(ctx.grpcCounts, request, outcome);
  ctx.history?.record(request, outcome, durationMs, nowMs);
  const log = ctx.accessLog;
  if (log === null) return;
  const sample = ctx.settings.accessLogSample;
  // Failures are always worth a line.
  const failed = status >= 500 || outcome.failure !== null || isGrpcFailure(outcome.grpcStatus);
  if (sample < 1 && !failed && ctx.random() >= sample) return;
  log.record(request, outcome, durationMs, nowMs + ctx.epochOffsetMs);
}

function countCall(counts: GrpcCounts, request: RecordedRequest, outcome: RequestOutcome): void {
  const { headBuffer, targetStart, targetEnd } = request;
  const { grpcStatus, failure } = outcome;
  const isReal = failure === null && grpcStatus >= 0 && grpcStatus !== GrpcStatus.UNIMPLEMENTED;
  counts.count(headBuffer, targetStart, targetEnd, grpcStatus, isReal);
}

/** The client got an error, or not all of its response, and that was no fault of its own. */
function isFailed({ status, failure, grpcStatus }: RequestOutcome): boolean {
  return status >= 500 || isGrpcFailure(grpcStatus) || (failure !== null && failure.source !== "client");
}

/**
 * A path that the balancer answers itself: counted. There is a line where somebody wants to see who asks after its health,
 * and where it was refused.
 * @param request `null` = nobody wants a line of it.
 */
export function recordLocal(
  ctx: RecordContext,
  request: OwnRequest | null,
  route: number,
  method: number,
  status: number,
  failure: Failure | null,
  responseBytes: number,
  nowMs: number,
): void {
  countRequest(ctx.block, route, method, status, 0);
  if (request !== null && (failure !== null || ctx.settings.accessLogProbes)) {
    writeOwn(ctx, request, status, failure, responseBytes, nowMs);
  }
}

/** A request that was refused before there was an exchange. @param request `null` = nobody would read of it. */
export function recordRefused(
  ctx: RecordContext,
  request: OwnRequest | null,
  route: number,
  method: number,
  failure: Failure,
  responseBytes: number,
  nowMs: number,
): void {
  countRequest(ctx.block, route, method, failure.status, 0);
  if (request === null) return;
  if (!isReserved(route)) {
    ctx.history?.refused(request, route, failure, responseBytes, nowMs);
    ctx.explain?.refused(request, route, failure, request.startedMs, nowMs);
  }
  writeOwn(ctx, request, failure.status, failure, responseBytes, nowMs);
}

function writeOwn(
  { accessLog, epochOffsetMs }: RecordContext,
  request: OwnRequest,
  status: number,
  failure: Failure | null,
  responseBytes: number,
  nowMs: number,
): void {
  const outcome = { ...UNASKED, status, responseBytes, failure };
  accessLog?.record(request, outcome, nowMs - request.startedMs, nowMs + epochOffsetMs);
}
