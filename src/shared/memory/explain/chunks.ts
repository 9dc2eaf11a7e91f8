/** Gives chunks to rings. Used by the supervisor alone: it is the one writer of `first` and `next`. */
import { type ExplainMemory, type ExplainRing, explainRingIndex } from "../layout/explain.ts";

/** Puts `chunk`, whose pages are real, into a ring, to be filled next. */
export function addChunk(memory: ExplainMemory, worker: number, ring: ExplainRing, chunk: number): void {
  const { first, next, current } = memory;
  const index = explainRingIndex(worker, ring);
  if (first[index] === 0) {
    Atomics.store(next, chunk, chunk);
    Atomics.store(first, index, chunk + 1);
    return;
  }
  // Behind the one that is being filled. If the worker has just gone on, it comes to this one a round later.
  const before = Math.max(0, (Atomics.load(current, index) || first[index]) - 1);
  Atomics.store(next, chunk, next[before]);
  Atomics.store(next, before, chunk);
}
