/**
 * The part of the shared memory in which workers tell the recorder what became of requests, and what it tells of itself.
 * shared-memory.ts places it; its rules hold here too. The pages are only real while history is kept.
 */
import type { Ring } from "./ring.ts";

/** Records of requests that a worker keeps, about three seconds of what one can serve; a power of two. 2.6 MB. */
export const REQUEST_ROWS = 65_536;

/** A record of a request that ended: all of them are counted by it. Indices of 32-bit words in its row. */
export const RequestWord = {
  /** Float64: when it ended, milliseconds of the boot clock (boot-clock.ts). */
  TIME: 0,
  /** Float64: bytes of the response's body that were sent. */
  RESPONSE_BYTES: 2,
  /** Float32: first byte of the request to the last of the response, milliseconds. */
  DURATION: 4,
  /** Float32: in the queue, milliseconds. */
  WAIT: 5,
  /** Id of the server; 0 = none was chosen. */
  SERVER: 6,
  /** Number of the route + 65,536 × the status. */
  ROUTE: 7,
  /**
   * Row of the pool, or `NO_POOL` (0 … 255) + 256 × attempts (0 … 255) + 65,536 × 1 when there was a failure of ours or of the
   * server's + 131,072 × the `DetailReason` that a detail of it would have.
   */
  POOL: 8,
  LENGTH: 10,
} as const;

/** In `RequestWord.POOL`: no server was to be asked. */
export const NO_POOL = 255;

/** Records with details that a worker keeps; a power of two. 0.6 MB. */
export const DETAIL_ROWS = 2_048;
/** Bytes of a detail's texts, in UTF-8 or as they came; what is longer is cut. */
export const DETAIL_ID_BYTES = 64;
export const DETAIL_PATH_BYTES = 128;
export const DETAIL_CLIENT_BYTES = 48;

/** A record with all that is kept of a single request. Its first words are as in `RequestWord`. */
export const DetailWord = {
  ...RequestWord,
  /** Float32: from the last attempt's dispatch to the complete response head, milliseconds; NaN = none came. */
  HEAD: 9,
  /** At its server when the last attempt was dispatched, without it; -1 = not known. */
  IN_FLIGHT: 10,
  /** Index into `METHODS` + 256 × the failure's index into `FAILURE_CODES` (failure-codes.ts). */
  METHOD: 11,
  /** Float32: the probability with which it was written. */
  PROBABILITY: 12,
  /** Lengths in bytes, cut ones included: of the id + 256 × the path's + 65,536 × the client's. */
  LENGTHS: 13,
  /** The texts, each in room of its own: id, path, client. */
  TEXTS: 14,
  LENGTH: 14 + (DETAIL_ID_BYTES + DETAIL_PATH_BYTES + DETAIL_CLIENT_BYTES) / 4,
} as const;

/** Which requests are told apart where a part of them is kept: why a worker wrote a detail. */
export const DetailReason = { SAMPLE: 0, SLOW: 1, FAILED: 2 } as const;
export type DetailReason = (typeof DetailReason)[keyof typeof DetailReason];

/** What one worker tells the recorder. Writer: that worker. */
export interface HistoryRings {
  readonly requests: Ring;
  readonly details: Ring;
}

/** What the recorder asks of workers (Float64); shares stand at the index of their `DetailReason`. Writer: recorder. */
export const RecorderWish = {
  /** Share of usual requests that workers write details of, 0 … 1. */
  SAMPLE_SHARE: 0,
  /** Share of slow ones, and of failed ones. */
  SLOW_SHARE: 1,
  FAILED_SHARE: 2,
  /** What takes longer is slow, milliseconds; 0 = nothing is. */
  SLOW_MS: 3,
  /** After so many details of one kind in a second a worker halves their share until it ends; 0 = `USUAL_BURST`. */
  BURST: 4,
  LENGTH: 8,
} as const;

/** See `RecorderWish.BURST`. */
export const USUAL_BURST = 128;

/** Words of the recorder's counters (Float64, only ever growing unless named a gauge). Writer: recorder. */
export const RecorderCounter = {
  /** A number that changes while the recorder is alive. */
  HEARTBEAT: 0,
  /** Resident set size, bytes. */
  RSS_BYTES: 1,
  /** Open file descriptors; 0 where the system does not tell. */
  DESCRIPTORS_OPEN: 2,
  /** Lines of the process's own log that could not be written. */
  LOG_DROPPED: 3,
  /** Requests that were read from the rings and counted. */
  REQUESTS: 4,
  /** Records that were overwritten before they were read: missing from the counts. */
  REQUESTS_LOST: 5,
  /** 1 while what happened is not kept as it should be. */
  STORE_DEGRADED: 6,
  /** Rows that were written, lost for want of room, and that wait. */
  ROWS_WRITTEN: 7,
  ROWS_DROPPED: 8,
  ROWS_WAITING: 9,
  /** Writes that failed. */
  WRITE_ERRORS: 10,
  /** Of the store, bytes; 0 = not known. */
  STORE_BYTES: 11,
  LENGTH: 32,
} as const;

/** Those of `RecorderCounter` that say how it is now: a gauge as a metric, and cleared when the recorder dies. */
export const RECORDER_GAUGES: readonly number[] = [
  RecorderCounter.HEARTBEAT,
  RecorderCounter.RSS_BYTES,
  RecorderCounter.DESCRIPTORS_OPEN,
  RecorderCounter.STORE_DEGRADED,
  RecorderCounter.ROWS_WAITING,
  RecorderCounter.STORE_BYTES,
];

/** Words of `RecorderProgress.figures` (Float64). */
export const ProgressFigure = {
  /** Rises with each; 0 = it says nothing. */
  SEQUENCE: 0,
  /** The last second (of the epoch) of which it says how far the rings were read. */
  SECOND: 1,
  /** How often the wall clock had been set back behind what was recorded: seconds of different counts are never mixed up. */
  CLOCK_TURNS: 2,
  LENGTH: 8,
} as const;

/** How far the rings were read for all seconds up to one. */
export interface RecorderProgress {
  readonly figures: Float64Array;
  /** By worker: number of the last record that counts to these seconds. */
  readonly requests: Int32Array;
  readonly details: Int32Array;
}

/** Words of `RecorderMemory.words` (Int32). */
export const RecorderWord = {
  /** Which of the two `progress` is certain: the store has all of it. The other one is what is being written, if it is later. */
  CERTAIN: 0,
  LENGTH: 16,
} as const;

/** Words of `RecorderMemory.figures` (Float64). */
export const RecorderFigure = {
  /** What, added to the boot clock, gave milliseconds since the epoch when records were last read. */
  WALL_OFFSET_MS: 0,
  LENGTH: 8,
} as const;

/** What the recorder has in the shared memory for itself and its successor. */
export interface RecorderMemory {
  /** `RecorderWish`es. */
  readonly wishes: Float64Array;
  /** `RecorderCounter`s. Writer: recorder; supervisor clears the gauges after its death. */
  readonly counters: Float64Array;
  readonly words: Int32Array;
  readonly figures: Float64Array;
  readonly progress: readonly [RecorderProgress, RecorderProgress];
  /** By worker: number of the last record that is among `RecorderCounter.REQUESTS` or `REQUESTS_LOST`. */
  readonly counted: Int32Array;
}
