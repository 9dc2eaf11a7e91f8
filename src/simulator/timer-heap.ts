/** Priority queues over typed arrays: nothing is allocated per event. */

/** A binary min-heap of (key, value) pairs; grows by doubling. */
export class TimerHeap {
  #keys: Float64Array;
  #values: Int32Array;
  #size = 0;

  constructor(capacity = 16) {
    this.#keys = new Float64Array(capacity);
    this.#values = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The least key, or `Infinity` when empty. */
  get topKey(): number {
    return this.#size > 0 ? this.#keys[0] : Number.POSITIVE_INFINITY;
  }

  push(key: number, value: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const values = this.#values;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      values[at] = values[parent];
      at = parent;
    }
    keys[at] = key;
    values[at] = value;
  }

  /** Removes the pair with the least key and returns its value; only when `size` > 0. */
  pop(): number {
    const keys = this.#keys;
    const values = this.#values;
    const top = values[0];
    const size = --this.#size;
    const key = keys[size];
    const value = values[size];
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && keys[child + 1] < keys[child]) child++;
      if (keys[child] >= key) break;
      keys[at] = keys[child];
      values[at] = values[child];
      at = child;
    }
    keys[at] = key;
    values[at] = value;
    return top;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const values = new Int32Array(keys.length);
    keys.set(this.#keys);
    values.set(this.#values);
    this.#keys = keys;
    this.#values = values;
  }
}

/** The next event of each of a fixed number of sources, `Infinity` = none; knows the earliest. */
export class NextEvents {
  readonly #time: Float64Array;
  readonly #heap: Int32Array;
  readonly #place: Int32Array;

  constructor(sources: number) {
    this.#time = new Float64Array(sources).fill(Number.POSITIVE_INFINITY);
    this.#heap = Int32Array.from({ length: sources }, (_, i) => i);
    this.#place = this.#heap.slice();
  }

  get earliest(): number {
    return this.#heap[0];
  }

  get earliestMs(): number {
    return this.#time[this.#heap[0]];
  }

  set(source: number, timeMs: number): void {
    const time = this.#time;
    const heap = this.#heap;
    const place = this.#place;
    const before = time[source];
    time[source] = timeMs;
    let at = place[source];
    if (timeMs < before) {
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const other = heap[parent];
        if (time[other] <= timeMs) break;
        heap[at] = other;
        place[other] = at;
        at = parent;
      }
    } else {
      const size = heap.length;
      for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && time[heap[child + 1]] < time[heap[child]]) child++;
        const other = heap[child];
        if (time[other] >= timeMs) break;
        heap[at] = other;
        place[other] = at;
        at = child;
      }
    }
    heap[at] = source;
    place[source] = at;
  }
}
