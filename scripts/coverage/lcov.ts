/** Coverage as the runner writes it (lcov's format, of which it has lines and counts of functions), read and added up. */

/** What is known of one source file. */
export interface FileCoverage {
  /** From the repository's root. */
  readonly path: string;
  /** How often each line ran, by its number; lines without code are not there. */
  readonly hits: ReadonlyMap<number, number>;
  readonly functions: { readonly found: number; readonly hit: number };
}

/** Lines with code, and those of them that ran. */
export interface Count {
  readonly found: number;
  readonly hit: number;
}

/**
 * The files of a report, by path. Of a file that is in it several times the lines are added up; functions are only counted
 * there, so the run that saw most of them counts. Throws when the text is no such report.
 */
export function parseLcov(text: string): Map<string, FileCoverage> {
  const files = new Map<string, FileCoverage>();
  let path = "";
  let hits = new Map<number, number>();
  let functions = { found: 0, hit: 0 };
  for (const [i, line] of text.split("\n").entries()) {
    const [, name, value] = /^([A-Z]+):(.*)$/.exec(line) ?? [];
    if (name === "SF") {
      path = value;
      hits = new Map();
      functions = { found: 0, hit: 0 };
    } else if (name === "DA") {
      const [at, count] = value.split(",").map(Number);
      if (!Number.isInteger(at) || !Number.isFinite(count)) throw new Error(`line ${i + 1} of the report: ${line}`);
      hits.set(at, count);
    } else if (name === "FNF") functions = { ...functions, found: Number(value) };
    else if (name === "FNH") functions = { ...functions, hit: Number(value) };
    else if (line === "end_of_record") add(files, { path, hits, functions });
  }
  return files;
}

/** Adds what another run saw. */
function add(files: Map<string, FileCoverage>, more: FileCoverage): void {
  const known = files.get(more.path);
  if (known === undefined) {
    files.set(more.path, more);
    return;
  }
  const hits = new Map(known.hits);
  for (const [line, count] of more.hits) hits.set(line, (hits.get(line) ?? 0) + count);
  const functions = more.functions.hit > known.functions.hit ? more.functions : known.functions;
  files.set(more.path, { path: more.path, hits, functions });
}

/** Reports of several runs as one. */
export function mergeLcov(texts: readonly string[]): Map<string, FileCoverage> {
  return parseLcov(texts.join("\n"));
}

/** Lines of one file. */
export function linesOf({ hits }: FileCoverage): Count {
  return { found: hits.size, hit: [...hits.values()].filter((count) => count > 0).length };
}

/** Of several. */
export function sum(counts: readonly Count[]): Count {
  return counts.reduce((total, { found, hit }) => ({ found: total.found + found, hit: total.hit + hit }), {
    found: 0,
    hit: 0,
  });
}

/** As people read it: "87.5 %", and nothing of nothing is all. Not rounded up to 100. */
export function percent({ found, hit }: Count): string {
  return found === 0 ? "100 %" : `${(Math.floor((1000 * hit) / found) / 10).toFixed(1)} %`;
}
