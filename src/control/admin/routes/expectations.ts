/** `/api/v1/expectations`: what the simulator expects of strategies, before one is switched to. */
import { z } from "zod";
import type { Expectations } from "../../../shared/expectations.ts";
import type { ExpectationResponses } from "../expectations/responses.ts";
import { json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** Whom this route asks. */
export interface ExpectationsControl {
  readonly expectations: Pick<ExpectationResponses, "ask">;
}

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: MINUTE_MS, h: 60 * MINUTE_MS };
const LEAST_MS = MINUTE_MS;
const MOST_MS = 120 * MINUTE_MS;

const window = z
  .string()
  .transform((text, context): number => {
    const [, count, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
    const ms = Number(count) * UNITS[unit];
    if (ms >= LEAST_MS && ms <= MOST_MS) return ms;
    context.addIssue({ code: "custom", message: "must be a length of time from 1m to 2h, such as 15m" });
    return z.NEVER;
  })
  .default(15 * MINUTE_MS);
const names = z
  .string()
  .max(1024)
  .transform((text) => text.split(",").map((name) => name.trim()))
  .nullable()
  .default(null);

const estimate = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
const time = estimate.nullable().describe("milliseconds; null = it would overload servers, and no time says anything");
const response = z.strictObject({
  pool: z.string(),
  verdict: z.enum(["passed", "failed", "impossible", "nothing"]).describe("whether figures are given"),
  sentence: z.string(),
  reasons: z.array(z.string()).readonly().describe("why there are no figures"),
  notes: z.array(z.string()).readonly().describe("what limits them"),
  window: z
    .strictObject({ since: z.string(), until: z.string() })
    .nullable()
    .describe("of the traffic that was replayed"),
  ran: z.string().nullable().describe("what balanced in it; null = not known"),
  requests: z.int().min(0),
  single_requests: z.int().min(0).describe("of which more than counts are known"),
  measured: z
    .strictObject({ mean_ms: z.number(), p50_ms: z.number(), p99_ms: z.number(), error_share: z.number() })
    .nullable()
    .describe("what really happened; a failed request counts as a second at least"),
  expectations: z
    .array(
      z.strictObject({
        strategy: z.string(),
        ran: z.boolean(),
        mean_ms: time,
        p50_ms: time,
        p99_ms: time,
        error_share: estimate,
        overloaded: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  left_out: z.array(z.strictObject({ strategy: z.string(), why: z.string() })).readonly(),
}) satisfies z.ZodType<Expectations>;

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
        response,
        handle: async ({ query, request }) => {
          const { pool, strategies, window: windowMs } = query;
          return json(await control.expectations.ask({ pool, strategies, windowMs }, request.signal));
        },
      }),
    },
  },
];
