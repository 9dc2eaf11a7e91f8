/** `GET /api/v1/pools…` and `GET /api/v1/routes…`. */
import { z } from "zod";
import { SHOWN_HOLD_STATES } from "../../../shared/memory/learned-limits.ts";
import { settingView } from "../changes/settings/view.ts";
import type { Frozen } from "./describing.ts";

const count = z.int().min(0);

/** Who waits for a server of the pool now. */
const poolQueue = z
  .strictObject({
    waiting: count,
    held: count.describe("those of them that wait because every server is at its learned limit"),
    oldest_ms: z.number().min(0).nullable().describe("how long the first of them has waited; null = nobody waits"),
  })
  .meta({ id: "PoolQueue" });

/** Whether requests are held, and why. */
const holding = z
  .strictObject({
    state: z
      .enum(SHOWN_HOLD_STATES)
      .describe(
        "off = not asked for; learning = no server has a limit; holding = requests may be held; stopped = they fared worse by it; stale = the learner is silent, so that none is held",
      ),
    why: z.string(),
    patience_ms: z.number().min(0).nullable().describe("how long a request is held at most"),
    relaxation: z
      .number()
      .min(1)
      .nullable()
      .describe("what the limits were multiplied by, because requests were held for long without a break; 1 = nothing"),
  })
  .meta({ id: "Holding" });

const poolShape = {
  name: z.string(),
  strategy: z.string().optional().describe("missing = the pool is just coming or going"),
  total: z.int().min(0),
  healthy: z.int().min(0).describe("up, and a check has said so"),
  up: z.int().min(0),
  usable: z.int().min(0).describe("that requests may be sent to; 0 = they get 503"),
  panic: z.boolean(),
  unused: z
    .int()
    .min(0)
    .describe("servers of the pool that this instance leaves to others (SUBSET_SIZE); none of the figures counts them"),
  in_use: z.boolean().describe("some route leads there"),
  queue: poolQueue,
  holding,
};

/** A pool as the list has it. */
export const shownPool = z.strictObject(poolShape).meta({ id: "Pool" });

/** A pool as it is shown. */
export type ShownPool = Frozen<z.infer<typeof shownPool>>;

/** `GET /api/v1/pools`. */
export const poolList = z.strictObject({ pools: z.array(shownPool) });

/** A single pool has what may be chosen for it, too. */
export const poolView = z.strictObject({
  ...poolShape,
  strategies: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  options: z.array(settingView),
});

/** Either of them, with what makes it known by. */
const pathShape = { path: z.string().optional(), prefix: z.string().optional() };

/** What is done with the requests of a route. */
const routeAction = z
  .union([
    z.strictObject({ pool: z.string() }),
    z.strictObject({
      split: z.array(z.strictObject({ pool: z.string(), weight: z.number().min(0) })),
      split_by: z.string().optional(),
    }),
    z.strictObject({
      respond: z.strictObject({ status: z.int(), content_type: z.string(), body_bytes: z.int().min(0) }),
    }),
    z.strictObject({
      redirect: z.strictObject({
        status: z.int(),
        scheme: z.string().optional(),
        host: z.string().optional(),
        port: z.int().optional(),
        ...pathShape,
      }),
    }),
  ])
  .meta({ id: "RouteAction" });

const routeShape = {
  name: z.string(),
  hosts: z.array(z.string()),
  paths: z.array(z.union([z.strictObject({ exact: z.string() }), z.strictObject({ prefix: z.string() })])),
  methods: z.array(z.string()),
  headers: z.array(z.string()).describe("names alone"),
  action: routeAction,
  rewrite: z.strictObject({ ...pathShape, host: z.string().optional() }).optional(),
  https_redirect: z.literal(true).optional(),
  mirror: z.strictObject({ pool: z.string(), percent: z.number().min(0).max(100) }).optional(),
  forward_auth: z.strictObject({ pool: z.string(), path: z.string() }).optional(),
  ambiguous_paths: z.enum(["refuse", "allow"]),
};

/** A single route: a change adds to it. */
export const routeView = z.strictObject(routeShape);

/** `GET /api/v1/routes`. */
export const routeList = z.strictObject({ routes: z.array(routeView.meta({ id: "Route" })) });

/** A route as it is shown. */
export type ShownRoute = Frozen<z.infer<typeof routeView>>;
/** What it does, as it is shown. */
export type ShownAction = Frozen<z.infer<typeof routeAction>>;
