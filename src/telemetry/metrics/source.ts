/** What the metrics are read from. The supervisor brings these together; tests bring plain objects. */
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { ServerTotalsLedger } from "./durations.ts";

/** One server as it is now, by the names of the HTTP API. `null` = unknown. */
export interface ServerFigures {
  readonly id: number;
  /** Name of its pool. */
  readonly pool: string;
  /** Where it is; `null` = not said. */
  readonly zone: string | null;
  /** Takes requests while none of the pool's others does. */
  readonly backup: boolean;
  readonly url: string;
  /** The address behind a name in the URL. */
  readonly address: string;
  readonly state: string;
  /** Takes new requests, or would when the others failed. */
  readonly alive: boolean;
  readonly weight: number;
  /** Weight after slow start. */
  readonly effective_weight: number;
  readonly capacity: number;
  readonly active_connections: number;
  /** Percent, here and below. */
  readonly cpu_usage: number | null;
  readonly memory_usage: number | null;
  /** Share of failures over the last ten seconds, 0 … 1. */
  readonly error_rate: number;
  /** Over the last minute, milliseconds; `null` = no response in that time. */
  readonly response_ms: {
    readonly p50: number;
    readonly p90: number;
    readonly p95: number;
    readonly p99: number;
  } | null;
}

/** A pool of the configuration. */
export interface PoolFigures {
  readonly name: string;
  /** Of the shared memory. */
  readonly row: number;
  readonly strategy: string;
}

/** How pools and routes are called. */
export interface Topology {
  /** In the order of the configuration. */
  readonly pools: readonly PoolFigures[];
  /** There is more than the pool `default` and one route to it: what is about a pool carries its name. */
  readonly labelled: boolean;
  /** Name of the pool of a server, also of one that has gone; `undefined` = not known. */
  poolOf(serverId: number): string | undefined;
  /** Name of the route that is counted under `number`. */
  routeName(number: number): string;
}

/** Counts of the control plane since the start. */
export interface FleetEvents {
  readonly healthChecks: number;
  readonly healthCheckFailures: number;
  /** Checks that could not be made, for want of something of our own. */
  readonly healthChecksSkipped: number;
  readonly ejections: number;
  readonly panics: number;
  readonly stateChanges: number;
  readonly dnsResolutions: number;
  readonly dnsFailures: number;
  /** Numbers in polls of servers' usage that were ignored because they cannot be true. */
  readonly usageIgnored: number;
}

/** A process of the instance. */
export interface ProcessFigures {
  /** `supervisor`, `worker-<index>`, `learner`, `recorder` or `tracer`. */
  readonly name: string;
  readonly rssBytes: number;
  /** 0 = not known. */
  readonly openDescriptors: number;
}

/** A pool whose strategy is `ml`. */
export interface LearnedPoolFigures {
  /** In the shared memory's table of pools. */
  readonly row: number;
  readonly name: string;
  /** The `Rung` in force: the estimator's while there is no table that workers believe. */
  readonly rung: number;
  /** `Infinity` = there is no table. */
  readonly tableAgeMs: number;
}

/** The learner as its supervisor sees it. */
export interface LearnerFigures {
  /** None while it is not meant to run. */
  readonly pools: readonly LearnedPoolFigures[];
  /** By reason. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** The recorder as its supervisor sees it, and what waits for it. */
export interface RecorderFigures {
  /** It is meant to run: history is kept. */
  readonly running: boolean;
  /** It does, and its store takes what it is given. */
  readonly up: boolean;
  /** By reason. */
  readonly restarts: Readonly<Record<string, number>>;
  readonly eventsWaiting: number;
  readonly eventsDropped: number;
}

/** The tracer as its supervisor sees it. */
export interface TracerFigures {
  /** It is meant to run: traces are exported. */
  readonly running: boolean;
  /** It does, and the collector takes what it is sent. */
  readonly up: boolean;
  /** By reason. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** A route that mirrors, and the name of the pool that it mirrors to. */
export interface MirroringRoute {
  readonly number: number;
  readonly route: string;
  readonly pool: string;
}

export interface MetricsSource {
  readonly memory: SharedMemory;
  readonly totals: ServerTotalsLedger;
  readonly topology: () => Topology;
  /** May be made one after the other while they are read. */
  readonly servers: () => Iterable<ServerFigures>;
  readonly fleetEvents: () => FleetEvents;
  readonly version: string;
  readonly runtime: string;
  /** Seconds since the epoch. */
  readonly startedAtSeconds: number;
  readonly processes: () => readonly ProcessFigures[];
  readonly workersReady: () => number;
  readonly workerRestarts: () => Readonly<Record<string, number>>;
  readonly learner: () => LearnerFigures;
  readonly recorder: () => RecorderFigures;
  readonly tracer: () => TracerFigures;
  readonly reloads: () => { readonly success: number; readonly failure: number };
  readonly mirrors: () => readonly MirroringRoute[];
  /** Lines of the supervisor's own log that were lost. */
  readonly logDropped: () => number;
  /** Ways in which the instance works with less than it should, each on or off. */
  readonly degradedModes: () => Readonly<Record<string, boolean>>;
  readonly certificates: () => readonly { readonly name: string; readonly expiresAtSeconds: number }[];
}
