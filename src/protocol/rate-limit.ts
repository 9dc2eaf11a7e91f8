/** What workers are told of a limit on requests. All of it is frozen and JSON-safe. */
import type { LimitShape } from "../shared/memory/rate-limits/limit-file.ts";
import type { SharedTerms } from "../shared/memory/rate-limits/sharing/terms.ts";

/** A field or a cookie. */
export interface NamedRateLimitKey {
  readonly kind: "header" | "api_key" | "cookie";
  readonly name: string;
}

/** By what requests are told apart, each kind of which is counted by itself. */
export type RateLimitKey =
  /** The client's address, or the network that it is in. */
  | { readonly kind: "client_ip" }
  /** The value of a header field (its name in lower case) or of a cookie. Of an `api_key` and of a cookie nobody is shown the value. */
  | NamedRateLimitKey
  | { readonly kind: "route" }
  | { readonly kind: "pool" };

/** What a limit does. */
export const RATE_LIMIT_MODES = ["enforce", "dry_run", "off"] as const;
export type RateLimitMode = (typeof RATE_LIMIT_MODES)[number];

/** What becomes of a request for whose key there is no room. */
export const WHEN_FULL = ["forget", "allow", "refuse"] as const;
export type WhenFull = (typeof WHEN_FULL)[number];

/** How many requests may pass. */
export type RateLimitQuota =
  /** So many in a period, and no more than `burst` at once. */
  | { readonly kind: "rate"; readonly requests: number; readonly periodMs: number; readonly burst: number }
  /** So many that are not over. */
  | { readonly kind: "concurrent"; readonly requests: number };

/** One limit. */
export interface RateLimitSpec {
  readonly name: string;
  readonly mode: RateLimitMode;
  readonly quota: RateLimitQuota;
  /** Of several, all together; empty = all requests are counted as one. */
  readonly key: readonly RateLimitKey[];
  /** Names of those whose requests are limited; empty = all. */
  readonly routes: readonly string[];
  readonly pools: readonly string[];
  /** CIDR ranges of those whose requests are limited; empty = everybody's. */
  readonly clients: readonly string[];
  /** CIDR ranges of those whose are not. */
  readonly exempt: readonly string[];
  /** Bits of a client's address that tell clients apart. */
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  /** Keys that are counted at once; a power of two. */
  readonly maxKeys: number;
  readonly whenFull: WhenFull;
  /** Responses say what is left of it. */
  readonly fields: boolean;
  /** All instances that use the same Redis count together; `null` = each by itself. */
  readonly shared: SharedTerms | null;
}

/** One limit as a worker has it. */
export interface WorkerRateLimit extends RateLimitSpec {
  /** Name of its file in the runtime directory: see limit-file.ts. */
  readonly file: string;
}

/** `100/s`, `5/10m`; `null` = requests at once are limited. */
export function describeRate(quota: RateLimitQuota): string | null {
  if (quota.kind !== "rate") return null;
  const seconds = quota.periodMs / 1000;
  const [size, unit] = PERIODS.find(([length]) => seconds % length === 0)!;
  const count = seconds / size;
  return `${quota.requests}/${count === 1 ? "" : count}${unit}`;
}

const PERIODS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
] as const;

/** As the configuration has it: `client_ip`, `header:x-user`. */
export function describeKey(key: RateLimitKey): string {
  return "name" in key ? `${key.kind}:${key.name}` : key.kind;
}

/** What decides how large the file of a limit is. */
export function limitShape({ maxKeys, quota, shared }: RateLimitSpec): LimitShape {
  return { keys: maxKeys, concurrent: quota.kind === "concurrent", shared: shared !== null };
}
