/** `/api/v1/classes`: which classes of requests there are, and what they cost. */
import { z } from "zod";
import { classList, type ShownClasses } from "../answers/classes.ts";
import { ApiError, json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What this route shows. */
export interface ClassesControl {
  /** As they are now, of all pools that tell them apart. */
  classes(): ShownClasses;
  /** All pools. */
  pools(): readonly { readonly name: string }[];
}

const query = z.strictObject({ pool: z.string().max(512).optional().describe("only this pool's") });

/** It is the operator's. */
export const classRoutes: RouteGroup<ClassesControl> = (control) => [
  {
    path: "/api/v1/classes",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the classes of requests that pools tell apart by method and path template (REQUEST_CLASSES), what one of each is expected to cost, and their share of the requests and of the work; a pool has 63 at most and the rest",
        query,
        response: classList,
        handle: ({ query: { pool } }) => {
          const { pools, classes } = control.classes();
          if (pool === undefined) return json({ pools, classes });
          const names = control.pools().map(({ name }) => name);
          if (!names.includes(pool)) {
            throw new ApiError(404, "unknown_pool", `there is no pool ${pool}: there are ${names.join(", ")}`);
          }
          return json({
            pools: pools.filter((name) => name === pool),
            classes: classes.filter((one) => one.pool === pool),
          });
        },
      }),
    },
  },
];
