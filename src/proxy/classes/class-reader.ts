import { CLASS_PLACES, type ClassTable, ClassWord } from "../../shared/memory/layout/classes.ts";

/** How far from its place a hash may be: the table is at most half full. */
const PROBES = 16;

/** Looks up which class a template is, in what the learner has published last. Nobody else needs to know how it is laid out. */
export class ClassReader {
  readonly #table: ClassTable;

  constructor(table: ClassTable) {
    this.#table = table;
  }

  /** The number of the class; 0 = it is none. */
  find(hash: number): number {
    const { words, placeHash, placeClass } = this.#table;
    const sequence = words[ClassWord.TABLE];
    if (sequence === 0 || hash === 0) return 0;
    const from = (sequence & 1) * CLASS_PLACES;
    for (let probe = 0; probe < PROBES; probe++) {
      const place = from + ((hash + probe) & (CLASS_PLACES - 1));
      const found = placeHash[place];
      if (found === hash) return placeClass[place];
      if (found === 0) return 0;
    }
    return 0;
  }
}
