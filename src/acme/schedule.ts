/** When a certificate is asked for: pure. Times in milliseconds. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/**
 * Waits after the first failure, the second, …: CAs let a name fail some five times an hour, and a few hundred orders in some hours
 * (of all who share an address or an account), and what stands in the way is seldom gone by itself.
 */
const WAITS_MS = [2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS];
const LONGEST_WAIT_MS = 12 * HOUR_MS;
/** Who was told that it asks too often, and not for how long it has to wait. */
const RATE_LIMITED_MS = HOUR_MS;
/** Whatever a CA says: nobody waits longer for it. */
const MOST_RETRY_AFTER_MS = 7 * 24 * HOUR_MS;
/** Instances that began together do not ask together: each wait is up to this much longer, renewals as much earlier. */
const JITTER = 0.1;

/** A certificate is renewed when a third of its lifetime is left, and a little before. @param random uniform in [0, 1). */
export function renewalMs(validFromMs: number, expiresAtMs: number, random: number): number {
  const lifetime = expiresAtMs - validFromMs;
  return Math.round(expiresAtMs - (lifetime / 3) * (1 + JITTER * random));
}

/** What a CA said of when to come again. */
export interface Refusal {
  readonly rateLimited: boolean;
  /** `Retry-After`; null = it said nothing. */
  readonly retryAfterMs: number | null;
}

/** How long to wait after so many failures, at least 1, in a row. @param random uniform in [0, 1). */
export function waitMs(failures: number, { rateLimited, retryAfterMs }: Refusal, random: number): number {
  const own = WAITS_MS[failures - 1] ?? LONGEST_WAIT_MS;
  const limited = rateLimited ? Math.max(own, RATE_LIMITED_MS) : own;
  const wait = Math.max(limited, Math.min(retryAfterMs ?? 0, MOST_RETRY_AFTER_MS));
  return Math.round(wait * (1 + JITTER * random));
}

/** `Retry-After` (RFC 9110 section 10.2.3): seconds or a date. null = none, or none that can be read. */
export function retryAfterMs(field: string | null, nowMs: number): number | null {
  if (field === null) return null;
  const text = field.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /^[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
