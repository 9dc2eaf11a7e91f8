/** `/api/v1/ml…`: what was learned, and orders to the learner. */
import { z } from "zod";
import { LEARNER_ORDERS, type LearnerOrder, ORDER_SCOPES } from "../../../protocol/learner.ts";
import type { Operations } from "../../operations/operations.ts";
import { learningOverview, modelList, verdictList } from "../answers/learning.ts";
import type { LearningResponses } from "../learner-responses.ts";
import { checkOrder, orderSchema } from "../orders.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show, and whom they order. */
export interface LearningControl {
  readonly learning: Pick<LearningResponses, "overview" | "models" | "verdicts" | "order">;
  /** Who is told of orders. */
  readonly operations: Pick<Operations, "note">;
}

const MOST_SHOWN = 1000;
const SHOWN = 100;

/** As a query has it. */
const wholeNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, "must be a whole number above 0")
  .transform(Number);
/** What is more than `MOST_SHOWN` is that. */
const limit = wholeNumber.transform((asked) => Math.min(asked, MOST_SHOWN)).default(SHOWN);
/** Name of the pool that is asked for; `null` = of any. */
const ofPool = z.object({ pool: z.string().nullable().default(null) });

/** They are the operator's. */
export const learningRoutes: RouteGroup<LearningControl> = (control) => [
  {
    path: "/api/v1/ml",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "with `LB_STRATEGY=ml`: which policy routes and why, model and table, shares, what is known of each server (`?pool=`)",
        query: ofPool,
        response: learningOverview,
        handle: async ({ query }) => json(await control.learning.overview(query.pool)),
      }),
    },
  },
  {
    path: "/api/v1/ml/models",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the models that were learned, with the figures (`?limit=`, `?pool=`)",
        query: ofPool.extend({ limit }),
        response: modelList,
        handle: async ({ query }) => json(await control.learning.models(query.limit, query.pool)),
      }),
    },
  },
  {
    path: "/api/v1/ml/verdicts",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "what was decided about models, with the figures (`?limit=`, `?model=`, `?pool=`)",
        query: ofPool.extend({ limit, model: wholeNumber.nullable().default(null) }),
        response: verdictList,
        handle: async ({ query }) => json(await control.learning.verdicts(query.limit, query.model, query.pool)),
      }),
    },
  },
  {
    path: "/api/v1/ml/<order>",
    parts: [LEARNER_ORDERS.join("|")],
    audience: "operator",
    methods: {
      POST: operation({
        scope: "admin",
        query: ofPool.extend({ scope: z.enum(ORDER_SCOPES).default("cluster") }),
        body: orderSchema,
        response: z.strictObject({ message: z.string() }),
        doc: '`promote` and `reject` with `{"version": 7}`; `rollback`, `pause`, `resume`, `train` with `{}`. `?pool=` where several pools are learned of; `?scope=instance`: what is promoted or rolled back is so here alone, and not at all instances of the cluster. 409 and a sentence when it cannot be done',
        handle: async ({ parts: [name], query: { pool, scope }, body, caller }) => {
          const order = name as LearnerOrder;
          const version = checkOrder(body, order);
          const message = await control.learning.order(order, version, pool, scope);
          control.operations.note(caller, {
            action: `learner.${order}`,
            target: pool === null ? "the models" : `the models of pool ${pool}`,
            about: { pool: pool ?? "" },
            words: `ordered by an operator: ${message}`,
            before: null,
            after: { order, model_version: version, ...(scope === "instance" ? { scope } : {}) },
            reason: body.reason,
          });
          return json({ message });
        },
      }),
    },
  },
];
