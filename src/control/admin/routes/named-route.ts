/** The route of the configuration in force that a path names. */
import type { RouteSpec } from "../../../protocol/route.ts";
import { ApiError } from "../responses.ts";

/** Throws 404. */
export function routeNamed(name: string, routes: readonly RouteSpec[]): RouteSpec {
  const route = routes.find((one) => one.name === name);
  if (route !== undefined) return route;
  throw new ApiError(404, "unknown_route", `there is no route ${name}: GET /api/v1/routes lists them`);
}
