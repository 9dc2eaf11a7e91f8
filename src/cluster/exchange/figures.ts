/** Figures of servers side by side, and how they are written: some five digits for a busy server, two for one that has nothing to do. */
import { type DigitReader, type DigitWriter, MOST } from "./digits.ts";

/** Columns of figures; whoever has them says what the rows are. */
export interface Figures {
  /** How many instances have the server, whose checks find it down, who has ejected it; of one instance 0 or 1. */
  readonly known: Int32Array;
  readonly down: Int32Array;
  readonly ejected: Int32Array;
  readonly inFlight: Int32Array;
  readonly workInFlight: Int32Array;
  readonly transferring: Int32Array;
}

/** Nothing, `rows` times. */
export function emptyFigures(rows: number): Figures {
  const column = () => new Int32Array(rows);
  return {
    known: column(),
    down: column(),
    ejected: column(),
    inFlight: column(),
    workInFlight: column(),
    transferring: column(),
  };
}

/** All of them are 0 again. */
export function clearFigures(figures: Figures): void {
  for (const column of columnsOf(figures)) column.fill(0);
}

/** In the order in which they are written. */
function columnsOf({ known, down, ejected, inFlight, workInFlight, transferring }: Figures): readonly Int32Array[] {
  return [known, down, ejected, inFlight, workInFlight, transferring];
}

/** `sign` times the row `from` of some figures is added to the row `to` of others, which stays within what can be written. */
export function addRow(to: Figures, row: number, from: Figures, fromRow: number, sign: 1 | -1): void {
  add(to.known, row, sign * from.known[fromRow]);
  add(to.down, row, sign * from.down[fromRow]);
  add(to.ejected, row, sign * from.ejected[fromRow]);
  add(to.inFlight, row, sign * from.inFlight[fromRow]);
  add(to.workInFlight, row, sign * from.workInFlight[fromRow]);
  add(to.transferring, row, sign * from.transferring[fromRow]);
}

function add(column: Int32Array, row: number, amount: number): void {
  column[row] = Math.max(0, Math.min(MOST, column[row] + amount));
}

/** A bit for each column that is not 0, and then those. */
export function writeRow(writer: DigitWriter, figures: Figures, row: number): void {
  const columns = columnsOf(figures);
  let present = 0;
  for (let i = 0; i < columns.length; i++) if (columns[i][row] > 0) present |= 1 << i;
  writer.digit(present);
  for (let i = 0; i < columns.length; i++) if (columns[i][row] > 0) writer.number(columns[i][row]);
}

/** Throws an `Error` where there is no row. */
export function readRow(reader: DigitReader, figures: Figures, row: number): void {
  const columns = columnsOf(figures);
  const present = reader.digit();
  for (let i = 0; i < columns.length; i++) columns[i][row] = (present >> i) & 1 ? reader.number() : 0;
}
