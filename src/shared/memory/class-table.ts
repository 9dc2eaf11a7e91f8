/** Classes of requests of one pool, as whoever shows them reads what the learner has published. */
import { CLASSES, ClassFigure, ClassNameWord, type ClassTable, ClassWord, TEMPLATE_BYTES } from "./layout/classes.ts";
import { METHODS } from "./series-table.ts";
import { fence } from "./server-table/reader.ts";

/** A class as it stands. */
export interface PublishedClass {
  /** 0 = the rest, which is of no template. */
  readonly number: number;
  /** Hash of its template; 0 = it has none. */
  readonly hash: number;
  /** `null` = of any: it is the rest. */
  readonly method: string | null;
  readonly template: string | null;
  /** Number of its route. */
  readonly route: number | null;
  /** Responses that were learned from since it is a class. */
  readonly requests: number;
  /** What one costs, in mean requests; 1 = not known, or not known to differ. */
  readonly cost: number;
  /** Standard error of what was measured, as a share of it; 0 = there is too little. */
  readonly error: number;
  /** Share of the requests and of the work, of late, 0 … 1. */
  readonly share: number;
  readonly workShare: number;
  /** Mean time that servers took, of late, milliseconds; 0 = there was none. */
  readonly meanMs: number;
  /** What one costs at the server where it is cheapest, and where it is dearest. */
  readonly leastCost: number;
  readonly greatestCost: number;
}

/** Looks at what is in writing. */
const LOOKS = 100;

/**
 * All of them, the rest first; empty = none are told apart, or nothing was learned yet. Only of a pool that tells them apart:
 * others' pages may not be real.
 */
export function readClasses(table: ClassTable): readonly PublishedClass[] {
  const { words } = table;
  if (words[ClassWord.TABLE] === 0) return [];
  for (let look = 0; look < LOOKS; look++) {
    const before = Atomics.load(words, ClassWord.NAMES);
    if ((before & 1) === 1) continue;
    fence();
    const classes = Array.from({ length: CLASSES }, (_, number) => readClass(table, number)).filter(
      (one) => one !== null,
    );
    fence();
    if (Atomics.load(words, ClassWord.NAMES) === before) return classes;
  }
  return []; // the learner died in the midst of it
}

function readClass({ names, figures }: ClassTable, number: number): PublishedClass | null {
  const at = number * ClassNameWord.LENGTH;
  const from = number * ClassFigure.LENGTH;
  const hash = names[at + ClassNameWord.HASH];
  if (hash === 0 && number !== 0) return null;
  const named = hash !== 0;
  return {
    number,
    hash,
    method: named ? (METHODS[names[at + ClassNameWord.METHOD]] ?? METHODS[0]) : null,
    template: named ? textOf(names, at) : null,
    route: named ? names[at + ClassNameWord.ROUTE] : null,
    requests: figures[from + ClassFigure.REQUESTS],
    cost: figures[from + ClassFigure.COST],
    error: figures[from + ClassFigure.ERROR],
    share: figures[from + ClassFigure.SHARE],
    workShare: figures[from + ClassFigure.WORK_SHARE],
    meanMs: figures[from + ClassFigure.MEAN_MS],
    leastCost: figures[from + ClassFigure.LEAST_COST],
    greatestCost: figures[from + ClassFigure.GREATEST_COST],
  };
}

function textOf({ buffer, byteOffset }: Int32Array, word: number): string {
  const names = new Int32Array(buffer, byteOffset + word * Int32Array.BYTES_PER_ELEMENT, ClassNameWord.LENGTH);
  const length = Math.min(Math.max(names[ClassNameWord.BYTES], 0), TEMPLATE_BYTES);
  const bytes = new Uint8Array(buffer, names.byteOffset + ClassNameWord.TEXT * Int32Array.BYTES_PER_ELEMENT, length);
  return new TextDecoder().decode(bytes.slice());
}
