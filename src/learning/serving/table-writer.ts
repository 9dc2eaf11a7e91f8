/** Publishes score tables. Writer: the learner, alone. Readers: balancing/ml.ts in every worker. */
import { type LearnedTable, LearnerWord, SCORE_COLUMNS, TABLE_COPIES } from "../../shared/memory/layout-learning.ts";

/** Which of the tables. The shadow's is remembered by the learner and never written here. */
export const TableModel = { CHAMPION: 0, CANARY: 1, SHADOW: 2 } as const;
export type TableModel = (typeof TableModel)[keyof typeof TableModel];

/** Fills the copy that nobody reads, row by row, then shows it. */
export class TableWriter {
  readonly #learned: LearnedTable;
  readonly #slots: number;
  readonly #model: TableModel;
  readonly #word: number;
  /** Both copies hold the table that is shown. */
  #isDoubled = false;

  constructor(learned: LearnedTable, model: TableModel, slots: number) {
    this.#learned = learned;
    this.#slots = slots;
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
    this.#learned.rowId.fill(0, from, from + this.#slots);
    return this.#learned.cost;
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
      rowId.copyWithin(to, from, from + this.#slots);
      cost.copyWithin(to * SCORE_COLUMNS, from * SCORE_COLUMNS, (from + this.#slots) * SCORE_COLUMNS);
      this.#isDoubled = true;
    }
    return this.publish();
  }

  /** Of the copy of a table: 0 = the one that is shown, 1 = the next. */
  #firstRow(ahead: 0 | 1 = 1): number {
    return (this.#model * TABLE_COPIES + ((this.sequence + ahead) & 1)) * this.#slots;
  }
}
