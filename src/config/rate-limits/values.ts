/** Value types of rate limits. */
import type { RateLimitKey, RateLimitQuota } from "../../protocol/rate-limit.ts";
import type { ValueType } from "../setting.ts";
import { parseDuration } from "../values/units.ts";
import { TOKEN, valueType } from "../values/value-types.ts";

/** What limits can count exactly: see gcra.ts. */
export const RATE_LIMIT_BOUNDS = {
  mostPerSecond: 1_000_000,
  mostPeriodMs: 30 * 86_400_000,
  mostRequests: 1_000_000,
  leastKeys: 64,
  mostKeys: 2 ** 20,
} as const;

/** Requests in a period. */
export interface Rate {
  readonly requests: number;
  readonly periodMs: number;
}

const A_RATE =
  "must be requests in a period, such as 100/s, 600/m or 5/10m: the period is s, m, h or d, or several of them";

/** `100/s`, `5/10m`. */
export const rate: ValueType<Rate> = valueType("requests in a period: 100/s, 5/10m", (text) => {
  const match = /^(\d{1,15})\s*\/\s*(\d{0,9})(s|m|h|d|sec|second|min|minute|hour|day)$/i.exec(text);
  if (match === null) throw new Error(A_RATE);
  const requests = Number(match[1]);
  const period = parseDuration(`${match[2] || 1}${match[3][0].toLowerCase()}`)?.amount ?? 0;
  if (requests === 0) throw new Error(`${A_RATE}. For nobody to pass there are routes with respond: {status: 403}`);
  const { mostPerSecond, mostPeriodMs, mostRequests } = RATE_LIMIT_BOUNDS;
  if (period < 1000 || period > mostPeriodMs) throw new Error("must have a period of 1s to 30d");
  if (requests > mostRequests || requests > (mostPerSecond * period) / 1000)
    throw new Error(`must be at most ${mostRequests} requests in a period, and ${mostPerSecond} a second`);
  return { requests, periodMs: period };
});

/** Instances that share a limit borrow for so long at least: what passes in that time has to fit into the burst. */
const SHARED_BURST_MS = 50;

/** What is wrong with the burst of a limit that instances share; `null` = nothing. */
export function sharedBurstComplaint(quota: RateLimitQuota): string | null {
  if (quota.kind !== "rate") return null;
  const least = Math.ceil((quota.requests * SHARED_BURST_MS) / quota.periodMs);
  if (quota.burst >= least) return null;
  return `must have a burst of at least ${least} to be shared, as many as pass in ${SHARED_BURST_MS} ms: so often at least instances tell each other`;
}

/** One part of what tells requests apart. */
export const limitKey: ValueType<RateLimitKey> = valueType(
  "client_ip, route, pool, header:<name>, api_key:<header>, cookie:<name>",
  (text) => {
    if (text === "client_ip" || text === "route" || text === "pool") return { kind: text } as RateLimitKey;
    const [kind, name = ""] = text.split(/:(.*)/s);
    if ((kind === "header" || kind === "api_key" || kind === "cookie") && TOKEN.test(name)) {
      return { kind, name: kind === "cookie" ? name : name.toLowerCase() }; // field names ignore case, cookie names do not
    }
    throw new Error(
      "must be client_ip, route, pool, header:<name>, api_key:<name of a header field> or cookie:<name>, such as header:X-User",
    );
  },
);
