/** A canary: another pool gets a growing share of a route's requests for as long as it does no worse. */
import type { Shares } from "./shares.ts";

/** What is wanted of a canary, as it stands in its override. Times in milliseconds. */
export interface CanaryTerms {
  /** The pool under trial. */
  readonly pool: string;
  /** What share of the requests it has now, percent: above 0, at most 100. */
  readonly percent: number;
  /** Shares that it is to have one after the other, percent, rising. Those above `percent` are still to come. */
  readonly steps: readonly number[];
  /** How the other pools share the rest: as they did before. */
  readonly stable: Shares;
  /** It goes on and back by itself; else it only says what it would do. */
  readonly auto: boolean;
  /** A step lasts at least so long … */
  readonly minDurationMs: number;
  /** … and until the pool under trial has had so many requests. */
  readonly minRequests: number;
  /** After so long it goes on if it looks no worse, even where that is not shown. */
  readonly maxDurationMs: number;
  /** How much more a request may cost than before, as a share: 0.03 = 3 %. */
  readonly tolerance: number;
  /** When it was begun, milliseconds since the epoch: tells it from another one on the same route. */
  readonly beganMs: number;
  /** Who began it. */
  readonly beganBy: string;
}

/** What may be asked of a canary. */
export const CANARY_LIMITS = {
  percent: { least: 0.01, most: 100 },
  steps: 20,
  durationMs: { least: 1_000, most: 30 * 86_400_000 },
  requests: { least: 1, most: 1_000_000_000, whole: true },
  tolerance: { least: 0, most: 1 },
} as const;

/** Weights add up to this before they are made small: percents with two decimals are exact. */
const WHOLE = 1_000_000;

/** Weights of all pools while the one under trial has `percent` of the requests. */
export function sharesAt({ stable, pool }: Pick<CanaryTerms, "stable" | "pool">, percent: number): Shares {
  const own = Math.round((percent / 100) * WHOLE);
  const total = Object.values(stable).reduce((sum, weight) => sum + weight, 0);
  const weights = Object.entries(stable).map(([name, weight]) => [
    name,
    // Who had a share keeps one, however small it is, while there is anything left to share.
    weight === 0 || own === WHOLE ? 0 : Math.max(1, Math.round((weight / total) * (WHOLE - own))),
  ]);
  const all = Object.fromEntries([...weights, [pool, own]]) as Record<string, number>;
  const divisor = Object.values(all).reduce(greatestCommonDivisor, 0);
  return Object.fromEntries(Object.entries(all).map(([name, weight]) => [name, weight / divisor]));
}

/** The share of the next step, percent; `null` = there is none. */
export function nextStep({ steps, percent }: Pick<CanaryTerms, "steps" | "percent">): number | null {
  return steps.find((step) => step > percent) ?? null;
}

/** The share that it has in the end, percent. */
export function lastStep({ steps, percent }: Pick<CanaryTerms, "steps" | "percent">): number {
  return Math.max(percent, ...steps);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
