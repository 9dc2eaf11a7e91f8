/**
 * Gives workers memory for explanations as they fill it, up to `EXPLAIN_MEMORY_MB` for all together: nothing is taken where what
 * is there lasts long enough.
 */

import { chunkCount, chunksOf } from "../../shared/memory/explain/chunk-reader.ts";
import { addChunk } from "../../shared/memory/explain/chunks.ts";
import {
  EXPLAIN_CHUNK_WORDS,
  EXPLAIN_CHUNKS,
  type ExplainMemory,
  ExplainRing,
  explainRingIndex,
} from "../../shared/memory/layout/explain.ts";
import { type MemoryPages, NoSharedMemoryError } from "../../shared/memory/pages.ts";
import type { ControlLog } from "../log.ts";

const CHUNK_BYTES = EXPLAIN_CHUNK_WORDS * Int32Array.BYTES_PER_ELEMENT;
/** Of the memory, what usual requests may have; the rest is for failed and slow ones. */
const USUAL_SHARE = 2 / 3;
/** What is older is filled anew before more memory is taken. */
const KEEP_MS = { [ExplainRing.USUAL]: 15 * 60_000, [ExplainRing.KEPT]: 24 * 3_600_000 } as const;
/** Chunks that a ring is given at once, at most. */
const MOST_AT_ONCE = 64;
/** The file system of the shared memory keeps so much for what is needed more. */
const LEFT_BYTES = 16 * 1024 * 1024;

const RINGS = [ExplainRing.USUAL, ExplainRing.KEPT] as const;

/** What it needs. */
export interface KeeperOptions {
  readonly memory: ExplainMemory;
  readonly pages: Pick<MemoryPages, "reserveExplainChunk" | "freeBytes">;
  readonly log: ControlLog;
}

/** One instance's. */
export class ExplainKeeper {
  readonly #options: KeeperOptions;
  /** Chunks 0 … n-1 have been given. */
  #given = 0;
  /** By ring: turn of its newest chunk when it was last looked at. */
  readonly #turns = new Map<number, number>();
  #isShort = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Taken so far. */
  get bytes(): number {
    return this.#given * CHUNK_BYTES;
  }

  /** There was no room for more, although more was allowed. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Looks what workers 0 … `workers`-1 will need until it looks again.
   * @param limitBytes for all of them.
   * @param nowMs of the boot clock.
   */
  look(workers: number, limitBytes: number, nowMs: number): void {
    const { memory } = this.#options;
    const chunks = Math.min(EXPLAIN_CHUNKS, Math.floor(limitBytes / CHUNK_BYTES));
    for (const ring of RINGS) {
      const share = ring === ExplainRing.USUAL ? USUAL_SHARE : 1 - USUAL_SHARE;
      const most = Math.max(1, Math.floor((chunks * share) / workers));
      memory.limits[ring] = most * EXPLAIN_CHUNK_WORDS;
      for (let worker = 0; worker < workers; worker++) this.#fill(worker, ring, most, nowMs);
    }
  }

  #fill(worker: number, ring: ExplainRing, most: number, nowMs: number): void {
    const { memory } = this.#options;
    const index = explainRingIndex(worker, ring);
    const count = chunkCount(memory, worker, ring);
    if (count >= most) return;
    const filled = chunksOf(memory, worker, ring);
    const turn = filled[0]?.turn ?? 0;
    const begun = turn - (this.#turns.get(index) ?? turn);
    this.#turns.set(index, turn);
    // What a chunk holds is older than the first record of the one behind it.
    const old = filled.filter((_, i) => i > 0 && filled[i - 1].sinceMs < nowMs - KEEP_MS[ring]).length;
    const spare = count - filled.length + old;
    const wanted = Math.min(Math.max(1, 2 * begun), MOST_AT_ONCE);
    for (let more = Math.min(wanted - spare, most - count); more > 0; more--) {
      if (!this.#give(worker, ring, count === 0)) return;
    }
  }

  /** @param isFirst its ring has nothing yet. */
  #give(worker: number, ring: ExplainRing, isFirst: boolean): boolean {
    const { memory, pages, log } = this.#options;
    if (this.#given >= EXPLAIN_CHUNKS) return false;
    try {
      if (!isFirst && pages.freeBytes() < LEFT_BYTES) {
        throw new NoSharedMemoryError("the file system of the shared memory is nearly full");
      }
      pages.reserveExplainChunk(this.#given);
    } catch (error) {
      if (!this.#isShort) {
        log.warn({ err: error, bytes: this.bytes }, "no more memory for explanations: what is there is used again");
      }
      this.#isShort = true;
      return false;
    }
    this.#isShort = false;
    addChunk(memory, worker, ring, this.#given++);
    return true;
  }
}
