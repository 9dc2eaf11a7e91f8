/** Long work in the thread that makes health checks: in pieces, one at a time, with a rest in between. */
import { BusyError } from "../admin/shared-response.ts";

/** Longest piece before others have their turn, milliseconds. */
const TURN_MS = 2;
/** What is waited between two pieces, as a multiple of a piece: at most a third of the time goes here. */
const REST = 2;
/** Most who wait. */
const MOST_WAITING = 16;

/** One instance's. */
export class Pieces {
  readonly #nowMs: () => number;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param nowMs monotonic clock, milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * Does `work` when its turn has come, until it returns. Rejects with what it throws, with a `BusyError`, or with the reason of
   * `signal`.
   */
  async do<T>(work: Generator<unknown, T>, signal: AbortSignal): Promise<T> {
    if (this.#waiting >= MOST_WAITING) throw new BusyError("too many ask for this already");
    this.#waiting++;
    const before = this.#last;
    const mine = before.then(() => this.#work(work, signal));
    this.#last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  async #work<T>(work: Generator<unknown, T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      const beganMs = this.#nowMs();
      do {
        const { done, value } = work.next();
        if (done) return value as T;
      } while (this.#nowMs() - beganMs < TURN_MS);
      await Bun.sleep(TURN_MS * REST);
    }
  }
}
