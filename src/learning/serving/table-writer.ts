/**
 * Publishes score tables. Writer: the learner, alone. Readers: balancing/ml.ts in every worker. All pools have their rows in the
 * same tables, by slot, and each shows its own under a number of its own: a writer touches no row of another pool's.
 */
import { type LearnedTable, LearnerWord, SCORE_COLUMNS, TABLE_COPIES } from "../../shared/memory/layout/learning.ts";

/** Which of the tables. The shadow's is remembered by the learner and never written here. */
export const TableModel = { CHAMPION: 0, CANARY: 1, SHADOW: 2 } as const;
export type TableModel = (typeof TableModel)[keyof typeof TableModel];

/** The fleet as the writer looks at it: columns by slot. */
export interface TableFleet {
  readonly id: ArrayLike<number>;
  /** Row of each server's pool; all are of one pool where it is missing. */
  readonly pool?: ArrayLike<number>;
}

/** Fills the copy that nobody reads, row by row, then shows it. */
export class TableWriter {
  readonly #learned: LearnedTable;
  readonly #fleet: TableFleet;
  readonly #pool: number;
  readonly #slots: number;
  readonly #model: TableModel;
  readonly #word: number;
  /** Both copies hold the table that is shown. */
  #isDoubled = false;

  /** @param pool row of the pool whose tables these are. */
  constructor(learned: LearnedTable, model: TableModel, fleet: TableFleet, pool = 0) {
    this.#learned = learned;
    this.#fleet = fleet;
    this.#pool = pool;
    this.#slots = fleet.id.length;
    this.#model = model;
    this.#word = model === TableModel.CHAMPION ? LearnerWord.CHAMPION_TABLE : LearnerWord.CANARY_TABLE;
  }

  /** Number of the table that is shown; 0 = none yet. */
  get sequence(): number {
    return this.#learned.words[this.#word];
  }

  /** Begins a new table, in which every server is missing. @returns the table that rows are written into. */
  begin(): Float32Array {
    this.#isDoubled = false;
    const from = this.#firstRow();
    for (let slot = 0; slot < this.#slots; slot++) if (this.#isOurs(slot)) this.#learned.rowId[from + slot] = 0;
    return this.#learned.cost;
  }

  /** A server has its slot still: it may have gone to another pool's while a model was asked. */
  has(slot: number, id: number): boolean {
    return this.#fleet.id[slot] === id && this.#isOurs(slot);
  }

  /** Where the row of `slot` begins in the table that `begin` gave; says whose it is. */
  rowOf(slot: number, id: number): number {
    const row = this.#firstRow() + slot;
    this.#learned.rowId[row] = id;
    return row * SCORE_COLUMNS;
  }

  /** Shows the new table to everybody. @returns its sequence number. */
  publish(): number {
    return Atomics.add(this.#learned.words, this.#word, 1) + 1;
  }

  /** Shows the same table once more, under a number of its own: workers do not believe one that is not renewed. */
  repeat(): number {
    if (!this.#isDoubled) {
      const { rowId, cost } = this.#learned;
      const to = this.#firstRow();
      const from = this.#firstRow(0);
      for (let slot = 0; slot < this.#slots; slot++) {
        if (!this.#isOurs(slot)) continue;
        const shown = from + slot;
        rowId[to + slot] = rowId[shown];
        if (rowId[shown] === 0) continue;
        cost.copyWithin((to + slot) * SCORE_COLUMNS, shown * SCORE_COLUMNS, (shown + 1) * SCORE_COLUMNS);
      }
      this.#isDoubled = true;
    }
    return this.publish();
  }

  #isOurs(slot: number): boolean {
    const { pool } = this.#fleet;
    return pool === undefined || pool[slot] === this.#pool;
  }

  /** Of the copy of a table: 0 = the one that is shown, 1 = the next. */
  #firstRow(ahead: 0 | 1 = 1): number {
    return (this.#model * TABLE_COPIES + ((this.sequence + ahead) & 1)) * this.#slots;
  }
}
