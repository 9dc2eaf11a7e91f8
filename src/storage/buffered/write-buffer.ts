/**
 * Rows that wait to be written, at most so many and so many bytes: of what is kept here the newest is worth most, so the
 * oldest go. Those that are being written stay apart until it is known what became of them.
 */
import type { RowKind } from "../rows/row-kind.ts";

/** What a buffer must know of its rows. */
export type BufferedKind<Row> = Pick<RowKind<never, Row>, "waitingRows" | "waitingBytes" | "bytesOf">;

export class WriteBuffer<Row> {
  readonly #kind: BufferedKind<Row>;
  /** The oldest first. */
  #waiting: Row[] = [];
  /** Older than those that wait. */
  #taken: readonly Row[] = [];
  /** Of both. */
  #bytes = 0;
  #dropped = 0;

  constructor(kind: BufferedKind<Row>) {
    this.#kind = kind;
  }

  /** Rows that are not known to be written. */
  get length(): number {
    return this.#waiting.length + this.#taken.length;
  }

  /** Those of them that nobody is writing. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rows that had no room, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  push(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#waiting.push(row);
      this.#bytes += this.#kind.bytesOf(row);
    }
    this.#makeRoom();
  }

  /** The oldest, at most `count`, to be written. The next call is `settle` or `putBack`. */
  take(count: number): readonly Row[] {
    this.#taken = this.#waiting.splice(0, count);
    return this.#taken;
  }

  /** What was taken is written, or never will be. Returns how many those are. */
  settle(): number {
    const { length } = this.#taken;
    for (const row of this.#taken) this.#bytes -= this.#kind.bytesOf(row);
    this.#taken = [];
    return length;
  }

  /** What was taken could not be written: it is the first again. */
  putBack(): void {
    if (this.#taken.length > 0) this.#waiting = [...this.#taken, ...this.#waiting];
    this.#taken = [];
    this.#makeRoom();
  }

  /** Only among those that wait: what is being written may be written already. */
  #makeRoom(): void {
    const { waitingRows, waitingBytes, bytesOf } = this.#kind;
    let excess = 0;
    while (excess < this.#waiting.length && (this.length - excess > waitingRows || this.#bytes > waitingBytes)) {
      this.#bytes -= bytesOf(this.#waiting[excess++]);
    }
    if (excess > 0) this.#waiting.splice(0, excess);
    this.#dropped += excess;
  }
}
