/**
 * Units of time wrap around (gcra.ts): at the highest rates after 72 minutes. A time that has passed and is kept for nearly as long
 * would lie ahead again, and refuse whoever comes then. So those that have passed are set to a little before now, in time.
 */
import { aheadOf, type GcraTerms, unitsAt } from "./gcra.ts";
import { SET_WORDS } from "./key-table.ts";
import type { LimitMemory } from "./limit-file.ts";

/** Of the 2^32 units until they wrap, far from the most that a time may be ahead (2^30). */
const AGING_UNITS = 2 ** 30;
const WAYS = SET_WORDS / 2;
/** What a busy worker has read of its clock may be so old: what has passed for us has to have passed for it. */
const SLACK_MS = 10_000;

/** How often it has to be done, milliseconds. */
export function agingPeriodMs({ unitsPerMs }: GcraTerms): number {
  return AGING_UNITS / unitsPerMs;
}

/** Does it for all keys. Workers may go on: what they have moved on meanwhile is left alone. @param bootMs the boot clock. */
export function ageTimes({ table }: Pick<LimitMemory, "table">, terms: GcraTerms, bootMs: number): void {
  const now = unitsAt(terms, bootMs);
  const past = unitsAt(terms, bootMs - SLACK_MS);
  for (let set = 0; set < table.length; set += SET_WORDS) {
    for (let tag = set; tag < set + WAYS; tag++) {
      if (table[tag] === 0) continue;
      const kept = Atomics.load(table, tag + WAYS);
      if (aheadOf(terms, kept, now) === 0) Atomics.compareExchange(table, tag + WAYS, kept, past);
    }
  }
}
