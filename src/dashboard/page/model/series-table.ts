/**
 * Points of the last minutes of many series over one time axis: so many, then the oldest makes room. What was not set for a
 * point is unknown.
 */

/** One or more series as charts take them; `null` = unknown. */
export interface Points {
  readonly at: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

export class SeriesTable {
  readonly #capacity: number;
  readonly #at: Float64Array;
  readonly #columns = new Map<string, Float64Array>();
  #slot = -1;
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#at = new Float64Array(capacity);
  }

  /** When the newest point is; 0 = there is none. */
  get lastAt(): number {
    return this.#count === 0 ? 0 : this.#at[this.#slot];
  }

  get names(): Iterable<string> {
    return this.#columns.keys();
  }

  /** Begins the next point; `set` belongs to it. A time that is not later than the last one is ignored: false. */
  begin(atMs: number): boolean {
    if (atMs <= this.lastAt) return false;
    this.#slot = (this.#slot + 1) % this.#capacity;
    this.#count = Math.min(this.#count + 1, this.#capacity);
    this.#at[this.#slot] = atMs;
    for (const column of this.#columns.values()) column[this.#slot] = Number.NaN;
    return true;
  }

  set(name: string, value: number | null): void {
    if (value === null || this.#slot === -1) return;
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new Float64Array(this.#capacity).fill(Number.NaN);
      this.#columns.set(name, column);
    }
    column[this.#slot] = value;
  }

  /** Forgets the series that nobody shows any more. */
  keepOnly(isWanted: (name: string) => boolean): void {
    for (const name of this.#columns.keys()) if (!isWanted(name)) this.#columns.delete(name);
  }

  clear(): void {
    this.#columns.clear();
    this.#slot = -1;
    this.#count = 0;
  }

  /** The points after `sinceMs`, oldest first; seconds or milliseconds is the caller's business: times come as they were given. */
  read(names: readonly string[], sinceMs: number): Points {
    const at: number[] = [];
    const values: (number | null)[][] = names.map(() => []);
    const columns = names.map((name) => this.#columns.get(name));
    for (let i = this.#count - 1; i >= 0; i--) {
      const slot = (this.#slot - i + this.#capacity) % this.#capacity;
      if (this.#at[slot] <= sinceMs) continue;
      at.push(this.#at[slot]);
      for (let n = 0; n < columns.length; n++) {
        const value = columns[n]?.[slot];
        values[n].push(value === undefined || Number.isNaN(value) ? null : value);
      }
    }
    return { at, values };
  }
}
