/** Requests in a period: what a limit keeps by key, and how it decides. */
import { aheadOf, type GcraTerms, unitsAt } from "./gcra.ts";
import type { KeyHash } from "./half-sip-hash.ts";
import { KeyTable, NO_PLACE, type ValueRules } from "./key-table.ts";
import { type LimitCounts, Verdict } from "./limit-counts.ts";
import type { LimitMemory } from "./limit-file.ts";

/** Requests in a period: GCRA. */
export class RateCounts implements LimitCounts {
  readonly #terms: GcraTerms;
  readonly #table: KeyTable;
  readonly endsWithRequest = false;
  place = NO_PLACE;
  remaining = 0;
  waitMs = 0;

  constructor({ table }: Pick<LimitMemory, "table">, terms: GcraTerms) {
    this.#terms = terms;
    this.#table = new KeyTable(table, rateRules(terms));
  }

  take({ hi, lo }: KeyHash, bootMs: number, forgets: boolean): Verdict {
    const terms = this.#terms;
    const { cost, most, unitsPerMs } = terms;
    const now = unitsAt(terms, bootMs);
    const table = this.#table;
    const place = table.find(hi, lo, now, forgets);
    this.place = place;
    if (place === NO_PLACE) return Verdict.NO_PLACE;
    for (;;) {
      const kept = table.load(place);
      const ahead = aheadOf(terms, kept, now) + cost;
      if (ahead > most) {
        this.remaining = 0;
        this.waitMs = (ahead - most) / unitsPerMs;
        return Verdict.REFUSED;
      }
      if (!table.swap(place, kept, (now + ahead) | 0)) continue;
      const left = most - ahead;
      this.remaining = Math.floor(left / cost);
      this.waitMs = (cost - (left % cost)) / unitsPerMs;
      return Verdict.ALLOWED;
    }
  }

  giveBack(place: number): void {
    this.#table.add(place, -this.#terms.cost);
  }

  get forgot(): boolean {
    return this.#table.forgot;
  }
}

/** Of a table of times. */
export function rateRules(terms: GcraTerms): ValueRules {
  return {
    isFree: (value, now) => aheadOf(terms, value, now) === 0,
    worth: (value, now) => aheadOf(terms, value, now),
    fresh: (now) => now,
  };
}
