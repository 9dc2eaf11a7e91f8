/** Colour and width of terminal text. Every character used here is one column wide. */

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

/** Colours and weights of text. */
export type Style = keyof typeof CODES;

/** Styles a text, or leaves it as it is where colour is off. */
export type Paint = (style: Style, text: string) => string;

/** Without colour. */
export const plainPaint: Paint = (_style, text) => text;

/** With the terminal's escape sequences. */
export const ansiPaint: Paint = (style, text) => `\x1b[${CODES[style][0]}m${text}\x1b[${CODES[style][1]}m`;

const ESCAPE = /\x1b\[[0-9;]*m/g;

/** Columns that a styled text takes. */
export function visibleWidth(text: string): number {
  return [...text.replace(ESCAPE, "")].length;
}

/** `text` cut to `width` columns, with an ellipsis where something was lost. Styles are closed. */
export function cut(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text;
  if (width <= 0) return "";
  let columns = 0;
  let out = "";
  let styled = false;
  for (const part of text.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith("\x1b[")) {
      out += part;
      styled = true;
      continue;
    }
    for (const character of part) {
      if (columns === width - 1) return `${out}…${styled ? "\x1b[0m" : ""}`;
      out += character;
      columns++;
    }
  }
  return out;
}

/** `text` filled with blanks to `width` columns, or cut to it. */
export function padEnd(text: string, width: number): string {
  return cut(text, width) + " ".repeat(Math.max(0, width - visibleWidth(text)));
}

/** As `padEnd`, with the blanks before. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - visibleWidth(text))) + cut(text, width);
}

/** A bar of `width` columns, filled for `share` (0 … 1) to an eighth of a column, and the empty rest. */
export function bar(share: number, width: number): readonly [filled: string, empty: string] {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const filled = "█".repeat(eighths >> 3) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths & 7];
  return [filled, "░".repeat(width - [...filled].length)];
}

/** Values as a line of small columns, the largest being full height. NaN leaves a gap. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(...values.filter((value) => !Number.isNaN(value)), 1e-9);
  return values.map((value) => (Number.isNaN(value) ? " " : "▁▂▃▄▅▆▇█"[Math.round((value / top) * 7)])).join("");
}
