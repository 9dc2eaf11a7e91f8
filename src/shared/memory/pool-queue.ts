/** Who waits for a server of a pool now, over all workers. */
import { QueueWord } from "./layout/queues.ts";
import { Header, type SharedMemory } from "./layout/shared-memory.ts";

/** The queues of all workers for one pool together. */
export interface PoolQueue {
  /** Requests that wait. */
  readonly waiting: number;
  /** Those of them that are held because of learned limits. */
  readonly held: number;
  /** Since when the one waits that has waited longest, milliseconds of the boot clock; `null` = nobody waits. */
  readonly oldestMs: number | null;
}

/** @param row of the pool in the table of pools. */
export function readPoolQueue({ header, workers }: Pick<SharedMemory, "header" | "workers">, row: number): PoolQueue {
  let waiting = 0;
  let held = 0;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (let worker = 0; worker < header[Header.WORKER_BLOCKS]; worker++) {
    const { queues } = workers[worker];
    const at = row * QueueWord.LENGTH;
    waiting += queues[at + QueueWord.WAITING];
    held += queues[at + QueueWord.HELD_NOW];
    const oldest = queues[at + QueueWord.OLDEST_MS];
    if (oldest > 0) oldestMs = Math.min(oldestMs, oldest);
  }
  return { waiting, held, oldestMs: Number.isFinite(oldestMs) ? oldestMs : null };
}
