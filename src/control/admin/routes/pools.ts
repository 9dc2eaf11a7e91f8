/** `/api/v1/pools` and `/api/v1/routes`: which requests go where. */
import type { RouteSpec } from "../../../protocol/route.ts";
import { json } from "../responses.ts";
import { describeRoute } from "../route-description.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show. */
export interface PoolsControl {
  /** As they are now, in the order of the configuration. */
  pools(): readonly object[];
  /** In the order of the configuration. */
  routes(): readonly RouteSpec[];
}

/** They are the operator's. */
export const poolRoutes: RouteGroup<PoolsControl> = (control) => [
  {
    path: "/api/v1/pools",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the pools with strategy, servers, how many of them are healthy (up, and a check has said so), up, and usable (0 = requests get 503), whether panic routing is on, and whether any route leads there",
        handle: () => json({ pools: control.pools() }),
      }),
    },
  },
  {
    path: "/api/v1/routes",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the routes in the order of the configuration: name, what they match (of header fields the names alone) and what is done",
        handle: () => json({ routes: control.routes().map(describeRoute) }),
      }),
    },
  },
];
