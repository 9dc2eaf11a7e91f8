/** Where commands write. What they print may hold text from outside: nothing in it reaches a terminal as a command. */
import { writeSync } from "node:fs";
import { visible, visibleLines } from "../shared/visible-text.ts";

/** How long is waited for a slow reader of a pipe that does not block, milliseconds. */
const RETRY_MS = 2;

/** Writes text and the end of its line to standard output. Throws where it cannot be written. */
export function print(text: string): void {
  writeOutput(`${visibleLines(text)}\n`);
}

/**
 * Writes to standard output, whole. Throws where it cannot be written, as on a full disk: who keeps an output must not take a part
 * of it for all. Where nobody reads any more, as behind `| head`, the rest is nobody's.
 */
export function writeOutput(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.byteLength > 0) {
    try {
      rest = rest.subarray(writeSync(process.stdout.fd, rest));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw new Error(`standard output cannot be written: ${message}`);
      Bun.sleepSync(RETRY_MS);
    }
  }
}

/** Writes text and the end of its line to standard error. */
export function printError(text: string): void {
  console.warn(visibleLines(text)); // Bun's console.error paints all of it red on a terminal
}

/** Writes JSON to standard output, for programs and for people. Throws where it cannot be written. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Writes rows of cells to standard output as CSV (RFC 4180). Throws where it cannot be written. */
export function printCsv(rows: readonly (readonly string[])[]): void {
  writeOutput(rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join(""));
}

/** What a terminal would obey is shown, in quoted cells too: no value that is ours has a line end of its own. */
function csvCell(text: string): string {
  const shown = visible(text);
  return /[",]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
