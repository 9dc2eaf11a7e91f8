/**
 * A table of keys in shared memory: what each worker sees of one, all see. It never grows, never waits and is never cleaned:
 *
 * - a key is a hash of 64 bits. 32 of them say in which two sets of eight it may be, the others tell it apart there: of a full
 *   table a new key meets another one's place once in 2^28;
 * - a set is a cache line: eight tags, then their eight values. What has a value that means nothing any more is free;
 * - a place is taken by one compare-and-swap of its tag. Its value needs no cleaning: what is free means nothing to anybody.
 *
 * Races cost no more than a request is worth: of two workers that take the same key's first place at once one loses and looks
 * again; one that has found a place just before another key takes it counts its request for that one.
 */

/** Keys in one set. */
const WAYS = 8;
/** Words of a set: tags, then values. */
export const SET_WORDS = 2 * WAYS;
/** As often a place is looked for anew when others take it. */
const MAX_TRIES = 4;

/** No place was free. */
export const NO_PLACE = -1;

/** Says what values mean. */
export interface ValueRules {
  /** Does this value mean nothing any more? */
  isFree(value: number, now: number): boolean;
  /** What would be lost with it: of those in use the least is forgotten first. Negative = it must not be forgotten. */
  worth(value: number, now: number): number;
  /** What a place has whose key was forgotten. */
  fresh(now: number): number;
}

/** One table: views over `sets × SET_WORDS` words. Every process that maps it has its own. */
export class KeyTable {
  readonly #words: Int32Array;
  readonly #mask: number;
  readonly #rules: ValueRules;
  /** Whether the last `find` had to forget another key. */
  forgot = false;

  /** @param words a power of two of sets. */
  constructor(words: Int32Array, rules: ValueRules) {
    this.#words = words;
    this.#mask = words.length / SET_WORDS - 1;
    this.#rules = rules;
  }

  /**
   * The place of a key, which it takes if it has none: the index of its value, for `load` and `swap`; `NO_PLACE` = both its sets are full.
   * @param forgets a key that is worth little may be forgotten for it.
   */
  find(hi: number, lo: number, now: number, forgets: boolean): number {
    this.forgot = false;
    const tag = lo === 0 ? 1 : lo; // 0 = nobody's
    const first = (hi & this.#mask) * SET_WORDS;
    const second = ((hi >>> 15) & this.#mask) * SET_WORDS;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      let at = this.#known(first, tag);
      if (at < 0) at = this.#known(second, tag);
      if (at < 0) at = this.#take(first, second, tag, now);
      if (at === NO_PLACE && forgets) at = this.#replace(first, second, tag, now);
      if (at >= 0) return at + WAYS;
      if (at === NO_PLACE) return NO_PLACE;
    }
    return NO_PLACE;
  }

  load(at: number): number {
    return Atomics.load(this.#words, at);
  }

  /** @returns whether the value was still `expected`. */
  swap(at: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#words, at, expected, value) === expected;
  }

  add(at: number, amount: number): void {
    Atomics.add(this.#words, at, amount);
  }

  /** How many are in use: counted in as many sets at most, and the rest by their share. */
  used(now: number, mostSets: number): number {
    const sets = this.#mask + 1;
    const step = Math.max(1, Math.ceil(sets / mostSets));
    let used = 0;
    let seen = 0;
    for (let set = 0; set < sets; set += step, seen++) {
      const start = set * SET_WORDS;
      for (let at = start; at < start + WAYS; at++) if (!this.#isFree(at, now)) used++;
    }
    return Math.round((used * sets) / seen);
  }

  #known(set: number, tag: number): number {
    const words = this.#words;
    for (let at = set; at < set + WAYS; at++) if (words[at] === tag) return at;
    return NO_PLACE;
  }

  #isFree(at: number, now: number): boolean {
    return this.#words[at] === 0 || this.#rules.isFree(this.#words[at + WAYS], now);
  }

  /** A free place, of the set that has more of them. */
  #take(first: number, second: number, tag: number, now: number): number {
    let [best, bestCount] = [NO_PLACE, 0];
    for (let side = 0; side < 2; side++) {
      const set = side === 0 ? first : second;
      let [at, count] = [NO_PLACE, 0];
      for (let i = set + WAYS - 1; i >= set; i--) {
        if (!this.#isFree(i, now)) continue;
        at = i;
        count++;
      }
      if (count > bestCount) [best, bestCount] = [at, count];
    }
    if (best === NO_PLACE) return NO_PLACE;
    const words = this.#words;
    const before = words[best];
    return before !== tag && Atomics.compareExchange(words, best, before, tag) === before ? best : LOST;
  }

  /** The place of the key that is worth least. */
  #replace(first: number, second: number, tag: number, now: number): number {
    const words = this.#words;
    let [best, least] = [NO_PLACE, Number.POSITIVE_INFINITY];
    for (let side = 0; side < 2; side++) {
      const set = side === 0 ? first : second;
      for (let i = set; i < set + WAYS; i++) {
        const worth = this.#rules.worth(words[i + WAYS], now);
        if (worth >= 0 && worth < least) [best, least] = [i, worth];
      }
    }
    if (best === NO_PLACE) return NO_PLACE;
    const before = words[best];
    if (before === tag || Atomics.compareExchange(words, best, before, tag) !== before) return LOST;
    Atomics.store(words, best + WAYS, this.#rules.fresh(now));
    this.forgot = true;
    return best;
  }
}

/** Somebody else was faster: look again. */
const LOST = -2;
