/** Fills one ring of chunks with records. The layout says what that is; who writes and reads is said there. */
import { EXPLAIN_CHUNK_WORDS, type ExplainMemory, type ExplainRing, explainRingIndex } from "../layout/explain.ts";

/** There is no chunk: nothing is kept. */
export const NO_ROOM = -1;

/** Of one worker. */
export class ChunkWriter {
  readonly memory: ExplainMemory;
  readonly #ring: number;
  /** Chunk that is being filled; -1 = none. */
  #chunk = -1;
  #used = 0;
  #turn = 0;

  /** Goes on where the worker before has left off. */
  constructor(memory: ExplainMemory, worker: number, ring: ExplainRing) {
    this.memory = memory;
    this.#ring = explainRingIndex(worker, ring);
    this.#chunk = memory.current[this.#ring] - 1;
    if (this.#chunk < 0) return;
    this.#turn = memory.turn[this.#chunk];
    this.#used = memory.used[this.#chunk];
    // It died while it began this one.
    if (this.#turn === 0) this.#turn = this.#newest();
  }

  /**
   * Where a record of `length` words may be written; `NO_ROOM` = nowhere. Nobody reads it before `commit`.
   * @param length even, at most a chunk's.
   */
  next(length: number): number {
    if (this.#chunk < 0 || this.#used + length > EXPLAIN_CHUNK_WORDS) {
      if (!this.#begin()) return NO_ROOM;
    }
    return this.#chunk * EXPLAIN_CHUNK_WORDS + this.#used;
  }

  /** Shows the record that was written. */
  commit(length: number): void {
    this.#used += length;
    // A read-modify-write keeps the stores before it before it, and those of the next record behind it.
    Atomics.exchange(this.memory.used, this.#chunk, this.#used);
  }

  /** Begins the next chunk. */
  #begin(): boolean {
    const { first, next, current, turn, used } = this.memory;
    const chunk = this.#chunk < 0 ? Atomics.load(first, this.#ring) - 1 : Atomics.load(next, this.#chunk);
    if (chunk < 0) return false;
    // Who reads it finds out first that it is another one.
    Atomics.exchange(turn, chunk, 0);
    Atomics.exchange(used, chunk, 0);
    Atomics.exchange(current, this.#ring, chunk + 1);
    this.#chunk = chunk;
    this.#used = 0;
    Atomics.exchange(turn, chunk, ++this.#turn);
    return true;
  }

  /** Of the ring's chunks. */
  #newest(): number {
    const { first, next, turn } = this.memory;
    const begin = first[this.#ring] - 1;
    let newest = 0;
    let chunk = begin;
    do {
      newest = Math.max(newest, turn[chunk]);
      chunk = next[chunk];
    } while (chunk !== begin);
    return newest;
  }
}
