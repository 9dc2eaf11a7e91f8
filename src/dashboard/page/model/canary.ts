/** Canaries as the page knows them: what the API says of one, what is asked of it, and how it is begun again. Pure. */
import type { ChangeRequest, WayBack } from "./change.ts";
import type { Tone } from "./words.ts";

/** One arm's requests in this step. */
export interface CanaryArm {
  readonly requests: number;
  readonly failed: number;
  readonly mean_ms: number | null;
}

/** What is wanted of a canary: also the value of its override. */
export interface ShownTerms {
  readonly pool: string;
  readonly percent: number;
  readonly steps: readonly number[];
  readonly stable: Readonly<Record<string, number>>;
  readonly auto: boolean;
  readonly min_duration_ms: number;
  readonly min_requests: number;
  readonly max_duration_ms: number;
  readonly tolerance: number;
}

/** One entry of `GET /api/v1/canaries`, what the page uses of it. */
export interface ShownCanary extends ShownTerms {
  readonly route: string;
  readonly state: "running" | "waiting" | "promoted" | "rolled_back" | "ended";
  readonly next_step: number | null;
  readonly verdict: "worse" | "no_worse" | "unusable" | null;
  readonly sentence: string;
  readonly arms: { readonly canary: CanaryArm; readonly stable: CanaryArm };
}

/** It is under way. */
export function isLive({ state }: ShownCanary): boolean {
  return state === "running" || state === "waiting";
}

/** How it looks. */
export function toneOf({ state, verdict }: ShownCanary): Tone {
  if (state === "promoted") return "ok";
  if (state === "ended") return "idle";
  if (verdict === "worse" || verdict === "unusable") return "bad";
  return state === "waiting" || state === "rolled_back" ? "warn" : "accent";
}

/** Where the API has the canary of a route. */
export function canaryPath(route: string): string {
  return `${routePath(route)}/canary`;
}

/** Steps as they are typed: `5, 25, 50, 100`. Throws a sentence. */
export function stepsOf(text: string): readonly number[] {
  const steps = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
  const rises = steps.every((step, i) => step > (steps[i - 1] ?? 0) && step <= 100);
  if (steps.length === 0 || !rises) throw new Error("Steps are percents that rise: 5, 25, 50, 100");
  return steps;
}

/** What begins one that has ended again as it was: first its pool must have nothing of its own. */
export function beginAgain({ route, ...before }: ShownCanary): WayBack {
  const split: ChangeRequest = { method: "PATCH", path: routePath(route), body: { split: before.stable } };
  return [() => split, () => beginning(route, before)];
}

/** What begins one on these terms, where its pool has no share yet. */
export function beginning(route: string, terms: ShownTerms): ChangeRequest & { readonly body: object } {
  const { pool, percent, steps, auto, min_requests, tolerance } = terms;
  const body = {
    pool,
    percent,
    steps,
    auto,
    min_duration: `${terms.min_duration_ms}ms`,
    min_requests,
    max_duration: `${terms.max_duration_ms}ms`,
    tolerance,
  };
  return { method: "POST", path: canaryPath(route), body };
}

function routePath(route: string): string {
  return `/api/v1/routes/${encodeURIComponent(route)}`;
}
