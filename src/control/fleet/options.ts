/** What the fleet is told (its options) and what it tells (the status of its servers). */
import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { ServerFigures } from "../../telemetry/metrics/source.ts";
import type { DnsOptions } from "../discovery/source.ts";

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

/** One server as the HTTP API shows it; the names are those of the API. What metrics show of it stands there. */
export interface ServerStatus extends ServerFigures {
  readonly port: number;
  readonly state: ServerStateName;
  /** Why it is in this state, for an operator. */
  readonly reason: string;
  /** 0 = not enforced. */
  readonly hard_limit: number;
  /** Since the server came. */
  readonly requests: number;
  readonly failures: number;
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
