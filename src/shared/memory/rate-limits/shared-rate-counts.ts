/**
 * Requests in a period, counted by all instances together. A worker decides by what its instance has been lent of the whole, in the
 * same words as `RateCounts`, and never asks anybody: what passed it notes in `used`, and the supervisor (control/rate-limits/) buys
 * in Redis what keys may need next. Of a key that nobody has asked about lately each instance lets a small part of the burst pass
 * first, which is charged afterwards.
 */
import { aheadOf, type GcraTerms, unitsAt } from "./gcra.ts";
import type { KeyHash } from "./half-sip-hash.ts";
import { KeyTable, NO_PLACE } from "./key-table.ts";
import { type LimitMemory, SharingWord } from "./limit-file.ts";
import { type LimitCounts, rateRules, Verdict } from "./rate-counts.ts";

/** What a limit that instances share does while Redis is away: lets its part alone pass, or everything, or nothing. */
export const WHEN_AWAY = ["local", "open", "closed"] as const;
export type WhenAway = (typeof WHEN_AWAY)[number];

/** How instances count together. */
export interface SharedTerms {
  readonly whenAway: WhenAway;
  /** How much of the burst all instances together let pass of keys that they know nothing of, before Redis has been asked. */
  readonly advancePercent: number;
}

/** Redis that has said nothing for so long is away. */
export const AWAY_MS = 1000;
/** Who is refused because Redis is away may come again then. */
const CLOSED_WAIT_MS = 1000;

/** One worker's. */
export class SharedRateCounts implements LimitCounts {
  readonly #terms: GcraTerms;
  readonly #whenAway: WhenAway;
  readonly #advancePercent: number;
  readonly #table: KeyTable;
  readonly #words: Float64Array;
  readonly #used: Int32Array;
  readonly #hashes: Int32Array;
  readonly endsWithRequest = false;
  place = NO_PLACE;
  remaining = 0;
  waitMs = 0;

  constructor({ table, sharing }: Pick<LimitMemory, "table" | "sharing">, terms: GcraTerms, shared: SharedTerms) {
    this.#terms = terms;
    this.#whenAway = shared.whenAway;
    this.#advancePercent = shared.advancePercent;
    this.#table = new KeyTable(table, rateRules(terms));
    this.#words = sharing.words;
    this.#used = sharing.used;
    this.#hashes = sharing.hashes;
  }

  take({ hi, lo }: KeyHash, bootMs: number, forgets: boolean): Verdict {
    const terms = this.#terms;
    const instances = Math.max(1, this.#words[SharingWord.INSTANCES]);
    const away = !(bootMs - this.#words[SharingWord.HEARD_MS] < AWAY_MS);
    this.place = NO_PLACE;
    if (away && this.#whenAway !== "local") return this.#withoutCounting();
    // Alone it has its part of the rate and of the burst, and never less than one request.
    const cost = away ? terms.cost * instances : terms.cost;
    const most = Math.max(terms.most, cost);
    const first = away ? most : advance(terms, this.#advancePercent, instances) * cost;
    const now = unitsAt(terms, bootMs);
    const table = this.#table;
    const place = table.find(hi, lo, now, forgets);
    if (place === NO_PLACE) return Verdict.NO_PLACE;
    for (;;) {
      const kept = table.load(place);
      const before = aheadOf(terms, kept, now);
      const ahead = (before === 0 ? most - first : before) + cost;
      if (ahead > most) {
        this.remaining = 0;
        this.waitMs = (ahead - most) / terms.unitsPerMs;
        return Verdict.REFUSED;
      }
      if (!table.swap(place, kept, (now + ahead) | 0)) continue;
      this.place = place;
      const left = most - ahead;
      this.remaining = Math.floor(left / cost);
      this.waitMs = (cost - (left % cost)) / terms.unitsPerMs;
      const row = rowOf(place);
      if (Atomics.add(this.#used, row, 1) === 0) Atomics.store(this.#hashes, row, hi);
      return Verdict.ALLOWED;
    }
  }

  giveBack(place: number): void {
    if (place === NO_PLACE) return;
    this.#table.add(place, -this.#terms.cost);
    Atomics.sub(this.#used, rowOf(place), 1);
  }

  get forgot(): boolean {
    return this.#table.forgot;
  }

  #withoutCounting(): Verdict {
    this.remaining = 0;
    this.waitMs = CLOSED_WAIT_MS;
    return this.#whenAway === "open" ? Verdict.ALLOWED : Verdict.REFUSED;
  }
}

/**
 * Requests of a key that an instance knows nothing of that it lets pass before Redis has been asked: of what all instances may together,
 * `percent` of the burst, its part; and one at least.
 */
export function advance({ most, cost }: GcraTerms, percent: number, instances: number): number {
  return Math.max(1, Math.floor(((most / cost) * percent) / 100 / instances));
}

/** Where `used` and `hashes` have a place of the table. */
function rowOf(place: number): number {
  return ((place >> 4) << 3) | (place & 7);
}

/** The other way. */
export function placeOf(row: number): number {
  return ((row >> 3) << 4) | 8 | (row & 7);
}
