/** What durations of requests are told apart by: workers give each pair a row, and metrics have a histogram of each. */
import type { DurationPair } from "../shared/memory/duration-table.ts";
import { FIRST_ROUTE_NUMBER, ROUTES, Route } from "../shared/memory/series-table.ts";
import type { RouteSpec } from "./route.ts";

/** "" = to none. */
const NO_POOL = "";

/** The pair of a route's requests that go to this pool; "" = to none. */
export function durationPair({ number, name }: Pick<RouteSpec, "number" | "name">, pool: string): DurationPair {
  return { route: number, name: number < FIRST_ROUTE_NUMBER ? ROUTES[number] : name, pool };
}

/** Of those of them that came with the prefix for requests, where one route takes everything. */
export function apiRequestPair(pool: string): DurationPair {
  return { route: Route.API_REQUEST, name: ROUTES[Route.API_REQUEST], pool };
}

/** All that requests may be counted under, while these are the routes. */
export function durationPairs(routes: readonly RouteSpec[]): DurationPair[] {
  const pairs = routes.flatMap((route) => {
    const pools = poolsOf(route);
    const own = pools.map((pool) => durationPair(route, pool));
    return route.number === Route.PROXY ? [...own, ...pools.map(apiRequestPair)] : own;
  });
  return [...pairs, durationPair({ number: Route.NO_ROUTE, name: "" }, NO_POOL)];
}

function poolsOf({ action }: RouteSpec): readonly string[] {
  if (action.kind !== "forward") return [NO_POOL];
  return action.targets.filter(({ weight }) => weight > 0).map(({ pool }) => pool);
}
