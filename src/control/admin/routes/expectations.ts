/** `/api/v1/expectations`: what the simulator expects of strategies, before one is switched to. */
import { z } from "zod";
import { expectations } from "../answers/expectations.ts";
import { durationIn } from "../changes/terms.ts";
import type { ExpectationResponses } from "../expectations/responses.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** Whom this route asks. */
export interface ExpectationsControl {
  readonly expectations: Pick<ExpectationResponses, "ask">;
}

const MINUTE_MS = 60_000;
const window = durationIn({ least: MINUTE_MS, most: 120 * MINUTE_MS }).default(15 * MINUTE_MS);
const names = z
  .string()
  .max(1024)
  .transform((text) => text.split(",").map((name) => name.trim()))
  .nullable()
  .default(null);

/** It is the operator's. */
export const expectationRoutes: RouteGroup<ExpectationsControl> = (control) => [
  {
    path: "/api/v1/expectations",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "what the simulator expects of strategies on the pool's traffic of late, before one is switched to: mean, p50 and p99 with their ranges beside what was measured; where the model does not give again what happened, why, and no figures. Kept for a minute (`?pool=`, `?strategies=` with commas between, `?window=15m`; [replay.md](replay.md#before-a-switch); `neurabalancer expect` prints it)",
        query: z.object({ pool: z.string().max(512).nullable().default(null), strategies: names, window }),
        response: expectations,
        handle: async ({ query, request }) => {
          const { pool, strategies, window: windowMs } = query;
          return json(await control.expectations.ask({ pool, strategies, windowMs }, request.signal));
        },
      }),
    },
  },
];
