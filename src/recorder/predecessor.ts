/**
 * What a recorder that is no more has left to its successor: it had read some records, and handed some seconds to the store
 * that may or may not have them. These are put together again as they were, so that the store, which takes each row of
 * counts once, has every request once.
 */
import type { RecorderMemory } from "../shared/memory/layout/history.ts";
import type { Position, Progress } from "./progress.ts";

export class Predecessor {
  readonly #intended: Position | null;
  readonly #unsure: { readonly first: number; readonly last: number } | null;
  /** By worker: number of the last request that it had read. */
  readonly #read: Int32Array;
  readonly #wallOffsetMs: number;

  constructor(progress: Progress, memory: RecorderMemory) {
    const { certain, intended } = progress;
    // Where the clock was set back in between, seconds say nothing of what comes before what.
    this.#intended = certain !== null && intended?.clockTurns === certain.clockTurns ? intended : null;
    this.#unsure = certain && this.#intended && { first: certain.second + 1, last: this.#intended.second };
    this.#read = memory.counted.slice();
    this.#wallOffsetMs = progress.wallOffsetMs;
  }

  /** The seconds that the store may have or not: from the first to the last; `null` = there are none. */
  get unsure(): { readonly first: number; readonly last: number } | null {
    return this.#unsure;
  }

  /** What, added to the boot clock, it would have counted the request `number` by. @param offsetMs what it is today. */
  offsetMs(worker: number, number: number, offsetMs: number): number {
    return this.#wallOffsetMs !== 0 && isUpTo(number, this.#read[worker]) ? this.#wallOffsetMs : offsetMs;
  }

  /** The earliest second that the request (or the details) `number` counts to. */
  least(of: "requests" | "details", worker: number, number: number): number {
    const intended = this.#intended;
    return intended === null || isUpTo(number, intended[of][worker]) ? 0 : intended.second + 1;
  }

  /** The latest one. */
  most(of: "requests" | "details", worker: number, number: number): number {
    const intended = this.#intended;
    return intended !== null && isUpTo(number, intended[of][worker]) ? intended.second : Number.POSITIVE_INFINITY;
  }
}

function isUpTo(number: number, last: number): boolean {
  return ((last - number) | 0) >= 0;
}
