/** What the metrics are read from. The supervisor brings these together; tests bring plain objects. */
import type { DurationPair } from "../../shared/memory/duration-table.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { ShownHoldState } from "../../shared/memory/learned-limits.ts";
import type { ServerTotalsLedger } from "./durations.ts";
import type { PoolWaitsLedger } from "./pool-waits.ts";
import type { ShowsSeries } from "./shown-series.ts";

/** Health checks of a server since it came. */
export interface CheckCounts {
  readonly success: number;
  /** By cause: `CHECK_FAILURES`. */
  readonly failure: Readonly<Record<string, number>>;
  /** Those that could not be made, by what was lacking: `CHECK_SKIPS`. */
  readonly skipped: Readonly<Record<string, number>>;
}

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
  /** As the configuration has it: another one than `weight` where that was set at run time. */
  readonly configured_weight: number;
  /** Weight after slow start. */
  readonly effective_weight: number;
  readonly capacity: number;
  /** How many requests at once it works on, as was learned; `null` = no such limit is in force. */
  readonly concurrency_limit: number | null;
  /** Instances that have learned something of it; 0 = there is none. */
  readonly concurrency_limit_sources: number;
  readonly active_connections: number;
  readonly peer_connections: number;
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
  /** Its part of the attempts at the pool's servers over the last ten seconds, 0 … 1; `null` = there were none. */
  readonly traffic_share: number | null;
  readonly health_checks: CheckCounts;
  /** Since it came, by cause. */
  readonly ejections: Readonly<Record<string, number>>;
  /** Seconds since it came, by the state that it was in; the present one is among them. */
  readonly state_seconds: Readonly<Record<string, number>>;
}

/** A pool of the configuration. */
export interface PoolFigures {
  readonly name: string;
  /** Of the shared memory. */
  readonly row: number;
  readonly strategy: string;
}

/** What a pool of the configuration has of servers now. */
export interface PoolServers {
  readonly name: string;
  /** Configured, with an address. */
  readonly total: number;
  /** Up, and proven by a check. */
  readonly healthy: number;
  /** That requests may be sent to. */
  readonly usable: number;
  readonly panic: boolean;
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
  /** Those of them that most instances of the cluster wanted, and not this one by itself. */
  readonly majorityEjections: number;
  readonly panics: number;
  readonly stateChanges: number;
  readonly dnsResolutions: number;
  readonly dnsFailures: number;
  /** Numbers in polls of servers' usage that were ignored because they cannot be true. */
  readonly usageIgnored: number;
}

/** A process of the instance. */
export interface ProcessFigures {
  /** `supervisor`, `worker-<index>`, `learner`, `recorder`, `tracer` or `acme`. */
  readonly name: string;
  /** `null` = not known, or there is none at the moment. */
  readonly cpuSeconds: number | null;
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

/** A pool whose servers' limits of concurrency are learned. */
export interface LimitedPoolFigures {
  /** In the shared memory's table of pools. */
  readonly row: number;
  readonly name: string;
  /** Whether requests may be held now. */
  readonly state: ShownHoldState;
  /** How long a request is held at most, milliseconds; `null` = that is not known. */
  readonly patienceMs: number | null;
  /** What limits are multiplied by because a queue stood, ≥ 1; `null` = that is not known. */
  readonly relaxation: number | null;
}

/** The learner as its supervisor sees it. */
export interface LearnerFigures {
  /** None while it is not meant to run. */
  readonly pools: readonly LearnedPoolFigures[];
  /** Also of other strategies than `ml`. None while it is not meant to run. */
  readonly limited: readonly LimitedPoolFigures[];
  /** Pools whose classes of requests are told apart, with their rows in the shared memory's table of pools. */
  readonly classed: readonly { readonly row: number; readonly name: string }[];
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

/** Certificates by ACME as the supervisor knows them. */
export interface AcmeFigures {
  /** Tries since the instance began, by result. */
  readonly counts: { readonly success: number; readonly failure: number };
  /** Of each name. */
  readonly certificates: readonly {
    readonly name: string;
    readonly failures: number;
    /** Milliseconds since the epoch; null = at once. */
    readonly nextTryAtMs: number | null;
  }[];
}

/** The admin port since the start. */
export interface AdminFigures {
  /** Responses, by the scope of who asked and by status. */
  readonly answers: Iterable<{ readonly scope: string; readonly status: number; readonly count: number }>;
  /** Requests that were turned away, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** A route that mirrors, and the name of the pool that it mirrors to. */
export interface MirroringRoute {
  readonly number: number;
  readonly route: string;
  readonly pool: string;
}

/** A rate limit. */
export interface RateLimitFigures {
  readonly spec: { readonly name: string; readonly maxKeys: number };
  /** By `LimitCounter`. */
  readonly counters: Float64Array;
  readonly keys: () => number;
}

/** A canary, by the names of the HTTP API. */
export interface CanaryFigures {
  readonly route: string;
  readonly pool: string;
  readonly state: string;
  readonly percent: number;
  /** As a share of what a verdict needs. */
  readonly evidence: { readonly worse: number; readonly no_worse: number };
}

/** The canaries that there are and were lately. */
export interface CanariesFigures {
  readonly list: readonly CanaryFigures[];
  /** States that they may have. */
  readonly states: readonly string[];
  /** Since the start, by verdict. */
  readonly verdicts: Iterable<readonly [verdict: string, count: number]>;
}

/** What operators have set at run time. */
export interface OverridesFigures {
  /** One entry for each kind and state that there is any of. */
  readonly list: Iterable<{ readonly kind: string; readonly inForce: boolean; readonly count: number }>;
  /** Since the start, by what has ended them. */
  readonly ended: Readonly<Record<string, number>>;
}

/** The configuration in force. */
export interface ConfigurationFigures {
  /** The last one that was read is in force; false = it was rejected. */
  readonly successful: boolean;
  /** When what is in force was taken over, seconds since the epoch. */
  readonly takenAtSeconds: number;
}

/** A certificate in use. */
export interface CertificateFigures {
  /** What it is for, or whose. */
  readonly name: string;
  readonly expiresAtSeconds: number;
}

/** The instances that share what they know, as this one knows it. */
export interface ClusterFigures {
  /** CLUSTER_NAME. */
  readonly cluster: string;
  /** That are there, this one included. */
  readonly instances: number;
  /** Of the program, that these run. */
  readonly versions: number;
  /** Since the others' numbers were heard, milliseconds; `null` = never. */
  readonly numbersAgeMs: number | null;
  /** Of the exchange, since the start. */
  readonly rounds: number;
  readonly failures: number;
  /** How long the last good one took, milliseconds. */
  readonly lastMs: number;
  /** Shares of others that were not believed. */
  readonly refused: number;
  readonly bytes: { readonly sent: number; readonly received: number };
  /** What operators change, through Redis; `null` = it is not shared there. */
  readonly changes: {
    /** Of other instances, since the start. */
    readonly taken: number;
    /** Found there and none, since the start. */
    readonly refused: number;
    /** Still to be told. */
    readonly untold: number;
  } | null;
  /** Servers taken out because most instances had them out: since the start, and now. */
  readonly majorityEjections: number;
  readonly majorityServers: number;
}

export interface MetricsSource {
  readonly memory: SharedMemory;
  readonly totals: ServerTotalsLedger;
  readonly waits: PoolWaitsLedger;
  /** Boot clock, milliseconds. */
  readonly bootMs: () => number;
  /** Of which routes and servers request series are shown now. */
  readonly shownSeries: () => ShowsSeries;
  /** What durations of requests are told apart by, as the configuration in force has it. */
  readonly durationPairs: () => readonly DurationPair[];
  /** Traces are exported: there are examples of traced requests. */
  readonly exemplars: () => boolean;
  readonly topology: () => Topology;
  /** May be made one after the other while they are read. */
  readonly servers: () => Iterable<ServerFigures>;
  readonly pools: () => readonly PoolServers[];
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
  readonly acme: () => AcmeFigures;
  readonly admin: () => AdminFigures;
  readonly reloads: () => { readonly success: number; readonly failure: number };
  readonly configuration: () => ConfigurationFigures;
  readonly canaries: () => CanariesFigures;
  readonly overrides: () => OverridesFigures;
  readonly mirrors: () => readonly MirroringRoute[];
  /** `null` = nothing is shared: there is no Redis. */
  readonly cluster: () => ClusterFigures | null;
  readonly rateLimits: () => readonly RateLimitFigures[];
  /** Lines of the supervisor's own log that were lost. */
  readonly logDropped: () => number;
  /** Ways in which the instance works with less than it should, each on or off. */
  readonly degradedModes: () => Readonly<Record<string, boolean>>;
  readonly certificates: () => readonly CertificateFigures[];
  /** Lists of revoked certificates, by their authorities. */
  readonly revocationLists: () => readonly CertificateFigures[];
}
