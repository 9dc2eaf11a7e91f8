/** Points in time as people write them. Without an offset they are UTC, as is all that is shown. */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DAY_MS = UNIT_MS.d;

/** What may be written, for messages. */
export const MOMENT_FORMS =
  "a length of time before now (90s, 15m, 2h, 3d, 1w), now, today or yesterday (their first second), a time of day (02:30, the last one), a date or time (2026-11-29, 2026-11-29T02:30, 2026-11-29T02:30:00+01:00), or milliseconds since 1970; UTC where no offset is given";

/** Milliseconds since the epoch; `null` = it is no time. @param nowMs milliseconds since the epoch. */
export function parseMoment(text: string, nowMs: number): number | null {
  const written = text.trim();
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  if (written === "now") return nowMs;
  if (written === "today") return today;
  if (written === "yesterday") return today - DAY_MS;
  const length = /^(\d{1,6})(s|m|h|d|w)$/.exec(written);
  if (length !== null) return reasonable(nowMs - Number(length[1]) * UNIT_MS[length[2]]);
  if (/^\d{13}$/.test(written)) return reasonable(Number(written));
  const clock = /^(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(written);
  if (clock !== null) return lastTimeOfDay(clock.slice(1), today, nowMs);
  return calendar(written);
}

/** A time of day that is still to come ends what began less than this before it. */
const LONGEST_AHEAD_MS = DAY_MS / 2;

/**
 * As `parseMoment`, for the end of a time that began at `sinceMs`: a time of day that would come before that is the next one, so
 * that at 02:20 what is asked from 02:10 to 02:25 ends five minutes from now, and not yesterday.
 */
export function parseEnd(text: string, sinceMs: number, nowMs: number): number | null {
  const atMs = parseMoment(text, nowMs);
  if (atMs === null || atMs > sinceMs || !/^\d{2}:/.test(text.trim())) return atMs;
  const nextMs = atMs + DAY_MS;
  return nextMs > sinceMs && nextMs - sinceMs < LONGEST_AHEAD_MS ? nextMs : atMs;
}

/** What a `Date` can say. */
const LAST_MS = 8.64e15;

/** As ISO 8601 in UTC, with as few digits as say it: `2026-11-29T02:30:00Z`. What is beyond all dates is the last of them. */
export function isoMoment(ms: number): string {
  return new Date(Math.max(-LAST_MS, Math.min(LAST_MS, ms))).toISOString().replace(".000Z", "Z");
}

function lastTimeOfDay([hours, minutes, seconds = "0"]: readonly string[], today: number, nowMs: number) {
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const at = today + Number(hours) * UNIT_MS.h + Number(minutes) * UNIT_MS.m + Number(seconds) * 1_000;
  return at <= nowMs ? at : at - DAY_MS;
}

function calendar(written: string): number | null {
  const form =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      written,
    );
  if (form === null) return null;
  const [year, month, day, hours, minutes, seconds] = form.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number((form[7] ?? "").padEnd(3, "0"));
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const at = Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds);
  if (new Date(at).getUTCDate() !== day || new Date(at).getUTCMonth() !== month - 1) return null; // the 31st of June
  const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(form[8] ?? "");
  if (offset === null) return reasonable(at);
  if (Number(offset[2]) > 18 || Number(offset[3]) > 59) return null;
  const offsetMs = Number(offset[2]) * UNIT_MS.h + Number(offset[3]) * UNIT_MS.m;
  return reasonable(offset[1] === "+" ? at - offsetMs : at + offsetMs);
}

/** What any store can be asked for: no year before 1970 and none of five digits. */
function reasonable(ms: number): number | null {
  return ms >= 0 && ms < Date.UTC(10_000, 0) ? ms : null;
}
