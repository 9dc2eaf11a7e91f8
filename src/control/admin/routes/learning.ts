/** `/api/v1/ml…` and `/api/v1/explain/…`: what was learned, what became of a request, and orders to the learner. */
import { LEARNER_ORDERS, type LearnerOrder } from "../../../protocol/learner.ts";
import { adminActor, type Events } from "../../events/events.ts";
import { requireSameSite } from "../guard.ts";
import type { LearningResponses } from "../learner-responses.ts";
import { readOrder } from "../orders.ts";
import { ApiError, json } from "../responses.ts";
import { numberIn, targetOf } from "../target.ts";
import type { RouteGroup } from "./route.ts";

/** What these routes show, and whom they order. */
export interface LearningControl {
  readonly learning: Pick<LearningResponses, "overview" | "explain" | "models" | "verdicts" | "order">;
  /** Who is told of orders. */
  readonly events: Events;
}

const MOST_SHOWN = 1000;
const SHOWN = 100;

/** They are the operator's. */
export const learningRoutes: RouteGroup<LearningControl> = (control, log) => [
  {
    path: "/api/v1/ml",
    audience: "operator",
    open: false,
    methods: {
      GET: {
        doc: "with `LB_STRATEGY=ml`: which policy routes and why, model and table, shares, what is known of each server (`?pool=`)",
        handle: async (request) => json(await control.learning.overview(poolIn(request))),
      },
    },
  },
  {
    path: "/api/v1/ml/models",
    audience: "operator",
    open: false,
    methods: {
      GET: {
        doc: "the models that were learned, with the figures (`?limit=`, `?pool=`)",
        handle: async (request) => json(await control.learning.models(limitIn(request), poolIn(request))),
      },
    },
  },
  {
    path: "/api/v1/ml/verdicts",
    audience: "operator",
    open: false,
    methods: {
      GET: {
        doc: "what was decided about models, with the figures (`?limit=`, `?model=`, `?pool=`)",
        handle: async (request) =>
          json(await control.learning.verdicts(limitIn(request), numberIn(request, "model"), poolIn(request))),
      },
    },
  },
  {
    path: "/api/v1/ml/<order>",
    parts: [LEARNER_ORDERS.join("|")],
    audience: "operator",
    open: false,
    methods: {
      POST: {
        doc: '`promote` and `reject` with `{"version": 7}`; `rollback`, `pause`, `resume`, `train` with `{}`. `?pool=` where several pools are learned of. 409 and a sentence when it cannot be done',
        handle: async (request, [name], client) => {
          requireSameSite(request);
          const order = name as LearnerOrder;
          const version = await readOrder(request, order);
          const pool = poolIn(request);
          const message = await control.learning.order(order, version, pool);
          log.info(
            { order, model_version: version, ...(pool === null ? {} : { pool }) },
            `ordered by an operator: ${message}`,
          );
          control.events.note({
            kind: "change",
            pool: pool ?? "",
            actor: adminActor(client),
            message: `ordered by an operator: ${message}`,
            detail: { order, model_version: version },
          });
          return json({ message });
        },
      },
    },
  },
  {
    path: "/api/v1/explain/<request id>",
    parts: ["[^/]{1,512}"],
    audience: "operator",
    open: false,
    methods: {
      GET: {
        doc: "with `LB_STRATEGY=ml`: why a recent request went where it went (`?pool=`; `neurabalancer explain` prints it)",
        handle: async (request, [id]) => json(await control.learning.explain(decodeId(id), poolIn(request))),
      },
    },
  },
];

/** Name of the pool that is asked for; `null` = of any. */
function poolIn(request: Request): string | null {
  return new URLSearchParams(targetOf(request).query).get("pool");
}

/** How many are asked for; throws 400 like `numberIn`. */
function limitIn(request: Request): number {
  return Math.min(numberIn(request, "limit") ?? SHOWN, MOST_SHOWN);
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "invalid_request_id", "the request id is not percent-encoded correctly");
  }
}
