/**
 * The part of the shared memory in which workers tell the tracer of sampled requests, and what it tells of itself.
 * shared-memory.ts places it; its rules hold here too. The pages are only real while traces are exported.
 */
import type { Ring } from "./ring.ts";

/** Records of sampled requests that a worker keeps; a power of two. 5.4 MB. */
export const TRACE_ROWS = 2_048;
/** Attempts that one record has room for; those beyond are only counted. */
export const TRACE_ATTEMPTS = 8;

/** Candidates of an attempt that a record has room for. */
export const TRACE_CANDIDATES = 4;

/** One attempt in a record. Indices of 32-bit words from where it begins; 64-bit floats stand at even ones. */
export const TraceAttemptWord = {
  /** Span id, 8 bytes in order. */
  SPAN_ID: 0,
  /** Float64: dispatch and end, milliseconds of the boot clock (boot-clock.ts). */
  START: 2,
  END: 4,
  /** Float64: bytes of the response's body that were passed on. */
  RESPONSE_BYTES: 6,
  /** Id of the server. */
  SERVER: 8,
  /** Status of the response head, 0 = none came + 65,536 × the failure's index into `FAILURE_CODES` (failure-codes.ts). */
  STATUS: 9,
  /** A `TraceAttemptKind` + 256 × `TraceAttemptFlag`s. */
  KIND: 10,
  /** Float32, milliseconds from the dispatch: the connection was made (0 = a kept one), of that the TLS handshake; NaN = not. */
  CONNECT: 11,
  TLS: 12,
  /** Float32: from the dispatch to the complete response head, milliseconds; NaN = none came. */
  HEAD: 13,
  /** At the server when it was dispatched, without it. */
  IN_FLIGHT: 14,
  /** Servers that it could have gone to; 0 = not known. */
  CANDIDATES: 15,
  /** Float32: what the strategy gave the server, the lower the better; NaN = it gives none. */
  SCORE: 16,
  /** Of `ml`: the `DecisionArm` + 256 × the `Rung`; -1 = another strategy chose. */
  ARM: 17,
  /** Servers of the pool that were ejected then. */
  EJECTED: 18,
  /** `ServerState` of the one that it went to. */
  STATE: 19,
  /** A `Choice` (balancing/choice.ts) + 256 × the candidates that follow. */
  CHOICE: 20,
  /** `TRACE_CANDIDATES` × `ExplainCandidateWord.LENGTH` (explain.ts): the chosen one, and some of the others. */
  CHOSEN_FROM: 22,
  LENGTH: 22 + 4 * 3,
} as const;

/** Why there was an attempt. */
export const TraceAttemptKind = { FIRST: 0, RETRY: 1, HEDGE: 2, AUTHORISE: 3, MIRROR: 4 } as const;
export type TraceAttemptKind = (typeof TraceAttemptKind)[keyof typeof TraceAttemptKind];

/** Bits of what else is known of an attempt. */
export const TraceAttemptFlag = {
  /** It went over a connection that was kept. */
  REUSED: 1,
  /** Its response was the client's. */
  RESPONDED: 2,
} as const;

/** Texts of a record, in the order of their lengths (`TraceWord.LENGTHS`) and of their bytes. What is longer is cut. */
export const TRACE_TEXTS = {
  /** Only of a method that is none of `METHODS`. */
  method: 16,
  path: 512,
  query: 256,
  host: 128,
  userAgent: 192,
  /** Address of the client, behind trusted proxies. */
  client: 48,
  requestId: 64,
  traceState: 256,
} as const;

const TEXT_BYTES = Object.values(TRACE_TEXTS).reduce((sum, bytes) => sum + bytes, 0);
const ATTEMPTS_AT = 28;
const TEXTS_AT = ATTEMPTS_AT + TRACE_ATTEMPTS * TraceAttemptWord.LENGTH;

/** A record of a sampled request that ended, with its attempts. Indices of 32-bit words in its row. */
export const TraceWord = {
  /** Trace id, 16 bytes in order. */
  TRACE_ID: 0,
  /** Span id of the request, 8 bytes. */
  SPAN_ID: 4,
  /** Span id of the client's span; zeros = there is none. */
  PARENT_ID: 6,
  /** Float64: first byte and last byte sent, milliseconds of the boot clock. */
  START: 8,
  END: 10,
  /** Float64: bytes of the bodies. */
  REQUEST_BYTES: 12,
  RESPONSE_BYTES: 14,
  /** Number of the route + 65,536 × the status. */
  ROUTE: 16,
  /** Row of the pool, or `NO_POOL` + 256 × the index into `METHODS` + 65,536 × the failure's index into `FAILURE_CODES`. */
  POOL: 17,
  /** `TraceFlag`s. */
  FLAGS: 18,
  /** Float32: in queues, milliseconds. */
  WAIT: 19,
  /** Attempts that the record holds + 256 × how many there were. */
  ATTEMPTS: 20,
  /** Port that the client connected to. */
  PORT: 21,
  /** Lengths of the texts, two bytes each, in the order of `TRACE_TEXTS`. */
  LENGTHS: 22,
  /** `TRACE_ATTEMPTS` × `TraceAttemptWord.LENGTH`. */
  ATTEMPT: ATTEMPTS_AT,
  /** The texts, each in room of its own. */
  TEXTS: TEXTS_AT,
  LENGTH: TEXTS_AT + TEXT_BYTES / 4,
} as const;

/** Where a record has a text. */
export interface TraceTextPlace {
  /** Its place among the lengths. */
  readonly index: number;
  /** Offset of its room in the record, and how much that is, bytes. */
  readonly at: number;
  readonly room: number;
}

/** By name. */
export const TRACE_TEXT_PLACES = (() => {
  const places = {} as Record<keyof typeof TRACE_TEXTS, TraceTextPlace>;
  let at = TEXTS_AT * 4;
  for (const [index, [name, room]] of Object.entries(TRACE_TEXTS).entries()) {
    places[name as keyof typeof TRACE_TEXTS] = { index, at, room };
    at += room;
  }
  return Object.freeze(places);
})();

/** Bits of what else is known of a request. */
export const TraceFlag = {
  /** Its client spoke TLS. */
  SECURE: 1,
  /** The client's version was HTTP/1.0. */
  HTTP_1_0: 2,
  /** It became a tunnel. */
  TUNNEL: 4,
} as const;

/** Words of the tracer's counters (Float64, only ever growing unless named a gauge). Writer: tracer. */
export const TracerCounter = {
  /** A number that changes while the tracer is alive. */
  HEARTBEAT: 0,
  /** Resident set size, bytes. */
  RSS_BYTES: 1,
  /** Open file descriptors; 0 where the system does not tell. */
  DESCRIPTORS_OPEN: 2,
  /** Lines of the process's own log that could not be written. */
  LOG_DROPPED: 3,
  /** 1 while the collector does not take what it is sent. */
  EXPORT_FAILING: 4,
  /** Spans that wait, and their bytes. */
  SPANS_WAITING: 5,
  BYTES_WAITING: 6,
  /** Spans that the collector took, and that it said it did not want. */
  SPANS_EXPORTED: 7,
  SPANS_REJECTED: 8,
  /** Spans that were lost: overwritten before they were read; for want of room; because exports failed for good. */
  SPANS_LOST_RING: 9,
  SPANS_LOST_QUEUE: 10,
  SPANS_LOST_EXPORT: 11,
  /** Exports that succeeded, and that failed (also those that are tried again). */
  EXPORTS: 12,
  EXPORT_FAILURES: 13,
  LENGTH: 32,
} as const;

/** Those of `TracerCounter` that say how it is now: a gauge as a metric, and cleared when the tracer dies. */
export const TRACER_GAUGES: readonly number[] = [
  TracerCounter.HEARTBEAT,
  TracerCounter.RSS_BYTES,
  TracerCounter.DESCRIPTORS_OPEN,
  TracerCounter.EXPORT_FAILING,
  TracerCounter.SPANS_WAITING,
  TracerCounter.BYTES_WAITING,
];

/** What the tracer has in the shared memory for itself and its successor. */
export interface TracerMemory {
  /** `TracerCounter`s. Writer: tracer; supervisor clears the gauges after its death. */
  readonly counters: Float64Array;
  /** By worker: number of the last record that was read, so that a successor goes on behind it. Writer: tracer. */
  readonly positions: Int32Array;
}

/** What one worker tells the tracer. Writer: that worker. */
export interface TraceRings {
  readonly requests: Ring;
}
