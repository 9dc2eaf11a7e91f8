/**
 * What happened: requests counted by the second, single requests as a sample, servers and what they were like, and events.
 * The narrow interface that the recorder writes by, and everybody reads by who answers questions about the past; where the
 * data lies is the business of whoever implements it. All that may wait on a disk or a network returns a promise; handing
 * over never waits. Times are milliseconds since the epoch unless a name says otherwise.
 */
import type { StoreStatus } from "./learning-store.ts";

/** Which requests a count is of. */
export interface MetricKey {
  readonly pool: string;
  /** Name of the route. */
  readonly route: string;
  /** `host:port` of the server as configured; empty = no server was chosen. */
  readonly server: string;
  /** The address that it was reached at; empty where that says nothing more than `server`. */
  readonly address: string;
  /** First digit of the status, 1 … 5; a client that left counts as 4 (499). */
  readonly statusClass: number;
}

/** All requests of one kind that ended within one second (or minute, or hour): exact, whatever is kept of single ones. */
export interface MetricRow extends MetricKey {
  /** The minute's or hour's beginning, or some moment within the second: one that comes twice, because the clock was set
   * back, has two rows at two moments. */
  readonly atMs: number;
  readonly requests: number;
  /** Those of them with a failure of ours or of the server (`Failure`), whatever their status. */
  readonly failures: number;
  /** Attempts beyond each request's first. */
  readonly retries: number;
  /** Sum of durations, first byte of the request to the last of the response, milliseconds. */
  readonly durationSumMs: number;
  /** Of the time in the queue; and how many waited there at all. */
  readonly waitSumMs: number;
  readonly waited: number;
  /** Body bytes that were sent to clients. */
  readonly responseBytes: number;
  /** Durations by `historyBucketOf`: up to the last that is not zero (history-buckets.ts). */
  readonly durations: readonly number[];
  /** Handed over by a process that is no more, and perhaps written: the same row comes a second time. */
  readonly again?: boolean;
}

/** Why a single request is kept. */
export const REQUEST_REASONS = ["sample", "slow", "failed"] as const;
/** One of them. */
export type RequestReason = (typeof REQUEST_REASONS)[number];

/** A single request: one of a sample of which each stands for `weight` requests. */
export interface RequestRow {
  /** When its first byte came. */
  readonly atMs: number;
  readonly pool: string;
  readonly route: string;
  readonly server: string;
  readonly address: string;
  readonly method: string;
  /** Path without its query, at most 128 bytes of it. */
  readonly path: string;
  readonly status: number;
  /** Code of the failure (`Failure.code`); empty = none. */
  readonly error: string;
  readonly durationMs: number;
  /** In the queue. */
  readonly waitMs: number;
  /** From the last attempt's dispatch to the complete response head; NaN = none came. */
  readonly headMs: number;
  readonly attempts: number;
  /** At its server when the last attempt was dispatched, without it, over all workers; -1 = not known. */
  readonly inFlight: number;
  readonly responseBytes: number;
  readonly requestId: string;
  /** Address of the client. */
  readonly client: string;
  readonly reason: RequestReason;
  /** How many requests it stands for, at least 1: 1 / the probability with which it was kept. */
  readonly weight: number;
}

/** What a server was like at a moment; every few seconds one. */
export interface GaugeRow {
  readonly atMs: number;
  readonly pool: string;
  readonly server: string;
  readonly address: string;
  /** `up`, `down`, `draining`, `ejected`, `standby`. */
  readonly state: string;
  readonly weight: number;
  readonly effectiveWeight: number;
  readonly inFlight: number;
  /** Percent; NaN = not known. */
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/** What an event may be of. */
export const EVENT_KINDS = [
  "start",
  "stop",
  /** A server's state: `detail` says from which to which. */
  "health",
  "ejection",
  "server_added",
  "server_removed",
  "panic",
  /** The configuration was read again: `detail` lists what changed. */
  "reload",
  /** Somebody changed something at run time; `actor` says who. */
  "change",
  /** Of the judges of learned balancing. */
  "verdict",
  /** A degraded mode began or ended. */
  "degraded",
  "process",
  /** A certificate was issued by ACME, or a try for one went wrong: `detail` names it. */
  "certificate",
  /** A weight or capacity that was set in the store's `servers` table came into force, or lost to a changed configuration. */
  "override",
  /** Requests are missing from the counts: `detail` says how many. */
  "gap",
] as const;
/** One of them. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** Something that happened, once. */
export interface EventRow {
  readonly atMs: number;
  readonly kind: EventKind;
  /** Empty = of the whole instance. */
  readonly pool: string;
  readonly server: string;
  readonly address: string;
  /** Who did it: `balancer`, `SIGHUP`, `admin API (127.0.0.1)`, `store`. */
  readonly actor: string;
  /** One sentence for people. */
  readonly message: string;
  /** Anything that JSON can say. */
  readonly detail: unknown;
}

/** An event as it is read: where several instances share a store, it says whose it is. */
export interface RecordedEvent extends EventRow {
  readonly instance: string;
}

/** A server as the configuration (and discovery) has it; unique by pool, host and port. */
export interface KnownServer {
  readonly pool: string;
  readonly host: string;
  readonly port: number;
  /** As configured. */
  readonly weight: number;
  readonly capacity: number;
}

/** A server as the store has it. */
export interface ServerRow {
  readonly pool: string;
  readonly host: string;
  readonly port: number;
  /** What was set in the store, for all instances; `null` = nothing. It wins over the configuration. */
  readonly weight: number | null;
  readonly capacity: number | null;
  /** What the configuration says; an override is undone when this changes after it was set. */
  readonly configuredWeight: number;
  readonly configuredCapacity: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Since when it is not configured any more; `null` = it is. */
  readonly removedAtMs: number | null;
}

/** Which steps of time. Seconds are kept for the shortest, hours for the longest. */
export const RESOLUTIONS = ["second", "minute", "hour"] as const;
/** One of them. */
export type Resolution = (typeof RESOLUTIONS)[number];

/** From `sinceMs` on, before `untilMs`; filters are exact names. */
export interface HistoryQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Only this instance's; unset = of all that share the store. */
  readonly instance?: string;
  readonly pool?: string;
  /** `host:port`. */
  readonly server?: string;
  readonly route?: string;
}

/** Which counts. */
export interface MetricQuery extends HistoryQuery {
  readonly resolution: Resolution;
}

/** Which events, the newest first. */
export interface EventQuery extends HistoryQuery {
  readonly kinds?: readonly EventKind[];
  readonly limit: number;
}

/** Which requests, the oldest first. */
export interface RequestQuery extends HistoryQuery {
  readonly reasons?: readonly RequestReason[];
  readonly limit?: number;
}

/** What there is, by what is asked for; `null` = nothing. */
export interface HistorySpan {
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

/** Reading. Every method rejects with a `StoreError` when the store cannot be read. Pages are of bounded size. */
export interface HistoryReader {
  metrics(query: MetricQuery): AsyncIterable<readonly MetricRow[]>;
  requests(query: RequestQuery): AsyncIterable<readonly RequestRow[]>;
  gauges(query: HistoryQuery): AsyncIterable<readonly GaugeRow[]>;
  events(query: EventQuery): Promise<readonly RecordedEvent[]>;
  servers(): Promise<readonly ServerRow[]>;
  /** Of counts at a resolution. */
  span(resolution: Resolution): Promise<HistorySpan>;
  close(): Promise<void>;
}

/** All of it, for the recorder of an instance. */
export interface HistoryStore extends HistoryReader {
  /** Hands rows over. Never throws: see `status`. Seconds add up to minutes and hours within the same transaction. */
  appendMetrics(rows: readonly MetricRow[]): void;
  appendRequests(rows: readonly RequestRow[]): void;
  appendGauges(rows: readonly GaugeRow[]): void;
  appendEvents(rows: readonly EventRow[]): void;
  /**
   * These servers there are now: new ones are added, the others of this instance's pools are marked as removed; what was
   * set there (`weight`, `capacity`) is never touched, but for overrides whose configured value has changed since: those are
   * undone. Returns all rows, and the undone ones as they were.
   */
  knowServers(
    servers: readonly KnownServer[],
  ): Promise<{ readonly rows: readonly ServerRow[]; readonly undone: readonly ServerRow[] }>;
  /** Tries now to write what was handed over. True when nothing is left. */
  flush(): Promise<boolean>;
  status(): StoreStatus;
}

/** How much of what happened is kept. The oldest goes first; a limit of bytes holds for all kinds together. */
export interface HistoryLimits {
  /** Single requests, gauges, and counts by the second. */
  readonly detailMs: number;
  /** Counts by the minute. */
  readonly minutesMs: number;
  /** Counts by the hour, and events. */
  readonly hoursMs: number;
  readonly maxBytes: number;
}
