/** All routes of one worker: which one a request takes. A reload makes all of them anew, in one step. */
import { PLAIN_ROUTE, type RouteSpec } from "../../protocol/route.ts";
import { Route } from "../../shared/memory/series-table.ts";
import { Failures } from "../failure.ts";
import type { RequestHead } from "../http1/head.ts";
import { AMBIGUOUS } from "../route/route-table.ts";
import { type RouteParts, WorkerRoute } from "./worker-route.ts";

/** Finds the route of a request: an index, `NO_ROUTE` or `AMBIGUOUS`. */
export interface RouteMatcher {
  /** One route takes everything: there is no need to look. */
  readonly takesEverything: boolean;
  /** `buf[pathStart … pathEnd)` is the path, with its query. @param trusted whether the peer is. */
  match(buf: Buffer, head: RequestHead, pathStart: number, pathEnd: number, trusted: boolean): number;
}

/** One worker's. */
export class Routes {
  readonly #routes: readonly WorkerRoute[];
  readonly #matcher: RouteMatcher;
  readonly #none: WorkerRoute;
  readonly #ambiguous: WorkerRoute;
  /** Takes everything. */
  readonly #only: WorkerRoute | null;

  /** Throws when a route names a pool that there is not. */
  constructor(specs: readonly RouteSpec[], matcher: RouteMatcher, parts: RouteParts) {
    this.#routes = specs.map((spec) => new WorkerRoute(spec, null, parts));
    this.#matcher = matcher;
    this.#none = new WorkerRoute(nowhere("no_route", parts), Failures.NO_ROUTE, parts);
    this.#ambiguous = new WorkerRoute(nowhere("ambiguous_path", parts), Failures.AMBIGUOUS_PATH, parts);
    this.#only = matcher.takesEverything ? this.#routes[0] : null;
  }

  /**
   * The route of the request in `head`, which was parsed from `buf`; `buf[pathStart … pathEnd)` is its path, with the query.
   * @param trusted whether its peer is.
   */
  of(buf: Buffer, head: RequestHead, pathStart: number, pathEnd: number, trusted: boolean): WorkerRoute {
    if (this.#only !== null) return this.#only;
    const index = this.#matcher.match(buf, head, pathStart, pathEnd, trusted);
    if (index >= 0) return this.#routes[index];
    return index === AMBIGUOUS ? this.#ambiguous : this.#none;
  }
}

/** The route of requests that no route takes. */
function nowhere(name: string, { hstsMs }: RouteParts): RouteSpec {
  return {
    ...PLAIN_ROUTE,
    number: Route.NO_ROUTE,
    name,
    match: { hosts: [], paths: [], methods: [], headers: [] },
    action: { kind: "forward", targets: [], splitBy: null },
    hstsMs,
  };
}
