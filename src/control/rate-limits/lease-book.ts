/** The keys of one limit that are in use here, by row of its table; looked through a part at a time where there are many. */

/** What every key has. */
export interface BookedKey {
  /** -1 = the row is another key's now. */
  row: number;
  readonly tag: number;
  /** The other half of its hash. */
  readonly hi: number;
  /** When to look at it next, milliseconds of the boot clock. */
  dueMs: number;
  /** Where it is in the book: the book's own. */
  at: number;
}

/** Looked at in one round, at least. */
const LEAST_LOOKS = 8192;
/** A large book is looked through in so many rounds. */
const ROUNDS = 16;

/** All of them. */
export class LeaseBook<Key extends BookedKey> {
  readonly #byRow = new Map<number, Key>();
  readonly #all: Key[] = [];
  #next = 0;

  /** Of this row; `undefined` also if that was another key's. @param leave what becomes of that. */
  find(row: number, tag: number, hi: number, leave: (key: Key) => void): Key | undefined {
    const key = this.#byRow.get(row);
    if (key === undefined || (key.tag === tag && key.hi === hi)) return key;
    this.#byRow.delete(row);
    key.row = -1;
    leave(key);
    return undefined;
  }

  add(key: Key): void {
    key.at = this.#all.push(key) - 1;
    this.#byRow.set(key.row, key);
  }

  remove(key: Key): void {
    const last = this.#all.pop();
    if (last !== undefined && last !== key) {
      this.#all[key.at] = last;
      last.at = key.at;
    }
    if (this.#byRow.get(key.row) === key) this.#byRow.delete(key.row);
  }

  /** Those that it is time to look at; of very many it may be some rounds later. They may be removed meanwhile. */
  due(nowMs: number): Key[] {
    const all = this.#all;
    const looks = Math.min(all.length, Math.max(LEAST_LOOKS, Math.ceil(all.length / ROUNDS)));
    const due: Key[] = [];
    for (let i = 0; i < looks; i++) {
      if (this.#next >= all.length) this.#next = 0;
      const key = all[this.#next++];
      if (key.dueMs <= nowMs) due.push(key);
    }
    return due;
  }

  [Symbol.iterator](): IterableIterator<Key> {
    return this.#all.values();
  }

  get size(): number {
    return this.#all.length;
  }
}
