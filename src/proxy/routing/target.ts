/** Where one request goes: a route, and the pool that it sends the request to. */
import type { RequestSettings } from "../../protocol/pool.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import type { RouteLabels } from "../record/access-log.ts";
import type { WorkerRoute } from "./worker-route.ts";

/** A route with one of its pools. It stays as it is: a reload makes others, and requests under way keep theirs. */
export interface Target {
  readonly route: WorkerRoute;
  /** `null`: no server is asked. */
  readonly pool: ServerPool | null;
  /** The pool's, with the route's own over them. */
  readonly settings: RequestSettings;
  /** What the access log says of it; `null` where the configuration has no routes. */
  readonly labels: RouteLabels | null;
}
