/** Which trace a request is part of: the client's, or, while traces are exported, one that begins here and has the request's id. */
import type { RequestHead } from "../../http1/head.ts";
import { type IdSource, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from "../../rewrite/request-ids.ts";
import { findTraceparent, spanIdAt, TraceFlags, traceFlags, traceIdAt } from "../../rewrite/trace-context.ts";
import type { Sampler } from "./sampler.ts";

/** Bytes of a request's own ids: that of the request, which is its trace's where one begins here, and behind it its span's. */
export const OWN_IDS_BYTES = TRACE_ID_DIGITS + SPAN_ID_DIGITS;

/** A request, as far as its trace is found out; otherwise as `TracedRequest`. */
export interface JoiningRequest {
  /** `OWN_IDS_BYTES`, the first of which are written. */
  readonly ids: Buffer;
  traced: boolean;
  sampled: boolean;
  sampledFlag: boolean;
  traceIdBuffer: Buffer;
  traceIdStart: number;
  spanIdBuffer: Buffer;
  spanIdStart: number;
  /** Where the id of the client's span is in the head; -1 = there is none. */
  parentIdStart: number;
}

/**
 * Fills `request`.
 * @param trusted whether its trace's id, which the client has chosen, may decide what is sampled.
 * @param tracing `null` = nothing is exported, at least not of this request.
 * @param head where `parsed` was parsed from.
 * @returns `TraceFlags` of the trace so far.
 */
export function joinTrace(
  request: JoiningRequest,
  trusted: boolean,
  tracing: { readonly sampler: Sampler; readonly propagates: boolean } | null,
  ids: IdSource,
  head: Buffer,
  parsed: RequestHead,
): number {
  const parent = tracing === null || tracing.propagates ? findTraceparent(head, parsed) : -1;
  const flags = parent < 0 ? TraceFlags.RANDOM : traceFlags(head, parent);
  request.traced = parent >= 0 || tracing !== null;
  request.traceIdBuffer = parent < 0 ? request.ids : head;
  request.traceIdStart = parent < 0 ? 0 : traceIdAt(parent);
  request.parentIdStart = parent < 0 ? -1 : spanIdAt(parent);
  request.spanIdStart = -1;
  request.sampled = false;
  request.sampledFlag = parent >= 0 && (flags & TraceFlags.SAMPLED) !== 0;
  if (tracing === null) return flags;
  ids.write(request.ids, TRACE_ID_DIGITS, SPAN_ID_DIGITS);
  request.spanIdBuffer = request.ids;
  request.spanIdStart = TRACE_ID_DIGITS;
  const { sampler } = tracing;
  request.sampled =
    parent < 0 || trusted
      ? sampler.samples(request.traceIdBuffer, request.traceIdStart, parent < 0 ? -1 : flags & TraceFlags.SAMPLED)
      : sampler.samplesOfStranger(request.ids, TRACE_ID_DIGITS, flags & TraceFlags.SAMPLED);
  request.sampledFlag = request.sampled;
  return flags;
}
