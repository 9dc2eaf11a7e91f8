/** Moments as the database takes them. */

const FIRST_MS = -62_135_596_800_000; // year 1
const LAST_MS = 253_402_300_799_999; // year 9999

/** The moment of milliseconds since the epoch; what is beyond all years with four digits is the first or the last of them. */
export function timeOf(atMs: number): Date {
  return new Date(Math.min(LAST_MS, Math.max(FIRST_MS, atMs)));
}
