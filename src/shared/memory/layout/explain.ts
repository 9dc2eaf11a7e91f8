/**
 * The part of the shared memory in which workers keep why requests went where they went. shared-memory.ts places it; its rules
 * hold here too.
 *
 * It is made of chunks, of which only those are real that somebody has been given. Each worker has two rings of chunks: of usual
 * requests, and of failed and slow ones. The supervisor puts further chunks into a ring for as long as there are any, and the
 * worker fills one after the other; records are of any length, and lie in one chunk each. What has been filled longest is
 * filled anew when the ring has come round.
 */
import type { Carver } from "./carver.ts";

/** 64 KB. */
export const EXPLAIN_CHUNK_WORDS = 16_384;
/** 128 MB: the most that `EXPLAIN_MEMORY_MB` may be. */
export const EXPLAIN_CHUNKS = 2_048;

/** The rings of a worker. */
export const ExplainRing = { USUAL: 0, KEPT: 1 } as const;
export type ExplainRing = (typeof ExplainRing)[keyof typeof ExplainRing];
/** How many that are. */
export const EXPLAIN_RINGS = 2;

/** What a worker says of its memory (Float64). */
export const ExplainFigure = {
  /** One in so many usual requests is kept. */
  USUAL_ONE_IN: 0,
  /** What takes longer is slow, milliseconds; 0 = it is not known yet. */
  SLOW_MS: 1,
  /** Records written, and those that did not fit anywhere. */
  WRITTEN: 2,
  LOST: 3,
  LENGTH: 8,
} as const;

/** The columns. */
export interface ExplainMemory {
  /** By worker and `ExplainRing`: number of the chunk that the ring begins with + 1; 0 = it has none. Writer: supervisor. */
  readonly first: Int32Array;
  /** By chunk: the next one of its ring. Writer: supervisor, who puts chunks in but never takes them out. */
  readonly next: Int32Array;
  /** By worker and ring: number of the chunk that is being filled + 1; 0 = none has been. Writer: that worker. */
  readonly current: Int32Array;
  /** By chunk: which one of its ring it was to be begun, from 1; 0 = it is being begun, or never was. Writer: the ring's worker. */
  readonly turn: Int32Array;
  /** By chunk: words that are filled; raised after a record. Writer: the ring's worker. */
  readonly used: Int32Array;
  /** By `ExplainRing`: words that a worker's ring may come to have. Writer: supervisor. */
  readonly limits: Float64Array;
  /** By worker: `ExplainFigure`s. Writer: that worker. */
  readonly figures: Float64Array;
  /** `[EXPLAIN_CHUNKS × EXPLAIN_CHUNK_WORDS]`: records, see `ExplainWord`. All three views are of the same. Writers: workers. */
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
}

/** Index into `first` and `current`. */
export function explainRingIndex(worker: number, ring: ExplainRing): number {
  return worker * EXPLAIN_RINGS + ring;
}

/** Attempts that a record has room for; those beyond are only counted. */
export const EXPLAIN_ATTEMPTS = 4;
/** Candidates of an attempt: the best, and the chosen one. */
export const EXPLAIN_CANDIDATES = 8;
/** Servers of an attempt that were no candidates. */
export const EXPLAIN_INELIGIBLE = 4;
/** Bytes of texts, cut ones. Of ids of our own there is no text. */
export const EXPLAIN_ID_BYTES = 40;
export const EXPLAIN_PATH_BYTES = { usual: 48, kept: 128 } as const;
export const EXPLAIN_CLIENT_BYTES = 46;

/** A record. Indices of 32-bit words from where it begins, which is an even one. What several share says how from the lowest bit. */
export const ExplainWord = {
  /** Words that it has, an even number (16 bits), attempts that it holds (4), `ExplainFlag`s (8), a `DetailReason` (2). */
  LENGTH: 0,
  /** Index into `METHODS` (8), the failure's index into `FAILURE_CODES` (8), row of the pool or `NO_POOL` (8), attempts there were (8). */
  METHOD: 1,
  /** Float64: when it began, milliseconds of the boot clock. */
  BEGAN: 2,
  /** Number of the route (16), status (16). */
  ROUTE: 4,
  /** Float32: first byte of the request to the last of the response, milliseconds. */
  DURATION: 5,
  /** Float32: in queues, milliseconds. */
  WAIT: 6,
  /** Lengths of the texts, cut ones: path (8), id (8), client (8); logarithm to base 2 of how many requests it stands for (8). */
  TEXTS: 7,
  /** An id of ours, 16 bytes in order; a hash of any other (request-id-hash.ts). */
  ID: 8,
  /** The texts, one behind the other, from the first byte: path, id, client. Behind them the attempts. */
  BODY: 12,
} as const;

/** Bits of what else is known of a request. */
export const ExplainFlag = {
  /** Its id is ours: 32 hexadecimal digits. */
  OWN_ID: 1,
  /** It became a tunnel. */
  TUNNEL: 2,
  /** The response was one of ours, so that `Proxy-Status` told of the failure. */
  TOLD: 4,
} as const;

/** An attempt in a record, from where it begins. */
export const ExplainAttemptWord = {
  /** The server's id (24), a `TraceAttemptKind` (4), `ExplainAttemptFlag`s (4). */
  SERVER: 0,
  /**
   * Index of the strategy into `STRATEGIES` (5), a `Choice` (5), a `Scale` (5), candidates that it holds (4), servers that were none
   * (3), counts of those (4), how far it could be trusted (`Rank` of rank.ts, 3).
   */
  CHOICE: 1,
  /** Candidates there were (10), servers that were none (10), the `DecisionArm` + 1 (4), the `Rung` (4). */
  COUNTS: 2,
  /** Status of its response head (16), the failure's index into `FAILURE_CODES` (8), a `Verdict` (4). */
  STATUS: 3,
  /** Float32, milliseconds: from the request's beginning to its dispatch; from there until it could be sent, to its head, to its end. */
  START: 4,
  CONNECT: 5,
  HEAD: 6,
  END: 7,
  /** Float32: how long the request was held before it because of learned limits, milliseconds. */
  HELD: 8,
  /** Hash of the request's template, and of that with any last segment; 0 = none was made. */
  TEMPLATE: 9,
  PARENT_TEMPLATE: 10,
  /** Float32: what it was expected to cost, in mean requests; 0 = no classes of requests are told apart. */
  WORK: 11,
  /** `ExplainCandidateWord`s; then a word for each server that was none, id (24) and `Ineligible` (8); then counts (24) by `Ineligible` (8). */
  CANDIDATES: 12,
} as const;

/** Bits of what else is known of an attempt. */
export const ExplainAttemptFlag = {
  /** Its response was the client's. */
  RESPONDED: 1,
  /** It went over a connection that was kept. */
  REUSED: 2,
  /** It was sent because the request's patience was over: no server had room. */
  SENT_ANYWAY: 4,
} as const;

/** A candidate of an attempt. */
export const ExplainCandidateWord = {
  /** The server's id (24), `ExplainCandidateFlag`s (8). */
  SERVER: 0,
  /** In flight by then (16), the upper half of its weight as a Float32 (16). */
  LOAD: 1,
  /** Float32: what was compared; NaN = nothing was. */
  SCORE: 2,
  LENGTH: 3,
} as const;

/** Bits of what else is known of a candidate. */
export const ExplainCandidateFlag = {
  /** It had all that the strategy grants it. */
  FULL: 1,
} as const;

/** Why a server of the pool was no candidate. */
export const Ineligible = {
  DOWN: 1,
  EJECTED: 2,
  DRAINING: 3,
  /** A backup, and those before it have room. */
  STANDBY: 4,
  /** At its hard limit. */
  FULL: 5,
  /** It fails all requests, and others do not. */
  PASSED_OVER: 6,
  /** It failed this request, or has it. */
  TRIED: 7,
  /** Less is known of it, or less good, than of others: of a second attempt. */
  LESS_TRUSTED: 8,
  /** Taken out by an operator. */
  MAINTENANCE: 9,
  /** At the limit that was learned of it. */
  AT_LIMIT: 10,
  /** How many there are, with 0. */
  LENGTH: 11,
} as const;
export type Ineligible = (typeof Ineligible)[keyof typeof Ineligible];

/** Room of an attempt while it is under way: each part has its most. */
export const EXPLAIN_ATTEMPT_WORDS =
  ExplainAttemptWord.CANDIDATES +
  EXPLAIN_CANDIDATES * ExplainCandidateWord.LENGTH +
  EXPLAIN_INELIGIBLE +
  (Ineligible.LENGTH - 1);

/** Places the columns. @param workers the most there can be. */
export function carveExplain(c: Carver, workers: number): ExplainMemory {
  c.page();
  const columns = {
    first: c.int32(workers * EXPLAIN_RINGS),
    next: c.int32(EXPLAIN_CHUNKS),
    current: c.int32(workers * EXPLAIN_RINGS),
    turn: c.int32(EXPLAIN_CHUNKS),
    used: c.int32(EXPLAIN_CHUNKS),
    limits: c.float64(EXPLAIN_RINGS),
    figures: c.float64(workers * ExplainFigure.LENGTH),
  };
  c.page();
  const words = c.int32(EXPLAIN_CHUNKS * EXPLAIN_CHUNK_WORDS);
  const { buffer, byteOffset, length } = words;
  const floats = new Float32Array(buffer, byteOffset, length);
  return { ...columns, words, floats, doubles: new Float64Array(buffer, byteOffset, length / 2) };
}
