/** Steps of time in UTC: those that counts are kept by, and those that answers may be given by. */
import type { Resolution } from "../storage/history-store.ts";

/** What an answer may have a row for. */
export const STEPS = ["minute", "hour", "day"] as const;
/** One of them. */
export type Step = (typeof STEPS)[number];

/** Lengths in milliseconds. */
export const STEP_MS: Readonly<Record<Resolution | Step, number>> = Object.freeze({
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
});

/** The beginning of the step that `ms` lies in. */
export function floorTo(ms: number, step: Resolution | Step): number {
  return Math.floor(ms / STEP_MS[step]) * STEP_MS[step];
}

/** The first beginning of a step at `ms` or after it. */
export function ceilTo(ms: number, step: Resolution | Step): number {
  return Math.ceil(ms / STEP_MS[step]) * STEP_MS[step];
}
