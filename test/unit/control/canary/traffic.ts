/** Seeded traffic on both arms of a canary, with known truth. */
import { type Random, seededRandom } from "../../../../src/balancing/random.ts";
import type { ArmCounts } from "../../../../src/control/canary/arm-counts.ts";
import type { Assignment } from "../../../../src/control/canary/assignment.ts";
import { Canary, type CanaryAct } from "../../../../src/control/canary/canary.ts";
import { nativeBucket } from "../../../../src/shared/memory/duration-table.ts";
import { NATIVE_BUCKETS } from "../../../../src/shared/memory/layout/durations.ts";
import type { CanaryTerms } from "../../../../src/shared/operations/canary.ts";
import type { OverrideOf } from "../../../../src/shared/operations/override.ts";
import { override } from "../operations/fixture.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** The canary of the route `shop` as it usually is. */
export function canaryOverride(terms: Partial<CanaryTerms> = {}, atMs = 1_000): OverrideOf<"canary"> {
  const value: CanaryTerms = {
    pool: "next",
    percent: 5,
    steps: [5, 25, 50, 100],
    stable: { old: 1 },
    auto: true,
    minDurationMs: 2 * MINUTE,
    minRequests: 500,
    maxDurationMs: 20 * MINUTE,
    tolerance: 0.03,
    beganMs: 1_000,
    beganBy: "deploy",
    ...terms,
  };
  const made = override({ kind: "canary", target: { route: "shop" }, value, configured: { old: 1 } }, { atMs });
  return made as OverrideOf<"canary">;
}

/** How many requests took so long, and whether they failed. */
export function counts(...requests: readonly (readonly [ms: number, count: number, failed?: number])[]): ArmCounts {
  const all = new Float64Array(NATIVE_BUCKETS);
  const failed = new Float64Array(NATIVE_BUCKETS);
  for (const [ms, count, wrong = 0] of requests) {
    all[nativeBucket(ms / 1000)] += count;
    failed[nativeBucket(ms / 1000)] += wrong;
  }
  return { all, failed };
}

/** What happens. */
export interface World {
  readonly seed: number;
  readonly requestsPerSecond: number;
  /** Mean latency of the pool under trial in mean latencies of the others. */
  readonly factor?: number;
  /** Share of its requests that fail, beside those that fail in both arms. */
  readonly failing?: number;
  /** Share of requests that fail in both arms, at a time. */
  readonly outage?: (nowMs: number) => number;
  readonly usable?: (nowMs: number) => boolean;
  readonly assignment?: Assignment;
  readonly terms?: Partial<CanaryTerms>;
}

/** What it came to. */
export interface Course {
  /** What was done, and when. */
  readonly acts: readonly (CanaryAct & { readonly atMs: number })[];
  readonly canary: Canary;
}

/** Runs a canary for so long, doing what it wants, until it ends. Latencies are lognormal, and the level drifts by half. */
export function run(world: World, untilMs: number): Course {
  const random = seededRandom(world.seed);
  const { requestsPerSecond, factor = 1, failing = 0, outage = () => 0, usable = () => true, terms = {} } = world;
  const canary = new Canary(canaryOverride(terms), world.assignment ?? "request", 0, 0);
  const acts: (CanaryAct & { atMs: number })[] = [];
  for (let nowMs = SECOND; nowMs <= untilMs && canary.isLive; nowMs += SECOND) {
    const arms = { canary: counts(), stable: counts() };
    for (let left = poisson(requestsPerSecond, random); left > 0; left--) {
      const isOwn = random.next() < canary.terms.percent / 100;
      const level = 40 * (1 + 0.5 * Math.sin((nowMs / MINUTE) * 0.7));
      const ms = level * (isOwn ? factor : 1) * lognormal(random);
      const wrong = random.next() < outage(nowMs) || (isOwn && random.next() < failing);
      const { all, failed } = isOwn ? arms.canary : arms.stable;
      all[nativeBucket(ms / 1000)]++;
      if (wrong) failed[nativeBucket(ms / 1000)]++;
    }
    canary.look({ ...arms, usable: usable(nowMs) }, nowMs);
    const act = canary.advice;
    if (act === null || !canary.terms.auto) continue;
    acts.push({ ...act, atMs: nowMs });
    if (act.kind === "promote") canary.end("promoted");
    else if (act.kind === "roll_back") canary.end("rolled_back");
    else canary.change(canaryOverride({ ...terms, percent: act.percent }, nowMs), nowMs, nowMs);
  }
  return { acts, canary };
}

/** Mean-one lognormal with σ = 1. */
function lognormal({ next }: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.exp(normal - 0.5);
}

/** By the normal approximation: good enough for rates of traffic. */
function poisson(mean: number, { next }: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
}
