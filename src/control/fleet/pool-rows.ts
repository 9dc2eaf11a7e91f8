/** Which row of the shared memory is which pool's. A row is given to another pool when no server of the first is left. */
import { MAX_POOLS } from "../../shared/memory/layout/shared-memory.ts";

/** One instance's. */
export class PoolRows {
  readonly #taken = new Map<string, number>();

  /**
   * The rows that pools of these names would have; nothing is taken yet. Those that are there keep theirs. Throws an `Error`
   * for the operator when there are not enough.
   */
  plan(names: readonly string[]): ReadonlyMap<string, number> {
    const used = new Set(this.#taken.values());
    let next = 0;
    const rows = new Map<string, number>();
    for (const name of names) {
      const taken = this.#taken.get(name);
      if (taken === undefined) while (used.has(next)) next++;
      const row = taken ?? next;
      if (row >= MAX_POOLS) {
        const going = [...this.#taken.keys()].filter((other) => !names.includes(other));
        const free = MAX_POOLS - this.#taken.size;
        throw new Error(
          `pools: there is room for ${MAX_POOLS} pools, those included that go and still finish requests (${someOf(going)}): ${name} finds none; take away first, and add when those are gone (${free} can be added now)`,
        );
      }
      used.add(row);
      rows.set(name, row);
    }
    return rows;
  }

  /** The pool is there. */
  take(name: string, row: number): void {
    this.#taken.set(name, row);
  }

  /** No server of the pool is left. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

/** How many names a message has at most. */
const MOST_NAMES = 5;

function someOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(", ")} and ${more} more` : names.join(", ");
}
