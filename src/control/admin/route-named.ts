/** The route that a path of the API names. */
import type { RouteSpec } from "../../protocol/route.ts";
import { ApiError } from "./responses.ts";

/** Of very many routes a refusal names so many. */
const MAX_NAMED = 20;

/** Throws an `ApiError` (404 `unknown_route`) that says which ones there are. */
export function routeNamed(routes: readonly RouteSpec[], name: string): RouteSpec {
  const route = routes.find((one) => one.name === name);
  if (route !== undefined) return route;
  const names = routes.slice(0, MAX_NAMED).map((one) => one.name);
  const more = routes.length > names.length ? " and more (GET /api/v1/routes lists them)" : "";
  const sentence = `there is no route ${name}: there are ${names.join(", ")}${more}`;
  throw new ApiError(404, "unknown_route", sentence);
}
