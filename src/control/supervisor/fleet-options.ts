/** The part of the configuration that the fleet runs on. */
import type { Config } from "../../config/schema.ts";
import type { FleetOptions } from "../fleet/options.ts";

/** @param upstreamCaPem the text of `UPSTREAM_CA_FILE`, read and checked. */
export function toFleetOptions(config: Config, upstreamCaPem: string): FleetOptions {
  const { servers, dns, health, metricsPoll, balancing, outlier } = config;
  return Object.freeze({
    servers: servers.list,
    dns,
    health,
    metricsPoll,
    slowStartMs: balancing.slowStartMs,
    panicThresholdPercent: balancing.panicThresholdPercent,
    outlier,
    upstreamCaPem,
  });
}
