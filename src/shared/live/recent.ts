/** `GET /api/v1/live/recent`: the last hour from memory, so that charts are there at once. */
import type { LiveTopology } from "./topology.ts";

/** Values by point, the oldest first; `null` = nothing is known of that moment. */
export type LiveSeries = readonly (number | null)[];

/** What is kept of the instance and of each pool. */
export interface TrafficSeries {
  readonly rps: LiveSeries;
  readonly s5xx: LiveSeries;
  /** Attempts that servers failed, a second. */
  readonly failures: LiveSeries;
  readonly p50: LiveSeries;
  readonly p99: LiveSeries;
  readonly in_flight: LiveSeries;
}

/** What is kept of each server. */
export interface ServerSeries {
  readonly rps: LiveSeries;
  readonly p50: LiveSeries;
  readonly p99: LiveSeries;
  readonly in_flight: LiveSeries;
  /** 0 … 1. */
  readonly errors: LiveSeries;
  /** Percent. */
  readonly cpu: LiveSeries;
}

/** One answer. All series have as many values as `at`. */
export interface LiveRecent {
  readonly step_s: number;
  /** End of each step, milliseconds since the epoch. */
  readonly at: readonly number[];
  readonly totals: TrafficSeries & { readonly queued: LiveSeries };
  /** By name. */
  readonly pools: Readonly<Record<string, TrafficSeries>>;
  /** By id; those that are there now. Left out where more servers are than memory is kept for. */
  readonly servers: Readonly<Record<string, ServerSeries>>;
  readonly topology: LiveTopology;
}
