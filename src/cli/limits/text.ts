/** How `neurabalancer limits` speaks to people. */
import type { ShownRateLimit } from "../../control/admin/answers/rate-limits.ts";
import { columns } from "../columns.ts";

/** Limits as a table. */
export function limitTable(limits: readonly ShownRateLimit[]): string {
  if (limits.length === 0)
    return "Nothing is limited: rate_limits in the configuration file, or RATE_LIMITS, says what is to be.";
  const rows = limits.map((limit) => [
    limit.name,
    limit.mode.replace("_", " "),
    quotaOf(limit),
    limit.key.join(", ") || "all together",
    String(limit.allowed),
    String(limit.mode === "dry_run" ? limit.would_refuse : limit.refused),
    `${limit.keys} of ${limit.max_keys}`,
    limit.most_refused.length === 0 ? "-" : limit.most_refused[0].key,
  ]);
  return columns([["LIMIT", "MODE", "ALLOWS", "EACH", "PASSED", "REFUSED", "KEYS", "REFUSED MOST"], ...rows]);
}

/** One limit with the keys that are refused most. */
export function limitText(limit: ShownRateLimit): string {
  const { configured } = limit;
  const isConfigured = quotaOf(limit) === quotaOf(configured) && limit.mode === configured.mode;
  const listOf = (names: readonly string[], none: string): string => names.join(", ") || none;
  const facts = [
    ["Limit", limit.name],
    ["Mode", limit.mode.replace("_", " ")],
    ["Allows", quotaOf(limit)],
    ...(isConfigured ? [] : [["Configured", `${quotaOf(configured)}, ${configured.mode.replace("_", " ")}`]]),
    ["Each", listOf(limit.key, "all together")],
    ["Routes", listOf(limit.routes, "all")],
    ["Pools", listOf(limit.pools, "all")],
    ["Clients", listOf(limit.clients, "everybody")],
    ["Exempt", listOf(limit.exempt, "nobody")],
    ["Counted", sharingOf(limit)],
    ["Passed", String(limit.allowed)],
    ["Refused", String(limit.refused)],
    ["Would be, but for the dry run", String(limit.would_refuse)],
    ["Passed as exempt", String(limit.exempted)],
    ["Keys", `${limit.keys} of ${limit.max_keys}; when there is no room: ${limit.when_full}`],
    ["Forgotten for want of room", String(limit.forgotten_keys)],
    ["Not counted for want of room", String(limit.uncounted)],
  ];
  const keys = limit.most_refused.map(({ key, refused, last_at: lastAt }) => [key, String(refused), lastAt]);
  const table = keys.length === 0 ? "Nobody was refused." : columns([["REFUSED MOST", "TIMES", "LAST"], ...keys]);
  return `${columns(facts)}\n\n${table}`;
}

function sharingOf({ shared }: ShownRateLimit): string {
  if (shared === null) return "by this instance alone";
  const { when_away: whenAway, away, instances } = shared;
  const now = away === null ? "" : `; Redis is away: ${away}`;
  return `by all instances together, now ${instances}; while Redis is away: ${whenAway}${now}`;
}

function quotaOf({ rate, burst, concurrent }: Pick<ShownRateLimit, "rate" | "burst" | "concurrent">): string {
  return rate === null ? `${concurrent} at once` : `${rate}, ${burst} at once`;
}
