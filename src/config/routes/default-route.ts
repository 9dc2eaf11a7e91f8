/** Routes of the configuration. */
import type { RouteSpec } from "../../protocol/route.ts";
import type { RouteConfig } from "../config.ts";
import type { Sections } from "../schema.ts";

/** The one route where there are no others: everything goes to `pool`. */
export function routeToAll(
  pool: string,
  tls: Pick<Sections["tls"], "redirect" | "hstsMs">,
): RouteConfig & Omit<RouteSpec, "number"> {
  return {
    name: "/*",
    match: { hosts: [], paths: [{ kind: "prefix", value: "/" }], methods: [], headers: [] },
    action: { kind: "forward", targets: [{ pool, weight: 1 }], splitBy: null },
    settings: {},
    ambiguousPaths: "allow",
    rewrite: null,
    requestHeaders: null,
    responseHeaders: null,
    httpsRedirect: tls.redirect,
    hstsMs: tls.hstsMs,
    mirror: null,
    forwardAuth: null,
    compression: null,
    errorPages: [],
  };
}
