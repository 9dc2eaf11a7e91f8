/** Reads the rings of chunks, newest records first, while they are written. */
import {
  EXPLAIN_CHUNK_WORDS,
  EXPLAIN_CHUNKS,
  EXPLAIN_RINGS,
  type ExplainMemory,
  type ExplainRing,
  ExplainWord,
  explainRingIndex,
} from "../layout/explain.ts";
import { newRow, type Row } from "../ring.ts";
import { fence } from "../server-table/reader.ts";

/** A chunk as it was found. */
export interface FoundChunk {
  readonly worker: number;
  readonly chunk: number;
  readonly turn: number;
  /** When its first record began, milliseconds of the boot clock. */
  readonly sinceMs: number;
}

/** The chunks of a ring that hold something, those begun last first. Empty where `worker` has none. */
export function chunksOf(memory: ExplainMemory, worker: number, ring: ExplainRing): FoundChunk[] {
  const { next, turn, used, doubles } = memory;
  const first = Atomics.load(memory.first, explainRingIndex(worker, ring)) - 1;
  if (first < 0) return [];
  const found: FoundChunk[] = [];
  let chunk = first;
  // A ring is closed; that it is not followed for ever is no matter of belief.
  for (let i = 0; i < EXPLAIN_CHUNKS; i++) {
    const begun = Atomics.load(turn, chunk);
    if (begun > 0 && Atomics.load(used, chunk) > 0) {
      const sinceMs = doubles[(chunk * EXPLAIN_CHUNK_WORDS + ExplainWord.BEGAN) >> 1];
      found.push({ worker, chunk, turn: begun, sinceMs });
    }
    chunk = Atomics.load(next, chunk);
    if (chunk === first) break;
  }
  return found.sort((a, b) => b.turn - a.turn);
}

/** How many chunks a ring has. */
export function chunkCount(memory: ExplainMemory, worker: number, ring: ExplainRing): number {
  const first = Atomics.load(memory.first, explainRingIndex(worker, ring)) - 1;
  if (first < 0) return 0;
  let count = 1;
  for (let chunk = memory.next[first]; chunk !== first && count < EXPLAIN_CHUNKS; chunk = memory.next[chunk]) count++;
  return count;
}

/** Whole chunks, copied out of the memory. */
export class ChunkReader {
  readonly #memory: ExplainMemory;
  readonly #copy: Row = newRow(EXPLAIN_CHUNK_WORDS);
  /** Where the records of the copy begin. */
  readonly #starts: number[] = [];

  constructor(memory: ExplainMemory) {
    this.#memory = memory;
  }

  /** The records of a chunk, the newest first; empty when it has been begun anew since. The views are used again. */
  *read({ chunk, turn }: FoundChunk): Generator<Record, void> {
    const { words } = this.#memory;
    const copy = this.#copy;
    const length = Math.min(EXPLAIN_CHUNK_WORDS, Atomics.load(this.#memory.used, chunk));
    const from = chunk * EXPLAIN_CHUNK_WORDS;
    fence();
    copy.words.set(words.subarray(from, from + length));
    fence();
    if (Atomics.load(this.#memory.turn, chunk) !== turn) return;
    const starts = this.#starts;
    starts.length = 0;
    for (let at = 0; at < length; ) {
      const words = copy.words[at + ExplainWord.LENGTH] & 0xffff;
      // Nonsense ends it: what is behind cannot be found.
      if (words < ExplainWord.BODY || at + words > length) break;
      starts.push(at);
      at += words;
    }
    for (let i = starts.length - 1; i >= 0; i--) yield { row: copy, at: starts[i] };
  }
}

/** A record in a copy. */
export interface Record {
  readonly row: Row;
  /** Its first word. */
  readonly at: number;
}

/** Rings that there can be of `workers`. */
export function ringsOf(workers: number): number {
  return workers * EXPLAIN_RINGS;
}
