/**
 * Requests at once, by key. Who has a place notes it in its worker's part, so that the supervisor gives back what a dead worker's
 * requests had.
 */
import { KeyTable, NO_PLACE, type ValueRules } from "./key-table.ts";
import { Verdict } from "./limit-counts.ts";
import type { LimitMemory } from "./limit-file.ts";

/** Of a table of counts: a request that is under way cannot be forgotten. */
export const PLACE_RULES: ValueRules = {
  isFree: (count) => count <= 0,
  worth: () => -1,
  fresh: () => 0,
};

/** One worker's. */
export class HeldPlaces {
  readonly table: KeyTable;
  readonly #held: Int32Array;
  /** Free entries of `#held`: the last one is given first. */
  readonly #free: Int32Array;
  #freeCount = 0;
  /** The entry that `take` has given. */
  entry = NO_PLACE;
  /** How many more may come of the key that was asked for last. */
  remaining = 0;

  /** @param held this worker's part. */
  constructor({ table }: Pick<LimitMemory, "table">, held: Int32Array) {
    this.table = new KeyTable(table, PLACE_RULES);
    this.#held = held;
    this.#free = Int32Array.from({ length: held.length }, (_, i) => i);
    this.#freeCount = held.length;
  }

  /** This worker can note another one. */
  get hasRoom(): boolean {
    return this.#freeCount > 0;
  }

  /** One more of the key at `at`, if that has fewer than `most`. To be asked only while there is room. */
  take(at: number, most: number): Verdict {
    const { table } = this;
    for (;;) {
      const count = table.load(at);
      if (count >= most) {
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
      this.entry = entry;
      this.remaining = Math.max(0, most - Math.max(0, count) - 1);
      return Verdict.ALLOWED;
    }
  }

  /** @returns the place of the table that has one fewer; `NO_PLACE` = it was given back before. */
  giveBack(entry: number): number {
    const at = this.#held[entry] - 1;
    if (at < 0) return NO_PLACE;
    this.table.add(at, -1);
    this.#held[entry] = 0;
    this.#free[this.#freeCount++] = entry;
    return at;
  }
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
