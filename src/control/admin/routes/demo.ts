/** `/api/v1/demo`: the buttons that make trouble, where `neurabalancer demo` has started the instance. */
import type { DemoOrder, DemoState } from "../../../shared/live/demo.ts";
import { DemoError, demoOrder } from "../../dashboard/demo-relay.ts";
import { demoState } from "../answers/live.ts";
import { ApiError, json, RETRY_SOON } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** Whom these routes ask. */
export interface DemoControl {
  /** `null` = no demo has started this instance. */
  readonly demo: { ask(order?: DemoOrder): Promise<DemoState> } | null;
}

/** They are the operator's. */
export const demoRoutes: RouteGroup<DemoControl> = (control) => {
  const ask = async (order?: DemoOrder): Promise<Response> => {
    const { demo } = control;
    if (demo === null) throw new ApiError(404, "no_demo", "this instance was not started by neurabalancer demo");
    try {
      return json(await demo.ask(order));
    } catch (error) {
      if (!(error instanceof DemoError)) throw error;
      throw error.refused
        ? new ApiError(400, "invalid_body", error.message)
        : new ApiError(503, "demo_unavailable", error.message, RETRY_SOON);
    }
  };
  return [
    {
      path: "/api/v1/demo",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          response: demoState,
          doc: "what `neurabalancer demo` does to its servers, and how much traffic it makes; 404 elsewhere",
          handle: () => ask(),
        }),
        POST: operation({
          scope: "admin",
          body: demoOrder,
          response: demoState,
          doc: 'makes trouble in the demo: `{"server": "fast", "trouble": "slow"}` (`kill`, `freeze`, `heal`), `{"rate": 400}`',
          handle: ({ body }) => ask(body),
        }),
      },
    },
  ];
};
