/** Requests at once, of one instance by itself. */
import type { KeyHash } from "./half-sip-hash.ts";
import { HeldPlaces } from "./held-places.ts";
import { NO_PLACE } from "./key-table.ts";
import { type LimitCounts, Verdict } from "./limit-counts.ts";
import type { LimitMemory } from "./limit-file.ts";

/** One worker's. */
export class ConcurrencyCounts implements LimitCounts {
  readonly #most: number;
  readonly #held: HeldPlaces;
  readonly endsWithRequest = true;
  readonly waitMs = 0;
  readonly forgot = false;
  place = NO_PLACE;

  /** @param held this worker's part. */
  constructor(memory: Pick<LimitMemory, "table">, held: Int32Array, most: number) {
    this.#most = most;
    this.#held = new HeldPlaces(memory, held);
  }

  take({ hi, lo }: KeyHash): Verdict {
    const held = this.#held;
    this.place = NO_PLACE;
    const at = held.table.find(hi, lo, 0, false);
    if (at === NO_PLACE || !held.hasRoom) return Verdict.NO_PLACE;
    const verdict = held.take(at, this.#most);
    if (verdict === Verdict.ALLOWED) this.place = held.entry;
    return verdict;
  }

  get remaining(): number {
    return this.#held.remaining;
  }

  giveBack(entry: number): void {
    this.#held.giveBack(entry);
  }
}
