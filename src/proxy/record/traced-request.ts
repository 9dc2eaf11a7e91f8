/** What a line in the log, an exemplar and a span say of a request's trace. */

/** A request, as far as its trace goes. */
export interface TracedRequest {
  /** There is a trace: the client's, or, while traces are exported, ours. The ids below only mean something then. */
  readonly traced: boolean;
  /** Its spans are exported. Only while traces are. */
  readonly sampled: boolean;
  /** The flag that says so to others is set (W3C Trace Context section 3.2.2.5): without an exporter it is the client's. */
  readonly sampledFlag: boolean;
  /** The trace's id, 32 hexadecimal digits in lower case. */
  readonly traceIdBuffer: Buffer;
  readonly traceIdStart: number;
  /** Our span's id, 16 hexadecimal digits; -1 = there is none: nothing is exported. */
  readonly spanIdBuffer: Buffer;
  readonly spanIdStart: number;
}

const NO_IDS = Buffer.alloc(0);

/** Of a request without a trace. */
export const UNTRACED: TracedRequest = Object.freeze({
  traced: false,
  sampled: false,
  sampledFlag: false,
  traceIdBuffer: NO_IDS,
  traceIdStart: 0,
  spanIdBuffer: NO_IDS,
  spanIdStart: -1,
});
