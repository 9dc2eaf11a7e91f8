/** What a limit keeps by key, and how it decides: requests in a period, or at once. */
import { aheadOf, type GcraTerms, unitsAt } from "./gcra.ts";
import type { KeyHash } from "./half-sip-hash.ts";
import { KeyTable, NO_PLACE, type ValueRules } from "./key-table.ts";
import type { LimitMemory } from "./limit-file.ts";

/** What became of a question. */
export const Verdict = {
  ALLOWED: 0,
  REFUSED: 1,
  /** Nobody can tell: there is no place for the key. */
  NO_PLACE: 2,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Decides of one limit. The figures are of the last question. */
export interface LimitCounts {
  /** May one more request of this key pass? If so, it is counted. @param bootMs milliseconds of the boot clock. */
  take(hash: KeyHash, bootMs: number, forgets: boolean): Verdict;
  /** Where that was counted. */
  readonly place: number;
  /** How many more may pass now. */
  readonly remaining: number;
  /** How long it stays so at least, milliseconds; after a refusal, until one may pass. 0 = nobody can tell. */
  readonly waitMs: number;
  /** Another key was forgotten for it. */
  readonly forgot: boolean;
  /** What a request is counted for it gives back when it is over. */
  readonly endsWithRequest: boolean;
  /** The request is over, or was not to be counted after all. @param place as `take` left it. */
  giveBack(place: number): void;
}

/** Sets that are looked at to say how many keys there are: more are estimated. */
const MOST_SETS_COUNTED = 8192;

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

/** Requests at once. Who has a place notes it in its worker's part, so that the supervisor gives back a dead worker's. */
export class ConcurrencyCounts implements LimitCounts {
  readonly #most: number;
  readonly #table: KeyTable;
  readonly #held: Int32Array;
  /** Free entries of `#held`: the last one is given first. */
  readonly #free: Int32Array;
  #freeCount = 0;
  readonly endsWithRequest = true;
  place = NO_PLACE;
  remaining = 0;
  readonly waitMs = 0;

  /** @param held this worker's part. */
  constructor({ table }: Pick<LimitMemory, "table">, held: Int32Array, most: number) {
    this.#most = most;
    this.#table = new KeyTable(table, CONCURRENCY_RULES);
    this.#held = held;
    this.#free = Int32Array.from({ length: held.length }, (_, i) => i);
    this.#freeCount = held.length;
  }

  take({ hi, lo }: KeyHash): Verdict {
    const table = this.#table;
    const at = table.find(hi, lo, 0, false);
    this.place = NO_PLACE;
    if (at === NO_PLACE || this.#freeCount === 0) return Verdict.NO_PLACE;
    for (;;) {
      const count = table.load(at);
      if (count >= this.#most) {
        this.remaining = 0;
        return Verdict.REFUSED;
      }
      // Noted first: should this process end in between, one too many is given back rather than none ever.
      const entry = this.#free[this.#freeCount - 1];
      this.#held[entry] = at + 1;
      if (!table.swap(at, count, Math.max(0, count) + 1)) {
        this.#held[entry] = 0;
        continue;
      }
      this.#freeCount--;
      this.place = entry;
      this.remaining = Math.max(0, this.#most - Math.max(0, count) - 1);
      return Verdict.ALLOWED;
    }
  }

  giveBack(entry: number): void {
    const at = this.#held[entry] - 1;
    if (at < 0) return;
    this.#table.add(at, -1);
    this.#held[entry] = 0;
    this.#free[this.#freeCount++] = entry;
  }

  readonly forgot = false;
}

const CONCURRENCY_RULES: ValueRules = {
  isFree: (count) => count <= 0,
  worth: () => -1,
  fresh: () => 0,
};

/** Of a table of times. */
export function rateRules(terms: GcraTerms): ValueRules {
  return {
    isFree: (value, now) => aheadOf(terms, value, now) === 0,
    worth: (value, now) => aheadOf(terms, value, now),
    fresh: (now) => now,
  };
}

/** Keys that a limit counts now. @param rate `null` = it limits requests at once. */
export function countUsed(
  { table }: Pick<LimitMemory, "table">,
  rate: { readonly terms: GcraTerms; readonly now: number } | null,
): number {
  const keys = new KeyTable(table, rate === null ? CONCURRENCY_RULES : rateRules(rate.terms));
  return keys.used(rate?.now ?? 0, MOST_SETS_COUNTED);
}

/** Gives back what a dead worker's requests had. */
export function reclaimHeld({ table, workers }: LimitMemory, worker: number): void {
  const { held } = workers[worker];
  for (let entry = 0; entry < held.length; entry++) {
    const at = held[entry] - 1;
    if (at >= 0 && at < table.length) Atomics.sub(table, at, 1);
    held[entry] = 0;
  }
}
