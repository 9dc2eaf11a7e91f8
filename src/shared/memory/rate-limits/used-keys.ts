/** How many keys a limit counts now. */
import type { GcraTerms } from "./gcra.ts";
import { PLACE_RULES } from "./held-places.ts";
import { KeyTable } from "./key-table.ts";
import type { LimitMemory } from "./limit-file.ts";
import { rateRules } from "./rate-counts.ts";

/** Sets that are looked at to say how many keys there are: more are estimated. */
const MOST_SETS_COUNTED = 8192;

/** Keys that a limit counts now. @param rate `null` = it limits requests at once. */
export function countUsed(
  { table }: Pick<LimitMemory, "table">,
  rate: { readonly terms: GcraTerms; readonly now: number } | null,
): number {
  const keys = new KeyTable(table, rate === null ? PLACE_RULES : rateRules(rate.terms));
  return keys.used(rate?.now ?? 0, MOST_SETS_COUNTED);
}
