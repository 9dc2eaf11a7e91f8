/** What remains of a request: counters and histograms in this worker's shared block, what history keeps, and a line in the log. */
import { bucketCount, bucketOf } from "../../shared/latency-buckets.ts";
import {
  countBriefDuration,
  countDuration,
  type DurationPlace,
  rowOfPlace,
} from "../../shared/memory/duration-table.ts";
import type { ExemplarWriter } from "../../shared/memory/exemplars.ts";
import type { WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { countRequest, isReserved } from "../../shared/memory/series-table.ts";
import type { Failure } from "../failure.ts";
import type { Peer } from "../rewrite/request.ts";
import type { AccessLog, LoggedRequest } from "./access-log.ts";
import type { HistoryOutcome, HistoryRequest, HistoryWriter } from "./history-writer.ts";
import { UNTRACED } from "./traced-request.ts";

/** There was none. */
const NO_HEAD = Buffer.alloc(0);

/** What recording uses of that which all parts of a worker share (`WorkerContext`); another at the next look, but the block. */
export interface RecordContext {
  readonly settings: {
    /** Share of requests with a line, 0 … 1. */
    readonly accessLogSample: number;
  };
  readonly block: WorkerBlock;
  readonly accessLog: AccessLog | null;
  readonly history: HistoryWriter | null;
  /** Examples of traced requests; null = traces are not exported. */
  readonly exemplars: ExemplarWriter | null;
  /** Added to the monotonic clock it gives milliseconds since the epoch. */
  readonly epochOffsetMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A request as the recorder needs it. */
export interface RecordedRequest extends HistoryRequest {
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** Where durations of its route and pool are counted. */
  readonly place: DurationPlace;
}

/** How it ended. */
export interface RequestOutcome extends HistoryOutcome {
  /** -1 = no server was chosen. */
  readonly slot: number;
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
  const { exemplars } = ctx;
  if (exemplars !== null && request.sampled) {
    const { traceIdBuffer, traceIdStart } = request;
    exemplars.write(row, bucket, durationMs / 1000, nowMs + ctx.epochOffsetMs, traceIdBuffer, traceIdStart);
  }
  if (outcome.waitMs > 0) countBriefDuration(block.waits, request.poolRow, outcome.waitMs / 1000);
  ctx.history?.record(request, outcome, durationMs, nowMs);
  const log = ctx.accessLog;
  if (log === null) return;
  const sample = ctx.settings.accessLogSample;
  // Failures are always worth a line.
  if (sample < 1 && status < 500 && outcome.failure === null && ctx.random() >= sample) return;
  log.record(request, outcome, durationMs, nowMs + ctx.epochOffsetMs);
}

/** A path that the balancer answers itself: counted, but no line each time somebody asks after its health. */
export function recordLocal(ctx: RecordContext, route: number, method: number, status: number): void {
  countRequest(ctx.block, route, method, status, 0);
}

/** A request that was refused before anything of it could be believed. */
export function recordRefused(
  ctx: RecordContext,
  peer: Peer,
  route: number,
  method: number,
  failure: Failure,
  requestId: string,
  responseBytes: number,
  nowMs: number,
): void {
  countRequest(ctx.block, route, method, failure.status, 0);
  const { accessLog, history } = ctx;
  if (accessLog === null && history === null) return;
  const id = Buffer.from(requestId, "latin1");
  const request: LoggedRequest = {
    ...UNTRACED,
    headBuffer: NO_HEAD,
    methodStart: 0,
    methodEnd: 0,
    targetStart: 0,
    targetEnd: 0,
    method,
    requestIdBuffer: id,
    requestIdStart: 0,
    requestIdEnd: id.length,
    traceIdBuffer: id,
    traceIdStart: 0,
    clientAddress: peer.addressBytes,
    labels: null,
  };
  if (!isReserved(route)) history?.refused(request, route, failure, responseBytes, nowMs);
  const outcome = { status: failure.status, serverId: 0, responseBytes, attempts: 0, failure };
  accessLog?.record(request, outcome, 0, nowMs + ctx.epochOffsetMs);
}
