/** Gauges of the process that are 1 while they are so in any pool. */

/** One pool's say. */
export interface PoolGauges {
  /** @param gauge a `LearnerCounter`. */
  set(gauge: number, on: boolean): void;
  /** The pool is gone, and has none on. */
  clear(): void;
}

/** Those of all pools together. */
export class SharedGauges {
  readonly #counters: Float64Array;
  readonly #pools = new Set<Map<number, boolean>>();

  /** @param counters `LearnerCounter`s. */
  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  /** For another pool. */
  add(): PoolGauges {
    const own = new Map<number, boolean>();
    this.#pools.add(own);
    return {
      set: (gauge, on) => {
        if (own.get(gauge) === on || !this.#pools.has(own)) return;
        own.set(gauge, on);
        this.#show(gauge);
      },
      clear: () => {
        this.#pools.delete(own);
        for (const gauge of own.keys()) this.#show(gauge);
      },
    };
  }

  #show(gauge: number): void {
    let any = false;
    for (const pool of this.#pools) any ||= pool.get(gauge) === true;
    this.#counters[gauge] = any ? 1 : 0;
  }
}
