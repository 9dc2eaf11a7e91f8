/** What an operator changes of a rate limit. */
import { z } from "zod";
import { termsOf, withTerms } from "../../../config/overrides/rate-limits.ts";
import { RATE_LIMIT_BOUNDS } from "../../../config/rate-limits/values.ts";
import { RATE_LIMIT_MODES, type RateLimitSpec } from "../../../protocol/rate-limit.ts";
import type { OverrideOf } from "../../../shared/operations/override.ts";
import type { RateLimitTerms } from "../../../shared/operations/rate-limit.ts";
import { ApiError } from "../responses.ts";
import type { Plan } from "./make-change.ts";
import { changeBody, numberIn } from "./terms.ts";

const requests = numberIn({ least: 1, most: RATE_LIMIT_BOUNDS.mostRequests, whole: true });

/** A change as it is sent. */
export const rateLimitChangeSchema = changeBody({
  mode: z.enum(RATE_LIMIT_MODES).nullable().optional().describe("null = as configured, here and below"),
  rate: z.string().max(32).nullable().optional().describe("requests in a period: 100/s, 5/10m"),
  burst: requests.nullable().optional().describe("how many may come at once"),
  concurrent: requests.nullable().optional().describe("of a limit on requests at once"),
}).meta({ examples: [{ mode: "dry_run" }, { rate: "200/s", burst: 400 }, { mode: null, rate: null, burst: null }] });

/** A change as it was asked for. */
export type RateLimitChange = z.infer<typeof rateLimitChangeSchema>;

/** Throws an `ApiError`. @param overrides those in force of limits. */
export function planRateLimit(
  limit: RateLimitSpec,
  { mode, rate, burst, concurrent }: RateLimitChange,
  overrides: readonly OverrideOf<"rate_limit">[],
): Plan {
  const target = { limit: limit.name };
  const before = termsOf(limit);
  const configured = overrides.find((one) => one.target.limit === limit.name)?.configured ?? before;
  const asked = Object.entries({ mode, rate, burst, concurrent }).filter(([, value]) => value !== undefined);
  const wanted = asked.map(([key, value]) => [key, value ?? configured[key as keyof RateLimitTerms]]);
  const after = termsWith(limit, Object.fromEntries(wanted) as Partial<RateLimitTerms>);
  const isAnew = limit.mode !== "off" && quotaOf(after) !== quotaOf(before);
  return {
    action: "rate_limit.change",
    target: `rate limit ${limit.name}`,
    set: [{ kind: "rate_limit", target, value: after }],
    before,
    after,
    present: before,
    warnings: isAnew ? ["what was counted so far is forgotten: everybody begins anew"] : [],
  };
}

function termsWith(limit: RateLimitSpec, terms: Partial<RateLimitTerms>): RateLimitTerms {
  try {
    return termsOf(withTerms(limit, terms));
  } catch (error) {
    const { message } = error as Error;
    throw new ApiError(400, "invalid_body", `the body is not right: ${message}`, {}, [{ at: "", message }]);
  }
}

function quotaOf({ rate, burst, concurrent }: RateLimitTerms): string {
  return `${rate} ${burst} ${concurrent}`;
}
