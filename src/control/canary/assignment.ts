/** What chance assigns to the pools of a route: each request, or a client with all that it asks for. Pure. */
import type { RouteAction } from "../../protocol/route.ts";

/** `client`: the requests of one client hang together, and say less than as many of different ones. */
export type Assignment = "request" | "client";

/** Where something else than chance keeps a client in its pool. @param isSticky does a cookie hold clients at its servers? */
export function assignmentOf(
  action: RouteAction | undefined,
  pools: readonly string[],
  isSticky: (pool: string) => boolean,
): Assignment {
  if (action?.kind === "forward" && action.splitBy !== null) return "client";
  return pools.some(isSticky) ? "client" : "request";
}
