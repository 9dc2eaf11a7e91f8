/**
 * Time in queues by pool, kept from what workers count by the pool's row: a row may be given to another pool, so the growth since
 * the last look is added up here for the pool that has the row now.
 */
import { BriefDurationWord } from "../../shared/memory/layout/durations.ts";
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";

const LENGTH = BriefDurationWord.LENGTH;

/** A row and whose it is. */
interface Row {
  readonly name: string;
  /** What was read last, over all workers. */
  readonly seen: Float64Array;
}

/** One instance's. */
export class PoolWaitsLedger {
  readonly #memory: SharedMemory;
  readonly #rows = new Map<number, Row>();
  readonly #totals = new Map<string, Float64Array>();

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Adds what was counted since the last call. Call it before workers hear of these pools, and at every scrape. */
  update(pools: readonly { readonly row: number; readonly name: string }[]): void {
    for (const [row, { name, seen }] of this.#rows) this.#grow(row, seen, this.of(name));
    for (const { row, name } of pools) {
      const before = this.#rows.get(row);
      if (before?.name === name) continue;
      // What was counted in a row before it was given to another pool is nobody's; its first one has all of it.
      const seen = before?.seen ?? new Float64Array(LENGTH);
      this.#rows.set(row, { name, seen });
      this.#totals.delete(name);
      this.#grow(row, seen, this.of(name));
    }
    const owners = new Set([...this.#rows.values()].map(({ name }) => name));
    for (const name of this.#totals.keys()) if (!owners.has(name)) this.#totals.delete(name);
  }

  /** By `BriefDurationWord`. */
  of(name: string): Float64Array {
    let totals = this.#totals.get(name);
    if (totals === undefined) {
      totals = new Float64Array(LENGTH);
      this.#totals.set(name, totals);
    }
    return totals;
  }

  #grow(row: number, seen: Float64Array, totals: Float64Array): void {
    const { header, workers } = this.#memory;
    const now = new Float64Array(LENGTH);
    for (let w = 0; w < header[Header.WORKER_BLOCKS]; w++) {
      const { waits } = workers[w];
      for (let i = 0; i < LENGTH; i++) now[i] += waits[row * LENGTH + i];
    }
    for (let i = 0; i < LENGTH; i++) totals[i] += now[i] - seen[i];
    seen.set(now);
  }
}
