/** What a fleet is told: the part of the configuration that it runs on. */
import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
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
