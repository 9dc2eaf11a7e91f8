/** What was set of rate limits at run time. */
import { describeRate, RATE_LIMIT_MODES, type RateLimitQuota, type RateLimitSpec } from "../../protocol/rate-limit.ts";
import type { RateLimitTerms } from "../../shared/operations/rate-limit.ts";
import { describeRange, inRange, type Range } from "../../shared/ranges.ts";
import type { EffectiveSetting } from "../effective.ts";
import { RATE_LIMIT_BOUNDS, rate, sharedBurstComplaint } from "../rate-limits/values.ts";
import { type OverrideLayer, originOf } from "./layer.ts";

const COUNT: Range = { least: 1, most: RATE_LIMIT_BOUNDS.mostRequests, whole: true };

/** What of a limit can be changed, as it is. */
export function termsOf({ mode, quota }: Pick<RateLimitSpec, "mode" | "quota">): RateLimitTerms {
  return {
    mode,
    rate: describeRate(quota),
    burst: quota.kind === "rate" ? quota.burst : null,
    concurrent: quota.kind === "concurrent" ? quota.requests : null,
  };
}

/** The limits with what was set. What cannot be is told in `problems`. */
export function overrideRateLimits(
  limits: readonly RateLimitSpec[],
  layer: OverrideLayer,
  problems: string[],
): { readonly rateLimits: readonly RateLimitSpec[]; readonly effective: readonly EffectiveSetting[] } {
  const effective: EffectiveSetting[] = [];
  let changed = limits;
  for (const override of layer.of("rate_limit")) {
    const { target, value } = override;
    const origin = originOf(override);
    const limit = limits.find(({ name }) => name === target.limit);
    if (limit === undefined) {
      problems.push(`what was set of rate limit ${target.limit} (${origin}) is of none that there is`);
      continue;
    }
    try {
      const wanted = withTerms(limit, value);
      changed = changed.map((one) => (one.name === target.limit ? wanted : one));
    } catch (error) {
      problems.push(`what was set of rate limit ${target.limit} (${origin}) cannot be: ${(error as Error).message}`);
      continue;
    }
    for (const [key, set] of Object.entries(value)) {
      if (set === null || set === termsOf(limit)[key as keyof RateLimitTerms]) continue;
      effective.push({ section: "rate_limits", env: `rate_limits.${target.limit}.${key}`, value: String(set), origin });
    }
  }
  return { rateLimits: changed, effective };
}

/** The limit with these terms; throws an `Error` for people. */
export function withTerms(limit: RateLimitSpec, terms: Partial<RateLimitTerms>): RateLimitSpec {
  const { mode = limit.mode } = terms;
  const known = RATE_LIMIT_MODES.find((one) => one === mode);
  if (known === undefined) throw new Error(`mode must be one of: ${RATE_LIMIT_MODES.join(", ")}`);
  const quota = quotaWith(limit.quota, terms);
  const complaint = limit.shared === null ? null : sharedBurstComplaint(quota);
  if (complaint !== null) throw new Error(`it ${complaint}`);
  return { ...limit, mode: known, quota };
}

function quotaWith(quota: RateLimitQuota, { rate: text, burst, concurrent }: Partial<RateLimitTerms>): RateLimitQuota {
  for (const [name, count] of Object.entries({ burst, concurrent })) {
    if (typeof count === "number" && !inRange(count, COUNT)) throw new Error(`${name} must be ${describeRange(COUNT)}`);
  }
  if (quota.kind === "concurrent") {
    if (typeof text === "string" || typeof burst === "number") {
      throw new Error("it limits requests at once: it has no rate and no burst");
    }
    return { ...quota, requests: concurrent ?? quota.requests };
  }
  if (typeof concurrent === "number") throw new Error("it limits requests in a period: it has a rate and a burst");
  if (typeof text !== "string") return { ...quota, burst: burst ?? quota.burst };
  const read = rate.schema.safeParse(text);
  if (!read.success) throw new Error(`rate ${read.error.issues.map(({ message }) => message).join("; ")}`);
  // A burst that was said by nobody goes with the rate.
  const own = quota.burst === quota.requests ? read.data.requests : quota.burst;
  return { kind: "rate", ...read.data, burst: burst ?? own };
}
