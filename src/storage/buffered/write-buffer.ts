/**
 * Rows that wait to be written, at most so many and so many bytes: of what is kept here the newest is worth most, so the
 * oldest go, after they became coarser where their kind can. Those that are being written, or that failed to be, stay apart
 * until it is known what became of them: they come again as they were, because they may have been written all the same.
 */
import type { RowKind } from "../rows/row-kind.ts";

/** What a buffer must know of its rows. */
export type BufferedKind<Row> = Pick<
  RowKind<never, Row>,
  "waitingRows" | "waitingBytes" | "bytesOf" | "coarserKey" | "merge"
>;

/** Rows are made coarser when so great a part of those that wait was not yet: it takes a look at all of them. */
const FINE_SHARE = 0.1;

export class WriteBuffer<Row> {
  readonly #kind: BufferedKind<Row>;
  /** The oldest first. */
  #fresh: Row[] = [];
  /** How many of them, the last ones, came after the others were made coarser. */
  #fine = 0;
  /** Older than those: being written, */
  #taken: readonly Row[] = [];
  /** or put back, to be tried again. */
  #failed: readonly Row[] = [];
  /** Of all of them. */
  #bytes = 0;
  #dropped = 0;

  constructor(kind: BufferedKind<Row>) {
    this.#kind = kind;
  }

  /** Rows that are not known to be written. */
  get length(): number {
    return this.#fresh.length + this.#taken.length + this.#failed.length;
  }

  /** Those of them that nobody is writing, */
  get waiting(): number {
    return this.#fresh.length + this.#failed.length;
  }

  /** and never was. */
  get fresh(): number {
    return this.#fresh.length;
  }

  /** Those that are being written. */
  get taken(): number {
    return this.#taken.length;
  }

  /** Those that were put back. */
  get failed(): number {
    return this.#failed.length;
  }

  /** Rows that had no room, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  push(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#fresh.push(row);
      this.#bytes += this.#kind.bytesOf(row);
    }
    this.#fine += rows.length;
    this.#makeRoom();
  }

  /** The oldest, at most `count`, to be written. The next call is `settle` or `putBack`. */
  take(count: number): readonly Row[] {
    this.#taken = this.#fresh.splice(0, count);
    this.#fine = Math.min(this.#fine, this.#fresh.length);
    return this.#taken;
  }

  /** Those that were put back, and only those. The next call is `settle` or `putBack`. */
  takeAgain(): readonly Row[] {
    this.#taken = this.#failed;
    this.#failed = [];
    return this.#taken;
  }

  /** What was taken is written, or never will be. Returns how many those are. */
  settle(): number {
    const { length } = this.#taken;
    for (const row of this.#taken) this.#bytes -= this.#kind.bytesOf(row);
    this.#taken = [];
    return length;
  }

  /** What was taken could not be written. */
  putBack(): void {
    this.#failed = this.#taken;
    this.#taken = [];
  }

  /** What was taken was certainly not written: it is the oldest of what waits, as if it had not been taken. */
  giveBack(): void {
    this.#fresh = [...this.#taken, ...this.#fresh];
    this.#taken = [];
  }

  #makeRoom(): void {
    if (!this.#isTooMuch(0)) return;
    if (this.#fine >= this.#fresh.length * FINE_SHARE) this.#coarsen();
    let excess = 0;
    while (excess < this.#fresh.length && this.#isTooMuch(excess)) {
      this.#bytes -= this.#kind.bytesOf(this.#fresh[excess++]);
    }
    if (excess > 0) this.#fresh.splice(0, excess);
    this.#fine = Math.min(this.#fine, this.#fresh.length);
    this.#dropped += excess;
  }

  /** Whether there is, without so many of the oldest, whose bytes are taken off already. */
  #isTooMuch(excess: number): boolean {
    const { waitingRows, waitingBytes } = this.#kind;
    return this.length - excess > waitingRows || this.#bytes > waitingBytes;
  }

  #coarsen(): void {
    const { bytesOf, coarserKey, merge } = this.#kind;
    if (coarserKey === undefined || merge === undefined) return;
    const merged = new Map<unknown, Row>();
    for (const row of this.#fresh) {
      this.#bytes -= bytesOf(row);
      const key = coarserKey(row) ?? row;
      const before = merged.get(key);
      merged.set(key, before === undefined ? row : merge(before, row));
    }
    this.#fresh = [...merged.values()];
    for (const row of this.#fresh) this.#bytes += bytesOf(row);
    this.#fine = 0;
  }
}
