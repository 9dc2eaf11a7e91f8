/** How long to wait before the next try: 0.5 s, doubled up to 15 s, a little different for each page that lost the same instance. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** @param tries that failed, from 1. @param chance 0 … 1, drawn by the caller. */
export function backoffMs(tries: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, tries - 1));
  return Math.round(full * (0.75 + chance / 2));
}
