/**
 * Time in queues, and what became of those who waited there, by pool, kept from what workers count by the pool's row: a row may be
 * given to another pool, so the growth since the last look is added up here for the pool that has the row now.
 */
import { BriefDurationWord } from "../../shared/memory/layout/durations.ts";
import { QueueWord } from "../../shared/memory/layout/queues.ts";
import { Header, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";

/** Columns of a worker's block that have so many words for each pool. */
const COLUMNS = [
  ["waits", BriefDurationWord.LENGTH],
  ["heldWaits", BriefDurationWord.LENGTH],
  ["queues", QueueWord.LENGTH],
] as const;

/** Of a row, or of a pool. */
type Figures = Readonly<Record<(typeof COLUMNS)[number][0], Float64Array>>;

/** A row and whose it is. */
interface Row {
  readonly name: string;
  /** What was read last, over all workers. */
  readonly seen: Figures;
}

/** One instance's. */
export class PoolWaitsLedger {
  readonly #memory: SharedMemory;
  readonly #rows = new Map<number, Row>();
  readonly #totals = new Map<string, Figures>();

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Adds what was counted since the last call. Call it before workers hear of these pools, and at every scrape. */
  update(pools: readonly { readonly row: number; readonly name: string }[]): void {
    for (const [row, { name, seen }] of this.#rows) this.#grow(row, seen, this.#of(name));
    for (const { row, name } of pools) {
      const before = this.#rows.get(row);
      if (before?.name === name) continue;
      // What was counted in a row before it was given to another pool is nobody's; its first one has all of it.
      const seen = before?.seen ?? nothing();
      this.#rows.set(row, { name, seen });
      this.#totals.delete(name);
      this.#grow(row, seen, this.#of(name));
    }
    const owners = new Set([...this.#rows.values()].map(({ name }) => name));
    for (const name of this.#totals.keys()) if (!owners.has(name)) this.#totals.delete(name);
  }

  /** How long requests have waited: by `BriefDurationWord`. @param held those that were held, or those that were not. */
  of(name: string, held = false): Float64Array {
    const { waits, heldWaits } = this.#of(name);
    return held ? heldWaits : waits;
  }

  /** What became of them: by `QueueWord`, of which the gauges say nothing here. */
  countsOf(name: string): Float64Array {
    return this.#of(name).queues;
  }

  #of(name: string): Figures {
    let totals = this.#totals.get(name);
    if (totals === undefined) {
      totals = nothing();
      this.#totals.set(name, totals);
    }
    return totals;
  }

  #grow(row: number, seen: Figures, totals: Figures): void {
    const { header, workers } = this.#memory;
    for (const [column, length] of COLUMNS) {
      for (let i = 0; i < length; i++) {
        let now = 0;
        for (let w = 0; w < header[Header.WORKER_BLOCKS]; w++) now += workers[w][column][row * length + i];
        totals[column][i] += now - seen[column][i];
        seen[column][i] = now;
      }
    }
  }
}

function nothing(): Figures {
  const durations = () => new Float64Array(BriefDurationWord.LENGTH);
  return { waits: durations(), heldWaits: durations(), queues: new Float64Array(QueueWord.LENGTH) };
}
