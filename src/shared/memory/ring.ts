/**
 * Rings of records from one writer, a worker, to readers in other processes. Records are numbered from 1, modulo 2^32; the
 * number says which row a record is in. A record becomes visible when the head is raised, after it was written; it is
 * overwritten `rows` records later, and a reader finds out that this happened, also while it was reading.
 */
import type { Ring } from "./layout/ring.ts";
import { fence } from "./server-table/reader.ts";

/** Appends records. The row is filled by whoever calls, word by word. */
export class RingWriter {
  readonly ring: Ring;
  readonly #head: Int32Array;
  readonly #mask: number;
  readonly #wordsPerRow: number;

  /** @param rows a power of two. */
  constructor(ring: Ring, rows: number, wordsPerRow: number) {
    this.ring = ring;
    this.#head = ring.head;
    this.#mask = rows - 1;
    this.#wordsPerRow = wordsPerRow;
  }

  /** First word of the row to be filled. Nobody reads it before `commit`. */
  next(): number {
    return (this.#head[0] & this.#mask) * this.#wordsPerRow;
  }

  /** Shows the row that was filled. @returns the record's number; 0 once in 2^32 records. */
  commit(): number {
    // A read-modify-write keeps the stores before it before it, and those of the next record behind it.
    return (Atomics.add(this.#head, 0, 1) + 1) | 0;
  }
}

/** One record, copied out of the ring. */
export interface Row {
  readonly words: Int32Array;
  readonly floats: Float32Array;
  readonly figures: Float64Array;
}

/** A row to copy records into. */
export function newRow(wordsPerRow: number): Row {
  const buffer = new ArrayBuffer(wordsPerRow * 4);
  return { words: new Int32Array(buffer), floats: new Float32Array(buffer), figures: new Float64Array(buffer) };
}

/** Copies records out of a ring. */
export class RingReader {
  readonly #ring: Ring;
  readonly #rows: number;
  readonly #wordsPerRow: number;

  /** @param rows a power of two. */
  constructor(ring: Ring, rows: number, wordsPerRow: number) {
    this.#ring = ring;
    this.#rows = rows;
    this.#wordsPerRow = wordsPerRow;
  }

  /** Number of the newest record. */
  head(): number {
    return Atomics.load(this.#ring.head, 0);
  }

  /** Number of the oldest record that is certainly there; one more than the newest while there are none. */
  oldest(): number {
    const head = this.head();
    // The row of the record before it may be in writing. A ring that was never full has fewer.
    const kept = this.#rows - 1;
    return head >= 0 && head < kept ? 1 : (head - kept + 1) | 0;
  }

  /** Copies record `number` into `row`. False when it is overwritten, or not there yet. */
  read(number: number, row: Row): boolean {
    if (!this.#holds(number)) return false;
    const { words } = this.#ring;
    const at = ((number - 1) & (this.#rows - 1)) * this.#wordsPerRow;
    fence();
    for (let i = 0; i < this.#wordsPerRow; i++) row.words[i] = words[at + i];
    fence();
    return this.#holds(number);
  }

  /** The record that would overwrite it is not even begun. */
  #holds(number: number): boolean {
    const age = (this.head() - number) | 0;
    return age >= 0 && age < this.#rows - 1;
  }
}

/** Reads a ring from one record to the next. */
export class RingCursor {
  readonly #reader: RingReader;
  readonly #row: Row;
  #next: number;

  /** Begins behind the record `after`; with the oldest that there is when none is given. */
  constructor(ring: Ring, rows: number, wordsPerRow: number, after?: number) {
    this.#reader = new RingReader(ring, rows, wordsPerRow);
    this.#row = newRow(wordsPerRow);
    this.#next = after === undefined ? this.#reader.oldest() : (after + 1) | 0;
  }

  /** Number of the last record that was given out or is lost. */
  get position(): number {
    return (this.#next - 1) | 0;
  }

  /**
   * Hands all new records to `visit`; the row is used again for the next one.
   * @param skip is told of records that were overwritten unread when they are found missing: how many, and the number of the last.
   * @returns how many these were.
   */
  drain(visit: (row: Row, number: number) => void, skip: (count: number, number: number) => void = () => {}): number {
    const reader = this.#reader;
    const head = reader.head();
    let lost = 0;
    while (((head - this.#next) | 0) >= 0) {
      if (reader.read(this.#next, this.#row)) {
        visit(this.#row, this.#next);
        this.#next = (this.#next + 1) | 0;
        continue;
      }
      const oldest = reader.oldest();
      // At least this one is gone, whatever the head says by now.
      const skipped = Math.max(1, (oldest - this.#next) | 0);
      lost += skipped;
      this.#next = (this.#next + skipped) | 0;
      skip(skipped, this.position);
    }
    return lost;
  }
}
