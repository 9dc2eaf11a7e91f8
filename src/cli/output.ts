/** Where commands write. What they print may hold text from outside: nothing in it reaches a terminal as a command. */
import { visible, visibleLines } from "../shared/visible-text.ts";

/** Writes text and the end of its line to standard output. */
export function print(text: string): void {
  console.log(visibleLines(text));
}

/** Writes text and the end of its line to standard error. */
export function printError(text: string): void {
  console.warn(visibleLines(text)); // Bun's console.error paints all of it red on a terminal
}

/** Writes JSON to standard output, for programs and for people. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Writes rows of cells to standard output as CSV (RFC 4180). */
export function printCsv(rows: readonly (readonly string[])[]): void {
  console.log(`${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r`); // its line feed ends the last line
}

/** What a terminal would obey is shown, in quoted cells too: no value that is ours has a line end of its own. */
function csvCell(text: string): string {
  const shown = visible(text);
  return /[",]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
