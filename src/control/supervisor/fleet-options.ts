/** The part of the configuration that the fleet runs on. */

import type { Config } from "../../config/config.ts";
import { given } from "../../config/given.ts";
import type { FleetOptions } from "../fleet/options.ts";

/** @param upstreamCaPem the text of `UPSTREAM_CA_FILE`, read and checked. */
export function toFleetOptions(config: Config, upstreamCaPem: string): FleetOptions {
  const { servers, dns, health, metricsPoll, outlier } = config;
  return Object.freeze({
    ...given(config, "fleet"),
    servers: servers.list,
    dns,
    health,
    metricsPoll,
    outlier,
    upstreamCaPem,
  });
}
