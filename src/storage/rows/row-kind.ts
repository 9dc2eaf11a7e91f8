/** One kind of row that is handed to a store and written later, with others. `row-kinds.ts` lists all there are. */

/** How items of this kind become rows, and how many of them may wait. */
export interface RowKind<Item, Row> {
  /** So many wait at most, and so many bytes of them; then the oldest become coarser, if that can be, and go. */
  readonly waitingRows: number;
  readonly waitingBytes: number;
  /** How long one may wait for others to be written with, milliseconds. */
  readonly flushMs: number;
  /**
   * The row of an item, sharing nothing with it that the caller may change; `null` when it has values that cannot be kept.
   * @param featureCount how many features the store's samples have.
   */
  encode(item: Item, featureCount: number): Row | null;
  /** What a row takes in memory, about. */
  bytesOf(row: Row): number;
  /** Rows with the same of it can be merged; `null` = this one stays as it is. With `merge`, or not at all. */
  coarserKey?(row: Row): string | null;
  /** One row that says what both said, less exactly; it can be merged again. */
  merge?(a: Row, b: Row): Row;
}
