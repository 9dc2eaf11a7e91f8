/**
 * Which rows of a table have changed since somebody looked: a bit for each, and a bit for each 32 of those, so that whoever looks at a
 * million rows of which few change has a thousand words to read. Writers: workers set bits (`Atomics.or`), behind what they say;
 * the supervisor takes them.
 */

const BITS = 32;

/** Words for so many rows: bits of rows, and bits of those. */
export function dirtyWords(rows: number): { readonly rows: number; readonly groups: number } {
  const words = Math.ceil(rows / BITS);
  return { rows: words, groups: Math.ceil(words / BITS) };
}

/** Views over the words; every process that maps them has its own. */
export class DirtyRows {
  readonly #rows: Int32Array;
  readonly #groups: Int32Array;

  constructor(rows: Int32Array, groups: Int32Array) {
    this.#rows = rows;
    this.#groups = groups;
  }

  /** It has changed: to be called behind the change. */
  mark(row: number): void {
    const word = row >>> 5;
    const group = word >>> 5;
    const bit = 1 << (row & 31);
    const wordBit = 1 << (word & 31);
    if ((Atomics.load(this.#rows, word) & bit) === 0) Atomics.or(this.#rows, word, bit);
    // Also when the row was marked: who did it may have been ended in between.
    if ((Atomics.load(this.#groups, group) & wordBit) === 0) Atomics.or(this.#groups, group, wordBit);
  }

  /** Those that have changed, each once; what changes while they are looked at comes now or the next time. */
  take(visit: (row: number) => void): void {
    const groups = this.#groups;
    for (let group = 0; group < groups.length; group++) {
      if (groups[group] === 0) continue;
      let words = Atomics.exchange(groups, group, 0);
      while (words !== 0) {
        const word = group * BITS + lowest(words);
        words &= words - 1;
        let rows = Atomics.exchange(this.#rows, word, 0);
        while (rows !== 0) {
          visit(word * BITS + lowest(rows));
          rows &= rows - 1;
        }
      }
    }
  }
}

/** The index of the lowest bit that is set. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
