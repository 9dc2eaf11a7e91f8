/** Reads moments of the query: `?since=`. */

import { z } from "zod";
import { shortened } from "../../shared/shortened.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** No date is later: JavaScript's last. */
const LATEST_MS = 8.64e15;

/** A moment as it is asked for: before now, or since the epoch. */
export type Moment = { readonly agoMs: number } | { readonly atMs: number };

/** `15m` (before now), an RFC 3339 time, or milliseconds since the epoch. */
export const moment = z.string().transform((text, context): Moment => {
  const ago = /^(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return { agoMs: Number(ago[1]) * UNITS[ago[2]] };
  const atMs = /^\d{1,16}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Math.abs(atMs) <= LATEST_MS) return { atMs };
  const known = "15m, 2h or 3d before now, a time such as 2026-11-30T14:00:00Z, or milliseconds since 1970";
  context.addIssue({ code: "custom", message: `${JSON.stringify(shortened(text, 40))} is no time: ${known}` });
  return z.NEVER;
});

/** Milliseconds since the epoch. */
export function momentMs(asked: Moment, nowMs: number): number {
  return "atMs" in asked ? asked.atMs : nowMs - asked.agoMs;
}
