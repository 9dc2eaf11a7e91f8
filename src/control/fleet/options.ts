/** What a fleet is told: the part of the configuration that it runs on. */
import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import type { ProbeType } from "../../health/probe/probe.ts";
import type { ClientCertificate } from "../../protocol/pool.ts";
import type { ProxyProtocolVersion } from "../../shared/proxy-protocol/writer.ts";
import type { ServerSpec } from "../../shared/server-spec.ts";
import type { KubernetesPlace } from "../discovery/kubernetes/place.ts";
import type { DnsOptions } from "../discovery/source.ts";

/** Active health checks. */
export interface HealthOptions {
  readonly enabled: boolean;
  /** How servers are asked. Default: `http`. */
  readonly type?: ProbeType;
  /** Of `grpc`: the service that is asked about; unset = all of the server. */
  readonly grpcService?: string | null;
  /** Origin-form: `/health`. */
  readonly path: string;
  /** `Host` field of probes; unset = the server's own name. */
  readonly host?: string | null;
  /** More fields of probes. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[] | null;
  /** Port of probes; unset = the server's own. */
  readonly port?: number | null;
  /** Statuses of a healthy server, from the first to the last. Default: 2xx. */
  readonly statuses?: readonly (readonly [from: number, to: number])[];
  /** Text that the body of a healthy server's response has; unset = the body is not looked at. */
  readonly body?: string | null;
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
  /** Where services of Kubernetes are asked for. Default: as Kubernetes tells its pods. */
  readonly kubernetes?: KubernetesPlace;
  /** Servers of other zones than `zone` stand by. Default: they do not. */
  readonly preferZone?: boolean;
  /** Servers that this instance uses; 0 = all. Default: all. */
  readonly subsetSize?: number;
  /** Where this instance is; unset = nowhere. */
  readonly zone?: string | null;
  /** Authorities beside the usual ones that HTTPS servers are verified with; empty = none. */
  readonly upstreamCaPem: string;
  /** What HTTPS servers are shown that ask for a certificate. */
  readonly upstreamCertificate?: ClientCertificate | null;
  /** Whether servers are told at the beginning of each connection whose it is. Default: `off`. */
  readonly upstreamProxyProtocol?: "off" | ProxyProtocolVersion;
  /** Name that HTTPS servers are asked for and verified by; unset = the one in their URL. */
  readonly upstreamServerName?: string | null;
}
