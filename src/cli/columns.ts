/** Rows with their cells below each other; the last one is as long as it is. A cell is one line, whatever is in it. */
import { visible } from "../shared/visible-text.ts";

/** The rows as lines. */
export function columns(rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(visible));
  const widths = shown[0].map((_, column) => Math.max(...shown.map((row) => row[column].length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ");
  return shown.map((row) => line(row).trimEnd()).join("\n");
}
