/** `/api/v1/explain/…`, `/api/v1/requests`, `/api/v1/errors`: what became of requests of late. */
import { z } from "zod";
import type { ExplainResponses } from "../../explain/responses.ts";
import { explanation } from "../answers/explanation.ts";
import { recentErrors, recentRequests } from "../answers/recent.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show. */
export interface ExplainControl {
  readonly explain: Pick<ExplainResponses, "explain" | "requests" | "errors">;
}

const MOST_SHOWN = 1000;
const SHOWN = 100;

const name = z.string().nullable().default(null);
/** What is more than `MOST_SHOWN` is that. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, "must be a whole number above 0")
  .transform((asked) => Math.min(Number(asked), MOST_SHOWN))
  .default(SHOWN);
const ofWhom = z.object({ pool: name, server: name, route: name, limit });

/** They are the operator's. */
export const explainRoutes: RouteGroup<ExplainControl> = (control) => [
  {
    path: "/api/v1/explain/<request id>",
    parts: ["[^/]{1,512}"],
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "why a recent request went where it went: candidates and their numbers, who could not be asked and why, the wait, retries and hedges (`?pool=`; [explain.md](explain.md); `neurabalancer explain` prints it)",
        query: z.object({ pool: name }),
        response: explanation,
        handle: async ({ parts: [id], query, request }) =>
          json(await control.explain.explain(id, query.pool, request.signal)),
      }),
    },
  },
  {
    path: "/api/v1/requests",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "recent requests in memory, newest first, each with its id (`?reason=failed`, `slow` or `any`, `?pool=`, `?server=`, `?route=`, `?limit=`; `neurabalancer requests`)",
        query: ofWhom.extend({ reason: z.enum(["failed", "slow", "any"]).default("any") }),
        response: recentRequests,
        handle: async ({ query, request }) => json(await control.explain.requests(query, request.signal)),
      }),
    },
  },
  {
    path: "/api/v1/errors",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "recent errors and refusals in memory, newest first, with their `Proxy-Status` as it was sent, and how often each code came in the last ten minutes (`?pool=`, `?server=`, `?route=`, `?limit=`)",
        query: ofWhom,
        response: recentErrors,
        handle: async ({ query, request }) =>
          json(await control.explain.errors({ ...query, reason: "failed" }, request.signal)),
      }),
    },
  },
];
