/** Rows that wait to be written, at most so many: of what is learned the newest is worth most, so the oldest go. */

export class WriteBuffer<T> {
  readonly #capacity: number;
  #rows: T[] = [];
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** Rows that had no room, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  push(rows: readonly T[]): void {
    for (const row of rows) this.#rows.push(row);
    const excess = this.#rows.length - this.#capacity;
    if (excess <= 0) return;
    this.#rows.splice(0, excess);
    this.#dropped += excess;
  }

  /** The oldest, at most `count`. They stay until they are removed: writing them may fail. */
  first(count: number): readonly T[] {
    return this.#rows.slice(0, count);
  }

  /** Removes the oldest `count`, with nothing pushed since `first` gave them. */
  remove(count: number): void {
    this.#rows.splice(0, count);
  }
}
