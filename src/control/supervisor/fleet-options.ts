/** The part of the configuration that fleets run on. */

import type { Config } from "../../config/config.ts";
import { given } from "../../config/given.ts";
import type { Sections } from "../../config/schema.ts";
import type { PoolSettings } from "../../protocol/pool.ts";
import type { PoolPlan } from "../fleet/fleets.ts";
import type { FleetOptions } from "../fleet/options.ts";

/** @param files texts of the files of the pool, read and checked. */
export function toFleetOptions(
  pool: Sections,
  { upstreamCaPem, upstreamCertificate }: Pick<PoolSettings, "upstreamCaPem" | "upstreamCertificate">,
): FleetOptions {
  const { servers, dns, kubernetes, health, metricsPoll, outlier, upstream } = pool;
  return Object.freeze({
    ...given(pool, "fleet"),
    servers: servers.list,
    dns,
    kubernetes,
    health,
    metricsPoll,
    outlier,
    upstreamCaPem,
    upstreamCertificate,
    upstreamServerName: upstream.serverName,
    upstreamProxyProtocol: upstream.proxyProtocol,
  });
}

/** All pools. @param settings of these pools, in the same order. */
export function toPoolPlans({ pools }: Config, settings: readonly PoolSettings[]): PoolPlan[] {
  return pools.map((pool, index) => {
    const { name, row } = settings[index];
    return { name, row, options: toFleetOptions(pool, settings[index]) };
  });
}
