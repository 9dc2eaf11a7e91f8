/**
 * A sample of bounded size from records that were written with probabilities of their own. It is priority sampling: each
 * record of weight w = 1/p gets the priority w/u, u uniform, the highest are kept, and each that is kept stands for
 * max(w, τ), τ being the highest priority that was not kept; so sums over any part of the sample are unbiased, whatever the
 * weights, and this for every size that is cut down to later. (Duffield, Lund, Thorup: Priority sampling for estimation of
 * arbitrary subset sums, 2007.)
 */

/** Details of one request. */
export interface Detail {
  /** Its record. */
  readonly words: Int32Array;
  /** When it ended, milliseconds since the epoch. */
  readonly endedMs: number;
  /** 1 / the probability with which it was written. */
  readonly weight: number;
  /** 1 / its priority: the lowest are kept. */
  readonly rank: number;
}

export class Reservoir {
  readonly #size: number;
  readonly #random: () => number;
  /** A heap, the highest rank on top. */
  readonly #heap: Detail[] = [];

  /** @param size the most that may be asked for. @param random uniform in [0, 1). */
  constructor(size: number, random: () => number) {
    // One more says where those that are kept end.
    this.#size = size === 0 ? 0 : size + 1;
    this.#random = random;
  }

  /** How many there are; those beyond its size are not counted. */
  get length(): number {
    return this.#heap.length;
  }

  /** All that there are, in no order. */
  get all(): readonly Detail[] {
    return this.#heap;
  }

  /** Offers a record; it is copied if it is kept. */
  add(words: Int32Array, probability: number, endedMs: number): void {
    const heap = this.#heap;
    if (this.#size === 0) return;
    const rank = (1 - this.#random()) * probability; // never 0
    if (heap.length >= this.#size) {
      if (rank >= heap[0].rank) return;
      heap[0] = { words: words.slice(), endedMs, weight: 1 / probability, rank };
      this.#sink();
    } else {
      heap.push({ words: words.slice(), endedMs, weight: 1 / probability, rank });
      this.#rise();
    }
  }

  #rise(): void {
    const heap = this.#heap;
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].rank >= heap[at].rank) return;
      [heap[parent], heap[at]] = [heap[at], heap[parent]];
      at = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let highest = at;
      if (left < heap.length && heap[left].rank > heap[highest].rank) highest = left;
      if (left + 1 < heap.length && heap[left + 1].rank > heap[highest].rank) highest = left + 1;
      if (highest === at) return;
      [heap[highest], heap[at]] = [heap[at], heap[highest]];
      at = highest;
    }
  }
}
