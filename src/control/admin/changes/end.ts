/** When a drain or a maintenance is to end by itself, as it is sent. */
import { z } from "zod";
import { parseDuration } from "../../../config/values/units.ts";

const DAY_MS = 86_400_000;
/** Longer than anybody means. */
const MOST_MS = 366 * DAY_MS;

/** `until` or `duration`; one of them at most. */
export const endShape = {
  until: z.iso
    .datetime({ offset: true, error: "must be a moment of RFC 3339: 2026-11-30T02:00:00Z" })
    .optional()
    .describe("when it ends by itself"),
  duration: z
    .string()
    .refine((text) => (parseDuration(text)?.amount ?? 0) > 0, { error: "must be a duration: 30m, 2h, 1d" })
    .optional()
    .describe("after which it ends by itself"),
};

/** What was sent. */
export interface SentEnd {
  readonly until?: string;
  readonly duration?: string;
}

/** Milliseconds since the epoch; `null` = it does not end by itself. @returns a sentence when it cannot be. */
export function endOf({ until, duration }: SentEnd, nowMs: number): number | null | string {
  if (until !== undefined && duration !== undefined) return "give until or duration, not both";
  if (until === undefined && duration === undefined) return null;
  const endMs = until === undefined ? nowMs + parseDuration(duration!)!.amount : Date.parse(until);
  if (!(endMs > nowMs)) return `is over already: it is ${new Date(nowMs).toISOString()}`;
  if (endMs - nowMs > MOST_MS) return `is more than ${MOST_MS / DAY_MS} days away`;
  return Math.round(endMs);
}
