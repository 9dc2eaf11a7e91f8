/** `/api/v1/limits…`: how many requests may pass, of whom, and who is refused. */
import { termsOf } from "../../../config/overrides/rate-limits.ts";
import type { RateLimitSpec } from "../../../protocol/rate-limit.ts";
import type { Operations } from "../../operations/operations.ts";
import { rateLimitList, rateLimitView, type ShownRateLimit } from "../answers/rate-limits.ts";
import { entityTag } from "../changes/etag.ts";
import { makeChange, notesOf, tried } from "../changes/make-change.ts";
import { planRateLimit, rateLimitChangeSchema } from "../changes/rate-limit-change.ts";
import { changeQuery, changeResponse } from "../changes/terms.ts";
import { ApiError, json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show and change. */
export interface RateLimitsControl {
  /** In the order of the configuration. */
  rateLimits(): readonly RateLimitSpec[];
  /** The same with their figures. */
  shownRateLimits(): readonly ShownRateLimit[];
  readonly operations: Pick<Operations, "change" | "inForceOf" | "sharing">;
}

/** As the name of a limit is sent. */
const NAME = "[^/]{1,64}";

/** They are the operator's. */
export const rateLimitRoutes: RouteGroup<RateLimitsControl> = (control) => [
  {
    path: "/api/v1/limits",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: rateLimitList,
        doc: "the rate limits in the order in which requests are asked about them: what they allow, what they have let pass and refused since the start, and the keys that are refused most ([rate-limits.md](rate-limits.md))",
        handle: () => json({ limits: control.shownRateLimits() }),
      }),
    },
  },
  {
    path: "/api/v1/limits/<name>",
    parts: [NAME],
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        response: rateLimitView,
        doc: "one rate limit",
        handle: ({ parts: [name] }) => show(control, name),
      }),
      PATCH: operation({
        scope: "admin",
        query: changeQuery,
        body: rateLimitChangeSchema,
        response: changeResponse(rateLimitView),
        doc: 'changes what it allows, or whether it does: `{"mode": "dry_run"}`, `{"rate": "200/s", "burst": 400}`; `null` = as configured',
        handle: async (call) => {
          const { body, query } = call;
          const [name] = call.parts;
          const terms = { ...query, reason: body.reason };
          const planned = await makeChange(control.operations, { ...call, terms }, () =>
            planRateLimit(limitNamed(control, name), body, control.operations.inForceOf("rate_limit")),
          );
          return query.dry_run ? tried(planned) : show(control, name, notesOf(planned));
        },
      }),
    },
  },
];

function show(control: RateLimitsControl, name: string, more: object = {}): Response {
  const etag = entityTag(termsOf(limitNamed(control, name)));
  const shown = control.shownRateLimits().find((one) => one.name === name);
  return json({ ...shown, ...more }, 200, { etag });
}

function limitNamed(control: RateLimitsControl, name: string): RateLimitSpec {
  const limits = control.rateLimits();
  const limit = limits.find((one) => one.name === name);
  if (limit !== undefined) return limit;
  const names = limits.map((one) => one.name).join(", ");
  const known = names === "" ? "nothing is limited here" : `there are ${names}`;
  throw new ApiError(404, "unknown_limit", `there is no rate limit ${name}: ${known}`);
}
