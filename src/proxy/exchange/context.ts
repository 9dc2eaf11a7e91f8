/** What all exchanges of one worker share. The composition root of the request path (server.ts) fills it. */

import type { Routes } from "../routing/routes.ts";
import type { Upstream } from "../upstream/leg.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { HedgeTimers } from "./attempts/hedge-timers.ts";

/** One worker's parts between its clients and its servers. */
export interface ExchangeContext extends WorkerContext {
  /** Which request goes where. */
  routes: Routes;
  readonly hedgeTimers: HedgeTimers;
  /** The servers by slot, of all pools. */
  readonly upstreams: readonly (Upstream | undefined)[];
}
