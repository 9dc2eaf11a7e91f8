/** Where commands write. What they print may hold text from outside: nothing in it reaches a terminal as a command. */
import { visibleLines } from "../shared/visible-text.ts";

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
