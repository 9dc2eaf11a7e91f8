/**
 * Requests in a period, counted by all instances together. A worker decides by what its instance has been lent of the whole (`lent`),
 * and never asks anybody: what passed it notes in `used`, and the supervisor (control/rate-limits/) borrows in Redis what keys may need
 * next. Of a key that nobody here knows anything of it lets a small part of the burst pass first, which is charged afterwards.
 *
 * A key is known for as long as its time in the table lies ahead of now, which the supervisor moves on. While Redis is away that time
 * is one of `RateCounts`, of an instance's part.
 */
import { aheadOf, type GcraTerms, unitsAt } from "../gcra.ts";
import type { KeyHash } from "../half-sip-hash.ts";
import { KeyTable, NO_PLACE } from "../key-table.ts";
import { type LimitCounts, Verdict } from "../limit-counts.ts";
import { type LimitMemory, rowOf, type SharingMemory } from "../limit-file.ts";
import { rateRules } from "../rate-counts.ts";
import { AGAIN_MS, advance, instancesIn, isAway, type SharedTerms } from "./terms.ts";

/** A key of which nothing is said for so long is known no more. */
export const KNOWN_MS = 2000;

/** One worker's. */
export class SharedRateCounts implements LimitCounts {
  readonly #terms: GcraTerms;
  readonly #shared: SharedTerms;
  readonly #burst: number;
  readonly #knownUnits: number;
  readonly #table: KeyTable;
  readonly #sharing: SharingMemory;
  readonly endsWithRequest = false;
  place = NO_PLACE;
  remaining = 0;
  waitMs = 0;
  /** What was taken last was taken of this instance's own part. */
  #tookAlone = false;

  constructor({ table, sharing }: Pick<LimitMemory, "table" | "sharing">, terms: GcraTerms, shared: SharedTerms) {
    this.#terms = terms;
    this.#shared = shared;
    this.#burst = terms.most / terms.cost;
    this.#knownUnits = Math.ceil(KNOWN_MS * terms.unitsPerMs);
    this.#table = new KeyTable(table, rateRules(terms));
    this.#sharing = sharing;
  }

  take({ hi, lo }: KeyHash, bootMs: number, forgets: boolean): Verdict {
    const { words } = this.#sharing;
    this.place = NO_PLACE;
    const away = isAway(words, bootMs);
    if (away && this.#shared.whenAway !== "local") return this.#withoutCounting();
    const now = unitsAt(this.#terms, bootMs);
    const place = this.#table.find(hi, lo, now, forgets);
    if (place === NO_PLACE) return Verdict.NO_PLACE;
    return away ? this.#takeAlone(place, hi, now) : this.#takeLent(place, hi, now, bootMs);
  }

  /** To be called at once, if at all. */
  giveBack(place: number): void {
    if (place === NO_PLACE) return;
    const { used, lent, dirty } = this.#sharing;
    const row = rowOf(place);
    if (this.#tookAlone) this.#table.add(place, -this.#terms.cost);
    else Atomics.add(lent, row, 1);
    Atomics.sub(used, row, 1);
    dirty.mark(row);
  }

  get forgot(): boolean {
    return this.#table.forgot;
  }

  #takeLent(place: number, hi: number, now: number, bootMs: number): Verdict {
    const terms = this.#terms;
    const { words, lent, waits, dirty } = this.#sharing;
    const row = rowOf(place);
    const kept = this.#table.load(place);
    if (aheadOf(terms, kept, now) === 0 && this.#table.swap(place, kept, (now + this.#knownUnits) | 0)) {
      const first = advance(this.#burst, this.#shared.advancePercent, instancesIn(words));
      Atomics.store(waits, row, (bootMs + AGAIN_MS) | 0);
      Atomics.store(lent, row, first);
    }
    for (;;) {
      const left = Atomics.load(lent, row);
      if (left <= 0) {
        // Told, too: the supervisor borrows for who asks.
        Atomics.store(this.#sharing.hashes, row, hi);
        dirty.mark(row);
        this.remaining = 0;
        this.waitMs = Math.max(1, (waits[row] - bootMs) | 0);
        return Verdict.REFUSED;
      }
      if (Atomics.compareExchange(lent, row, left, left - 1) !== left) continue;
      this.#tookAlone = false;
      this.remaining = left - 1;
      this.waitMs = terms.cost / terms.unitsPerMs;
      return this.#allowed(place, hi);
    }
  }

  /** Alone it has its part of the rate and of the burst, and never less than one request. */
  #takeAlone(place: number, hi: number, now: number): Verdict {
    const terms = this.#terms;
    const cost = terms.cost * instancesIn(this.#sharing.words);
    const most = Math.max(terms.most, cost);
    for (;;) {
      const kept = this.#table.load(place);
      const ahead = aheadOf(terms, kept, now) + cost;
      if (ahead > most) {
        this.remaining = 0;
        this.waitMs = (ahead - most) / terms.unitsPerMs;
        return Verdict.REFUSED;
      }
      if (!this.#table.swap(place, kept, (now + ahead) | 0)) continue;
      this.#tookAlone = true;
      const left = most - ahead;
      this.remaining = Math.floor(left / cost);
      this.waitMs = (cost - (left % cost)) / terms.unitsPerMs;
      return this.#allowed(place, hi);
    }
  }

  #allowed(place: number, hi: number): Verdict {
    const { used, hashes, dirty } = this.#sharing;
    const row = rowOf(place);
    this.place = place;
    if (Atomics.add(used, row, 1) === 0) Atomics.store(hashes, row, hi);
    dirty.mark(row);
    return Verdict.ALLOWED;
  }

  #withoutCounting(): Verdict {
    this.remaining = 0;
    this.waitMs = AGAIN_MS;
    return this.#shared.whenAway === "open" ? Verdict.ALLOWED : Verdict.REFUSED;
  }
}
