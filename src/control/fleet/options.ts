/** What the fleet is told (its options) and what it tells (the status of its servers). */
import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { DnsOptions } from "../discovery/source.ts";
import type { ResponsePercentiles } from "./windows.ts";

/** Active health checks. */
export interface HealthOptions {
  readonly enabled: boolean;
  /** Origin-form: `/health`. */
  readonly path: string;
  /** `Host` field of probes; unset = the server's own name. */
  readonly host?: string | null;
  /** More fields of probes. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[] | null;
  /** Between two probes of one server, ± 20 %. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

export interface FleetOptions {
  readonly servers: readonly ServerSpec[];
  readonly health: HealthOptions;
  /** CPU and memory usage from the servers; on the clock of the health checks. */
  readonly metricsPoll: { readonly enabled: boolean; readonly path: string };
  /** 0 = full weight at once. */
  readonly slowStartMs: number;
  /** 0 = no panic routing. */
  readonly panicThresholdPercent: number;
  readonly outlier: OutlierOptions;
  readonly dns: DnsOptions;
  /** Authorities beside the usual ones that HTTPS servers are verified with; empty = none. */
  readonly upstreamCaPem: string;
}

/** A server's state in words. `starting`: takes requests, but no probe has succeeded yet. */
export type ServerStateName = "up" | "down" | "draining" | "ejected" | "starting";

/** One server as the HTTP API shows it; the names are those of the API. */
export interface ServerStatus {
  readonly id: number;
  readonly url: string;
  readonly address: string;
  readonly port: number;
  /** Takes new requests. */
  readonly alive: boolean;
  readonly state: ServerStateName;
  /** Why it is in this state, for an operator. */
  readonly reason: string;
  readonly weight: number;
  /** Weight after slow start. */
  readonly effective_weight: number;
  readonly capacity: number;
  /** 0 = not enforced. */
  readonly hard_limit: number;
  readonly active_connections: number;
  /** Percent; `null` = unknown. */
  readonly cpu_usage: number | null;
  readonly memory_usage: number | null;
  /** Since the server came. */
  readonly requests: number;
  readonly failures: number;
  /** Share of failures over the last ten seconds, 0 … 1. */
  readonly error_rate: number;
  /** Over the last minute, milliseconds; `null` = no response in that time. */
  readonly response_ms: ResponsePercentiles | null;
  /** When the state last changed, ISO 8601. */
  readonly since: string;
}

/** The fleet in two numbers, for readiness. */
export interface FleetSummary {
  /** Servers that are configured and resolved. */
  readonly total: number;
  /** Those that take requests and have passed a health check. */
  readonly healthy: number;
  readonly panic: boolean;
}

/** Counts since the start; `_total` counters of the metrics. */
export interface FleetCounters {
  readonly healthChecks: number;
  readonly healthCheckFailures: number;
  /** Checks that could not be made, for want of something of our own. */
  readonly healthChecksSkipped: number;
  readonly dnsResolutions: number;
  readonly dnsFailures: number;
  readonly ejections: number;
  readonly panics: number;
  readonly stateChanges: number;
  /** Numbers in polls of servers' usage that were ignored because they cannot be true. */
  readonly usageIgnored: number;
}
