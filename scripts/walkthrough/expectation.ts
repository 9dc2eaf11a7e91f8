/**
 * What a command's output must be, as text with marks for what differs from run to run. Words are exact. A run of two blanks or more
 * stands for any run of blanks, one of three dashes or more for any of dashes: widths of tables follow from what is in them.
 *
 *   <n>       a number                      <time>    a moment, as JSON or PostgreSQL writes it
 *   <2..90>   a number from 2 to 90         <id>      letters and digits, eight or more
 *   <word>    anything without a blank      <text>    anything up to what follows
 *   ...       alone on a line: any lines, or none
 */

const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:e[+-]?\d+)?`;
/** What each mark stands for, as a regular expression. */
const MARKS: Readonly<Record<string, string>> = {
  n: NUMBER,
  time: String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?`,
  id: "[0-9A-Za-z]{8,}",
  word: String.raw`\S+`,
  text: ".+?",
};
const RANGE = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/;
const ANY_LINES = "...";

/** One line of an expectation. */
interface LinePattern {
  readonly source: string;
  readonly pattern: RegExp;
  /** Bounds of its groups, in order. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** An expectation of any number of lines. */
export class Expectation {
  /** `null` = any lines. */
  readonly #lines: readonly (LinePattern | null)[];

  /** Throws a `SyntaxError` that names a mark that there is not. */
  constructor(text: string) {
    this.#lines = linesOf(text).map((line) => (line.trim() === ANY_LINES ? null : patternOf(line)));
  }

  /** What is not as it should be, as a sentence; `null` = everything is. */
  problemOf(output: string): string | null {
    const lines = linesOf(output);
    /** How far it went at best: of the expectation, and of the output. */
    let furthest: readonly [number, number] = [0, 0];
    const matches = (at: number, line: number): boolean => {
      if (at + line > furthest[0] + furthest[1]) furthest = [at, line];
      if (at === this.#lines.length) return line === lines.length;
      const expected = this.#lines[at];
      if (expected === null) {
        for (let next = line; next <= lines.length; next++) if (matches(at + 1, next)) return true;
        return false;
      }
      return line < lines.length && isLine(expected, lines[line]) && matches(at + 1, line + 1);
    };
    if (matches(0, 0)) return null;
    const [at, line] = furthest;
    const expected = this.#lines[at];
    const wanted = expected === undefined ? "nothing more" : (expected?.source ?? ANY_LINES);
    return `line ${line + 1} should be\n  ${wanted}\nand is\n  ${lines[line] ?? "(nothing: the output ends)"}`;
  }
}

/** Lines without what ends them; blank ones at the end do not count. */
function linesOf(text: string): string[] {
  const lines = text
    .replace(/\s+$/, "")
    .split("\n")
    .map((line) => line.replace(/\s+$/, ""));
  return lines.length === 1 && lines[0] === "" ? [] : lines;
}

function isLine({ pattern, ranges }: LinePattern, line: string): boolean {
  const match = pattern.exec(line);
  if (match === null) return false;
  return ranges.every(([low, high], at) => low <= Number(match[at + 1]) && Number(match[at + 1]) <= high);
}

function patternOf(line: string): LinePattern {
  const ranges: [number, number][] = [];
  const parts = line.split(/(<[^<>\s]+>| {2,}|-{3,})/).map((part) => {
    if (/^ {2,}$/.test(part)) return " +";
    if (/^-{3,}$/.test(part)) return "-+";
    const [, mark] = /^<([^<>\s]+)>$/.exec(part) ?? [];
    if (mark === undefined) return RegExp.escape(part);
    const range = RANGE.exec(mark);
    if (range !== null) {
      ranges.push([Number(range[1]), Number(range[2])]);
      return `(${NUMBER})`;
    }
    if (!Object.hasOwn(MARKS, mark)) {
      throw new SyntaxError(`<${mark}> is no mark: there are <${Object.keys(MARKS).join(">, <")}> and <from..to>`);
    }
    return MARKS[mark];
  });
  return { source: line, pattern: new RegExp(`^ *${parts.join("").replace(/^ \+/, "")}$`), ranges };
}
