/** What one instance tells of its servers, and what many of them come to: as it stands in Redis. */
import { DigitReader, DigitWriter, MOST } from "./digits.ts";
import { emptyFigures, type Figures, readRow, writeRow } from "./figures.ts";
import { MOST_SERVERS } from "./layout.ts";
import { MOST_MEMBERS } from "./members.ts";
import { notOurs } from "./replies.ts";

/** Whose share it is, and which one of its run. */
export interface ShareName {
  readonly id: string;
  readonly turn: number;
}

/** Figures of servers in the order of a layout, and whose shares are in them. */
export interface Told {
  readonly layout: string;
  readonly shares: readonly ShareName[];
  readonly figures: Figures;
  readonly rows: number;
}

/** The most requests of one instance at one server that are believed. */
const MOST_IN_FLIGHT = 1_000_000;

const writer = new DigitWriter();

/** @param rowOf which row of `figures` stands at a place of the layout. */
export function writeTold(
  layout: { readonly id: string; readonly hashes: readonly string[] },
  shares: readonly ShareName[],
  figures: Figures,
  rowOf: (place: number) => number,
): string {
  writer.clear();
  writer.id(layout.id);
  writer.number(shares.length);
  for (const { id, turn } of shares) {
    writer.id(id);
    writer.number(turn);
  }
  writer.number(layout.hashes.length);
  for (let place = 0; place < layout.hashes.length; place++) writeRow(writer, figures, rowOf(place));
  return writer.take();
}

/** Throws an `Error` when it is none of ours. */
export function readTold(text: string, at = 0): Told {
  const reader = new DigitReader(text, at);
  const layout = reader.id();
  const count = reader.number();
  if (count === 0 || count > MOST_MEMBERS) throw notOurs();
  const shares = Array.from({ length: count }, () => ({ id: reader.id(), turn: reader.number() }));
  const rows = reader.number();
  if (rows > MOST_SERVERS) throw notOurs();
  const figures = emptyFigures(rows);
  for (let row = 0; row < rows; row++) {
    readRow(reader, figures, row);
    if (!isPossible(figures, row, count)) throw notOurs();
  }
  if (!reader.atEnd) throw notOurs();
  return { layout, shares, figures, rows };
}

/** @param shares of so many instances. */
function isPossible({ known, down, ejected, inFlight, transferring }: Figures, row: number, shares: number): boolean {
  const most = Math.min(shares * MOST_IN_FLIGHT, MOST);
  return (
    known[row] <= shares && down[row] + ejected[row] <= known[row] && Math.max(inFlight[row], transferring[row]) <= most
  );
}
