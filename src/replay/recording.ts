/**
 * Traffic as replay takes it, whatever it was read from: the store, or an access log of another proxy. Times are milliseconds
 * from the recording's beginning. Requests stand in columns, in the order of their arrival.
 */

/** A server that took part. */
export interface RecordingServer {
  /** `host:port`, or what the log calls it. */
  readonly name: string;
  /** As configured, 1 where nobody says. */
  readonly weight: number;
  /** Requests it is meant to work on at a time; `null` = nobody says. */
  readonly capacity: number | null;
}

/** Single requests, as columns of one length. */
export interface RecordingRequests {
  /** When each arrived, rising. */
  readonly atMs: Float64Array;
  /** Index of its (last) server; -1 = none was chosen. */
  readonly server: Int16Array;
  /** Index into `Recording.classes`. */
  readonly class: Int16Array;
  /** From the dispatch to the response head (or to the end, where the log knows no other). */
  readonly latencyMs: Float32Array;
  /** From the arrival to that: in the balancer's own queue, and at servers that failed it before. */
  readonly waitMs: Float32Array;
  /** 1 = the server failed it. */
  readonly failed: Uint8Array;
  /** At its server when it was dispatched, without it; -1 = not known. */
  readonly inFlight: Int16Array;
  /** How many requests each stands for, at least 1. */
  readonly weight: Float32Array;
}

/** See the top of this file. */
export interface Recording {
  /** What it was read from, for people: `store, pool default`, `nginx log access.log`. */
  readonly source: string;
  /** Its beginning, milliseconds since the epoch. */
  readonly startMs: number;
  readonly durationMs: number;
  /** What balanced: a strategy's name; `null` = not known, or it changed on the way. */
  readonly strategy: string | null;
  readonly servers: readonly RecordingServer[];
  /** Kinds of requests: routes, or what of the path says which are alike. */
  readonly classes: readonly string[];
  readonly requests: RecordingRequests;
  /** Exact arrivals by second and class, `[seconds × classes]`, where requests are a sample; `null` = they are all there. */
  readonly arrivals: Float64Array | null;
  /** When servers were not to be asked (down, ejected, drained), as far as that is known. */
  readonly absences: readonly { readonly server: number; readonly fromMs: number; readonly toMs: number }[];
}
