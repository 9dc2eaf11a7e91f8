/**
 * Requests that wait because every server of a pool is at its hard limit: first come, first served, bounded in length; each has a
 * deadline of its own (`QUEUE_TIMEOUT_MS`). A place may also come free through another worker, which nobody announces,
 * so while anyone waits the worker looks every few milliseconds.
 */
import { type WorkerBlock, WorkerCounter } from "../../shared/memory/layout/shared-memory.ts";

/** Somebody in the queue. */
export interface Waiting {
  /** Tries again to get a server. False = still no room. */
  retryFromQueue(nowMs: number): boolean;
}

/** How often the queue is tried while anyone waits, milliseconds. */
const QUEUE_POLL_MS = 5;

export class WaitQueue {
  /** As it was counted last. */
  #counted = 0;
  readonly #waiting: Waiting[] = [];
  readonly #block: WorkerBlock;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  #timer: ReturnType<typeof setInterval> | null = null;

  /** @param onError told what a request threw when its turn came: the others go on waiting. */
  constructor(block: WorkerBlock, now: () => number, onError: (error: unknown) => void) {
    this.#block = block;
    this.#now = now;
    this.#onError = onError;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#changed();
  }

  remove(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#changed();
  }

  /** Serves from the front while there is room. */
  poll(nowMs: number): void {
    while (this.#waiting.length > 0) {
      // Taken out first: what it does may free a place, which polls again, and it may even come back to the end.
      const first = this.#waiting.shift() as Waiting;
      if (first.retryFromQueue(nowMs)) continue;
      this.#waiting.unshift(first);
      break;
    }
    this.#changed();
  }

  #pollGuarded(): void {
    try {
      this.poll(this.#now());
    } catch (error) {
      this.#onError(error);
    }
  }

  #changed(): void {
    // The worker's other pools count there, too.
    this.#block.counters[WorkerCounter.QUEUE_LENGTH] += this.#waiting.length - this.#counted;
    this.#counted = this.#waiting.length;
    if (this.#waiting.length > 0) {
      this.#timer ??= setInterval(() => this.#pollGuarded(), QUEUE_POLL_MS);
    } else if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}
