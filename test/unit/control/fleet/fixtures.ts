/** What the tests of the fleet share. */
import type { FleetOptions } from "../../../../src/control/fleet/options.ts";
import type { Withdrawal } from "../../../../src/control/fleet/withdrawal.ts";
import type { ServerSpec } from "../../../../src/shared/server-spec.ts";

/** A server by name or address. */
export function host(name: string, port: number, more: Partial<ServerSpec> = {}): ServerSpec {
  const shown = name.includes(":") ? `[${name}]` : name;
  const url = `http://${shown}:${port}`;
  const source = /^[0-9.]+$|:/.test(name) ? "static" : "names";
  return {
    url,
    scheme: "http",
    source,
    host: name,
    port,
    weight: 1,
    capacity: 10,
    hardLimit: 0,
    zone: null,
    backup: false,
    ...more,
  };
}

export function srvSpec(name: string, weight = 1): ServerSpec {
  return { ...host(name, 0), url: `dns+srv://${name}`, source: "srv", weight };
}

/** A logger that remembers `level message`. */
export function quietLog() {
  const lines: string[] = [];
  const level = (name: string) => (_fields: object, message: string) => void lines.push(`${name} ${message}`);
  return { lines, info: level("info"), warn: level("warn"), error: level("error") };
}

/** Options with everything quick, and nothing on that a test did not ask for. */
export function fleetOptions(servers: readonly ServerSpec[], more: Partial<FleetOptions> = {}): FleetOptions {
  return {
    servers,
    health: { enabled: false, path: "/health", intervalMs: 200, timeoutMs: 300, rise: 2, fall: 2 },
    metricsPoll: { enabled: false, path: "/metrics" },
    slowStartMs: 0,
    panicThresholdPercent: 0,
    outlier: {
      enabled: false,
      consecutiveFailures: 5,
      failurePercent: 50,
      minimumVolume: 20,
      latencyFactor: 0,
      baseEjectionMs: 1000,
      maxEjectionMs: 10_000,
      maxEjectedPercent: 50,
    },
    dns: { minTtlMs: 1000, maxTtlMs: 60_000 },
    upstreamCaPem: "",
    ...more,
  };
}

/** Somebody wants it empty. */
export const DRAINED: Withdrawal = { kind: "drain", reason: "", sinceMs: 0, untilMs: null, by: "admin API" };
