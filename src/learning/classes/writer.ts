/** Publishes what is known of one pool's classes: for workers, who look requests up, and for people. Writer: the learner, alone. */
import {
  CLASS_COPIES,
  CLASS_PLACES,
  CLASSES,
  ClassFigure,
  type ClassMemory,
  ClassNameWord,
  type ClassTable,
  ClassWord,
  TEMPLATE_BYTES,
} from "../../shared/memory/layout/classes.ts";
import type { RequestClasses } from "./request-classes.ts";

export class ClassWriter {
  readonly #table: ClassTable;
  readonly #costs: ClassMemory["costs"];
  readonly #row = new Float32Array(CLASSES);
  /** By class: the least and the greatest cost at a server, as written last. */
  readonly #least = new Float64Array(CLASSES);
  readonly #greatest = new Float64Array(CLASSES);

  constructor({ pools, costs }: Pick<ClassMemory, "pools" | "costs">, pool: number) {
    this.#table = pools[pool];
    this.#costs = costs;
  }

  /** Which templates are classes: into the copy that nobody reads, which then is the one that all do. */
  publishClasses(classes: RequestClasses): void {
    const { words, placeHash, placeClass } = this.#table;
    const before = words[ClassWord.TABLE];
    const sequence = ((before + 1) | 0) === 0 ? CLASS_COPIES : (before + 1) | 0;
    const from = (sequence & 1) * CLASS_PLACES;
    placeHash.fill(0, from, from + CLASS_PLACES);
    for (let number = 1; number < CLASSES; number++) {
      const known = classes.at(number);
      if (known === undefined) continue;
      let place = known.hash & (CLASS_PLACES - 1);
      while (placeHash[from + place] !== 0) place = (place + 1) & (CLASS_PLACES - 1);
      placeClass[from + place] = number;
      placeHash[from + place] = known.hash;
    }
    Atomics.store(words, ClassWord.TABLE, sequence);
  }

  /** What requests cost at the servers in `slots`. @param ids by slot: whose costs these are. */
  publishCosts(classes: RequestClasses, slots: ArrayLike<number>, ids: ArrayLike<number>): void {
    const { cost, costId } = this.#costs;
    const row = this.#row;
    this.#least.fill(Number.POSITIVE_INFINITY);
    this.#greatest.fill(0);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      classes.fillCosts(slot, row, 0);
      if (costId[slot] !== ids[slot]) costId[slot] = 0;
      cost.set(row, slot * CLASSES);
      costId[slot] = ids[slot];
      for (let c = 0; c < CLASSES; c++) {
        this.#least[c] = Math.min(this.#least[c], row[c]);
        this.#greatest[c] = Math.max(this.#greatest[c], row[c]);
      }
    }
  }

  /** What people are shown of them. */
  publishFigures(classes: RequestClasses): void {
    const { words, names, figures } = this.#table;
    // Odd while it is written; a learner that was killed meanwhile has left it odd.
    const writing = words[ClassWord.NAMES] | 1;
    Atomics.store(words, ClassWord.NAMES, writing);
    for (let number = 0; number < CLASSES; number++) {
      const at = number * ClassNameWord.LENGTH;
      const to = number * ClassFigure.LENGTH;
      const known = classes.describe(number);
      names[at + ClassNameWord.HASH] = known?.template?.hash ?? 0;
      if (known === undefined) continue;
      if (known.template !== null) {
        const { route, method, text } = known.template;
        names[at + ClassNameWord.ROUTE] = route;
        names[at + ClassNameWord.METHOD] = method;
        names[at + ClassNameWord.BYTES] = this.#writeText(at + ClassNameWord.TEXT, text);
      }
      figures[to + ClassFigure.REQUESTS] = known.requests;
      figures[to + ClassFigure.COST] = known.cost;
      figures[to + ClassFigure.ERROR] = known.error;
      figures[to + ClassFigure.SHARE] = known.share;
      figures[to + ClassFigure.WORK_SHARE] = known.workShare;
      figures[to + ClassFigure.MEAN_MS] = known.meanMs;
      figures[to + ClassFigure.LEAST_COST] = Math.min(this.#least[number], known.cost);
      figures[to + ClassFigure.GREATEST_COST] = Math.max(this.#greatest[number], known.cost);
    }
    Atomics.store(words, ClassWord.NAMES, (writing + 1) | 0);
  }

  #writeText(word: number, text: string): number {
    const { buffer, byteOffset } = this.#table.names;
    const bytes = new Uint8Array(buffer, byteOffset + word * Int32Array.BYTES_PER_ELEMENT, TEMPLATE_BYTES);
    return new TextEncoder().encodeInto(text, bytes).written;
  }
}
