/** Which templates are asked for most, and which make most work, of however many there are: in bounded memory. */

/** Templates that are counted at a time. */
export const SKETCH_TEMPLATES = 256;

/** One that is counted. */
export interface CountedTemplate {
  readonly hash: number;
  /** Hash of the template with any last segment; 0 = there is none. */
  readonly parent: number;
  /** Its weight, and how much of that may be others' whose place it took: it weighs `count - error` at least. */
  count: number;
  error: number;
}

/**
 * Space-Saving (Metwally, Agrawal & El Abbadi 2005), with weights and forgetting: a template that is not counted takes the
 * place of the one that weighs least, and its weight for an error. So whatever weighs more than a 256th of all is in it, and
 * templates that come once, however many, never weigh more than they do: their guaranteed weight stays that of one request.
 */
export class TemplateSketch {
  readonly #most: number;
  readonly #counted = new Map<number, CountedTemplate>();
  #total = 0;

  constructor(most = SKETCH_TEMPLATES) {
    this.#most = most;
  }

  /** Weight of all that was added, with forgetting. */
  get total(): number {
    return this.#total;
  }

  get size(): number {
    return this.#counted.size;
  }

  get(hash: number): CountedTemplate | undefined {
    return this.#counted.get(hash);
  }

  /** @returns the template's entry. What it stood for before is forgotten. */
  add(hash: number, parent: number, weight: number): CountedTemplate {
    this.#total += weight;
    const known = this.#counted.get(hash);
    if (known !== undefined) {
      known.count += weight;
      return known;
    }
    const error = this.#counted.size < this.#most ? 0 : this.#dropLeast();
    const added = { hash, parent, count: error + weight, error };
    this.#counted.set(hash, added);
    return added;
  }

  remove(hash: number): void {
    this.#counted.delete(hash);
  }

  /** Everything counts for so much less. @param keep 0 … 1. */
  fade(keep: number): void {
    this.#total *= keep;
    for (const template of this.#counted.values()) {
      template.count *= keep;
      template.error *= keep;
    }
  }

  /** Those that weigh at least so much for certain, the heaviest first. */
  heaviest(least: number): CountedTemplate[] {
    const found = [...this.#counted.values()].filter(({ count, error }) => count - error >= least);
    return found.sort((a, b) => b.count - b.error - (a.count - a.error));
  }

  #dropLeast(): number {
    let least: CountedTemplate | undefined;
    for (const template of this.#counted.values()) {
      if (least === undefined || template.count < least.count) least = template;
    }
    if (least === undefined) return 0;
    this.#counted.delete(least.hash);
    return least.count;
  }
}
