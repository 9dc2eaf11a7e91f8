/** `/api/v1/pools…`, `/api/v1/classes` and `/api/v1/routes…`: which requests go where, how, and what they cost. */
import { z } from "zod";
import { STRATEGIES } from "../../../balancing/registry.ts";
import type { EffectiveSetting } from "../../../config/effective.ts";
import { SECTIONS } from "../../../config/schema.ts";
import type { RouteSpec } from "../../../protocol/route.ts";
import type { Override } from "../../../shared/operations/override.ts";
import type { Operations } from "../../operations/operations.ts";
import { classList, type ShownClasses } from "../answers/classes.ts";
import { poolList, poolView, routeList, routeView, type ShownPool } from "../answers/pools.ts";
import { entityTag } from "../changes/etag.ts";
import { makeChange, notesOf, tried } from "../changes/make-change.ts";
import { planSettings, presentSettings, settingInput } from "../changes/settings/change.ts";
import { settingsOf } from "../changes/settings/names.ts";
import { type SettingSources, viewSetting } from "../changes/settings/view.ts";
import { planSplit, sharesOf, splitChangeSchema } from "../changes/split-change.ts";
import { changeBody, changeQuery, changeResponse } from "../changes/terms.ts";
import { routeNamed } from "../named-route.ts";
import { ApiError, json } from "../responses.ts";
import { describeRoute } from "../route-description.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface PoolsControl {
  /** As they are now, in the order of the configuration. */
  pools(): readonly ShownPool[];
  /** Classes of requests as they are now, of all pools that tell them apart. */
  classes(): ShownClasses;
  /** In the order of the configuration. */
  routes(): readonly RouteSpec[];
  /** Of the configuration in force. */
  effective(): readonly EffectiveSetting[];
  readonly operations: Pick<Operations, "change" | "inForceOf" | "sharing">;
}

const STRATEGY = SECTIONS.balancing.settings.strategy.env;
/** As the name of a pool or a route is sent. */
const NAME = "[^/]{1,512}";
const MOST_OPTIONS = 200;

const poolChange = changeBody({
  strategy: z.string().max(64).nullable().optional().describe("how servers are chosen; null = as configured"),
  options: z
    .record(z.string().max(128), settingInput)
    .refine((options) => Object.keys(options).length <= MOST_OPTIONS, { error: `has more than ${MOST_OPTIONS} names` })
    .optional()
    .describe("settings that a pool may have, by the name that the environment or the file gives them"),
}).meta({ examples: [{ strategy: "least_connections" }, { options: { RETRY_BUDGET_PERCENT: 30 } }] });

/** They are the operator's. */
export const poolRoutes: RouteGroup<PoolsControl> = (control) => [
  {
    path: "/api/v1/pools",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the pools with strategy, servers, how many of them are healthy (up, and a check has said so), up, and usable (0 = requests get 503), whether panic routing is on, and whether any route leads there",
        response: poolList,
        handle: () => json({ pools: control.pools() }),
      }),
    },
  },
  {
    path: "/api/v1/pools/<name>",
    parts: [NAME],
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: poolView,
        doc: "one pool, the strategies that there are, and every setting that a pool may have: what is in force, what is configured, where it comes from, unit, range and description",
        handle: ({ parts: [name] }) => showPool(control, name),
      }),
      PATCH: operation({
        scope: "admin",
        query: changeQuery,
        body: poolChange,
        response: changeResponse(poolView),
        doc: 'changes the `strategy`, and `options`: `{"HASH_BALANCE_FACTOR": 1.5, "timeouts.connect": "2s"}`; `null` = as configured',
        handle: async (call) => {
          const { body, query } = call;
          const [name] = call.parts;
          const { strategy, options = {}, reason } = body;
          const values = [
            ...(strategy === undefined ? [] : [{ at: "strategy", name: STRATEGY, value: strategy }]),
            ...Object.entries(options).map(([option, value]) => ({ at: `options.${option}`, name: option, value })),
          ];
          const terms = { ...query, reason };
          const planned = await makeChange(control.operations, { ...call, terms }, () => {
            const pool = poolOf(control, name);
            const plan = planSettings({ pool: name, values }, sourcesOf(control));
            const action = strategy === undefined ? "pool.change" : "pool.strategy";
            return { action, target: `pool ${name}`, about: { pool: name }, ...plan, warnings: warningsOf(pool) };
          });
          return query.dry_run ? tried(planned) : showPool(control, name, notesOf(planned));
        },
      }),
    },
  },
  {
    path: "/api/v1/classes",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the classes of requests that pools tell apart by method and path template (REQUEST_CLASSES), what one of each is expected to cost, and their share of the requests and of the work; a pool has 63 at most and the rest",
        query: z.strictObject({ pool: z.string().max(512).optional().describe("only this pool's") }),
        response: classList,
        handle: ({ query: { pool } }) => {
          if (pool === undefined) return json(control.classes());
          poolOf(control, pool);
          const { pools, classes } = control.classes();
          return json({
            pools: pools.filter((name) => name === pool),
            classes: classes.filter((one) => one.pool === pool),
          });
        },
      }),
    },
  },
  {
    path: "/api/v1/routes",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the routes in the order of the configuration: name, what they match (of header fields the names alone) and what is done",
        response: routeList,
        handle: () => json({ routes: control.routes().map(describeRoute) }),
      }),
    },
  },
  {
    path: "/api/v1/routes/<name>",
    parts: [NAME],
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "one route",
        response: routeView,
        handle: ({ parts: [name] }) => showRoute(control, name),
      }),
      PATCH: operation({
        scope: "admin",
        query: changeQuery,
        body: splitChangeSchema,
        response: changeResponse(routeView),
        doc: 'changes which share of its requests goes to which pool: `{"split": {"shop": 95, "shop-next": 5}}`; `null` = as configured',
        handle: async (call) => {
          const { body, query } = call;
          const [name] = call.parts;
          const planned = await makeChange(
            control.operations,
            { ...call, terms: { ...query, reason: body.reason } },
            () => planSplit(routeNamed(name, control.routes()), body, control.pools(), splitOverrides(control)),
          );
          return query.dry_run ? tried(planned) : showRoute(control, name, notesOf(planned));
        },
      }),
    },
  },
];

function sourcesOf(control: PoolsControl): SettingSources {
  return { effective: control.effective(), overrides: control.operations.inForceOf("setting") };
}

/** What lies over the split of a route here. */
function splitOverrides({ operations }: PoolsControl): readonly Override[] {
  return [...operations.inForceOf("split"), ...operations.inForceOf("canary")];
}

function showPool(control: PoolsControl, name: string, more: object = {}): Response {
  const pool = poolOf(control, name);
  const sources = sourcesOf(control);
  const options = settingsOf("pool").map((placed) => viewSetting(placed, name, sources));
  const strategies = STRATEGIES.map((one) => ({ name: one.name, description: one.description }));
  const etag = entityTag(presentSettings(name, sources));
  return json({ ...pool, strategies, options, ...more }, 200, { etag });
}

function poolOf(control: PoolsControl, name: string): ShownPool {
  const pools = control.pools();
  const pool = pools.find((one) => one.name === name);
  if (pool !== undefined) return pool;
  const names = pools.map((one) => one.name).join(", ");
  throw new ApiError(404, "unknown_pool", `there is no pool ${name}: there are ${names}`);
}

function warningsOf({ name, in_use: inUse }: ShownPool): string[] {
  return inUse ? [] : [`no route leads to pool ${name}: nothing changes for requests`];
}

function showRoute(control: PoolsControl, name: string, more: object = {}): Response {
  const route = routeNamed(name, control.routes());
  const tag = route.action.kind === "forward" ? { split: sharesOf(route) } : { split: null };
  return json({ ...describeRoute(route), ...more }, 200, { etag: entityTag(tag) });
}
