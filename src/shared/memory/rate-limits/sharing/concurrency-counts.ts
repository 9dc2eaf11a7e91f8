/**
 * Requests at once, counted by all instances together. A worker decides by how many places its instance has been lent of the whole
 * (`lent`, see limit-file.ts), and never asks anybody: the supervisor (control/rate-limits/) sees what is in use, and borrows in Redis.
 * Of a key that nobody here knows anything of it lets a few pass first.
 */
import type { KeyHash } from "../half-sip-hash.ts";
import { HeldPlaces } from "../held-places.ts";
import { NO_PLACE } from "../key-table.ts";
import { type LimitCounts, Verdict } from "../limit-counts.ts";
import { type LimitMemory, rowOf, type SharingMemory } from "../limit-file.ts";
import { advance, instancesIn, isAway, type SharedTerms } from "./terms.ts";

/** One worker's. */
export class SharedConcurrencyCounts implements LimitCounts {
  readonly #most: number;
  readonly #shared: SharedTerms;
  readonly #sharing: SharingMemory;
  readonly #held: HeldPlaces;
  readonly endsWithRequest = true;
  readonly waitMs = 0;
  readonly forgot = false;
  place = NO_PLACE;

  /** @param held this worker's part. */
  constructor(memory: Pick<LimitMemory, "table" | "sharing">, held: Int32Array, most: number, shared: SharedTerms) {
    this.#most = most;
    this.#shared = shared;
    this.#sharing = memory.sharing;
    this.#held = new HeldPlaces(memory, held);
  }

  take({ hi, lo }: KeyHash, bootMs: number): Verdict {
    const held = this.#held;
    this.place = NO_PLACE;
    const at = held.table.find(hi, lo, 0, false);
    if (at === NO_PLACE || !held.hasRoom) return Verdict.NO_PLACE;
    const row = rowOf(at);
    const verdict = held.take(at, this.#mostAt(row, hi, bootMs));
    if (verdict === Verdict.ALLOWED) this.place = held.entry;
    // Told, too: the supervisor borrows for who asks.
    else Atomics.store(this.#sharing.used, row, 1);
    this.#sharing.dirty.mark(row);
    return verdict;
  }

  get remaining(): number {
    return Math.min(this.#most, this.#held.remaining);
  }

  giveBack(entry: number): void {
    const at = this.#held.giveBack(entry);
    if (at !== NO_PLACE) this.#sharing.dirty.mark(rowOf(at));
  }

  /** How many may be under way here. */
  #mostAt(row: number, hi: number, bootMs: number): number {
    const { words, hashes, lent } = this.#sharing;
    const instances = instancesIn(words);
    const { whenAway, advancePercent } = this.#shared;
    if (hashes[row] !== hi) {
      // The row was another key's.
      Atomics.store(lent, row, 0);
      Atomics.store(hashes, row, hi);
    }
    if (isAway(words, bootMs)) {
      // What passes while everything does is counted all the same: it is under way when Redis is back.
      if (whenAway === "open") return Number.POSITIVE_INFINITY;
      if (whenAway === "closed") return 0;
      return Math.max(1, Math.floor(this.#most / instances));
    }
    const said = Atomics.load(lent, row);
    if (said > 0) return said - 1;
    const first = advance(this.#most, advancePercent, instances);
    Atomics.store(lent, row, first + 1);
    return first;
  }
}
