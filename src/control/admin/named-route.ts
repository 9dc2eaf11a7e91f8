/** The route of the configuration in force that a path names. */
import type { RouteSpec } from "../../protocol/route.ts";
import { ApiError } from "./responses.ts";

/** Of very many routes a refusal names so many. */
const MAX_NAMED = 20;

/** Throws 404, with the routes that there are. */
export function routeNamed(name: string, routes: readonly RouteSpec[]): RouteSpec {
  const route = routes.find((one) => one.name === name);
  if (route !== undefined) return route;
  const names = routes.slice(0, MAX_NAMED).map((one) => one.name);
  const more = routes.length > names.length ? " and more (GET /api/v1/routes lists them)" : "";
  throw new ApiError(404, "unknown_route", `there is no route ${name}: there are ${names.join(", ")}${more}`);
}
