/** How pools and routes of the configuration in force are called, and who uses whom. */
import type { RouteSpec } from "../../protocol/route.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import { FIRST_ROUTE_NUMBER } from "../../shared/memory/series-table.ts";
import type { Topology } from "../../telemetry/metrics/source.ts";
import type { Fleets } from "../fleet/fleets.ts";
import type { RouteNumbers } from "./route-numbers.ts";

/** For metrics. */
export function topologyOf(settings: ProxySettings, fleets: Fleets, numbers: RouteNumbers): Topology {
  const { pools, routes } = settings;
  return {
    pools: pools.map(({ name, row, strategy }) => ({ name, row, strategy })),
    labelled: fleets.several || routes.length > 1 || routes.some(({ number }) => number >= FIRST_ROUTE_NUMBER),
    poolOf: (serverId) => fleets.poolOf(serverId),
    routeName: (number) => numbers.nameOf(number),
  };
}

/** Names of the pools that any request may go to. */
export function poolsInUse(routes: readonly RouteSpec[]): ReadonlySet<string> {
  const names = routes.flatMap(({ action, mirror, forwardAuth }) => [
    ...(action.kind === "forward" ? action.targets.flatMap(({ pool, weight }) => (weight > 0 ? [pool] : [])) : []),
    ...(mirror === null || mirror.percent === 0 ? [] : [mirror.pool]),
    ...(forwardAuth === null ? [] : [forwardAuth.pool]),
  ]);
  return new Set(names);
}
