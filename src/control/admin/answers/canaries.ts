/** `GET /api/v1/canaries` and `GET /api/v1/routes/<name>/canary`. */
import { z } from "zod";
import { CANARY_STATES } from "../../canary/canary.ts";
import type { CanaryReport } from "../../canary/report.ts";
import { CANARY_VERDICTS } from "../../canary/rule.ts";
import { describing } from "./describing.ts";

const arm = z.strictObject({
  requests: z.number().min(0),
  failed: z.number().min(0),
  mean_ms: z.number().min(0).nullable().describe("null = there was no request"),
});

/** One canary: a change adds to it. */
export const canaryView = describing<CanaryReport>()(
  z.strictObject({
    route: z.string(),
    pool: z.string().describe("the one under trial"),
    state: z.enum(CANARY_STATES),
    percent: z.number().describe("its share of the requests; of one that was rolled back, what it had"),
    steps: z.array(z.number()),
    next_step: z.number().nullable(),
    stable: z.record(z.string(), z.number()).describe("how the other pools share the rest"),
    auto: z.boolean(),
    min_duration_ms: z.number(),
    min_requests: z.number(),
    max_duration_ms: z.number(),
    tolerance: z.number(),
    assignment: z.enum(["request", "client"]).describe("what chance assigns to a pool"),
    verdict: z.enum(CANARY_VERDICTS).nullable(),
    sentence: z.string(),
    evidence: z
      .strictObject({ worse: z.number(), no_worse: z.number() })
      .describe("as a share of what a verdict needs: from 1 on it is shown"),
    arms: z.strictObject({ canary: arm, stable: arm }).describe("requests of this step that have ended"),
    difference: z.number().nullable().describe("how much more a request costs than in the other pools, as a share"),
    began_at: z.string(),
    began_by: z.string(),
    step_began_at: z.string(),
    kept: z.boolean(),
  }),
);

/** `GET /api/v1/canaries`. */
export const canaryList = z.strictObject({ canaries: z.array(canaryView.meta({ id: "Canary" })) });
