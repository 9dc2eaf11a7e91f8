/** `/api/v1/status`. */
import { type ShownStatus, statusView } from "../answers/status.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What this route shows. */
export interface StatusControl {
  /** The instance for people; secrets hidden. */
  status(): ShownStatus;
}

/** It is the operator's. */
export const statusRoutes: RouteGroup<StatusControl> = (control) => [
  {
    path: "/api/v1/status",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: statusView,
        doc: "version, ports, workers, what is degraded, the last reload, certificates and when they end, how history is kept and traces are exported, weights and capacities that are others than configured, every setting and its origin; secrets hidden",
        handle: () => json(control.status()),
      }),
    },
  },
];
