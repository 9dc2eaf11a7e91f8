/** Routes of the configuration. */
import { PLAIN_ROUTE, type RouteSpec } from "../../protocol/route.ts";
import type { RouteConfig } from "../config.ts";
import type { Sections } from "../schema.ts";

/** The one route where there are no others: everything goes to `pool`. */
export function routeToAll(
  pool: string,
  tls: Pick<Sections["tls"], "redirect" | "hstsMs">,
): RouteConfig & Omit<RouteSpec, "number"> {
  return {
    ...PLAIN_ROUTE,
    name: "/*",
    match: { hosts: [], paths: [{ kind: "prefix", value: "/" }], methods: [], headers: [] },
    action: { kind: "forward", targets: [{ pool, weight: 1 }], splitBy: null },
    ambiguousPaths: "allow",
    httpsRedirect: tls.redirect,
    hstsMs: tls.hstsMs,
  };
}
