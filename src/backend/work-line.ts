/** A first-in, first-out line before N workers: what makes a server for trials slow under load, as a small machine is. */

/** Thrown by `WorkLine.enter` when the line is full or the one who waits gave up. */
export class LineLeft extends Error {
  override readonly name = "LineLeft";
}

interface Waiting {
  readonly start: () => void;
  left: boolean;
}

export class WorkLine {
  #workers: number;
  readonly #maxWaiting: number;
  #busy = 0;
  #waiting: Waiting[] = [];
  #gone = 0;

  /** @param workers how many at once, 0 = no limit. @param maxWaiting the longest line. */
  constructor(workers: number, maxWaiting = 10_000) {
    this.#workers = workers;
    this.#maxWaiting = maxWaiting;
  }

  /** Those being worked on. */
  get busy(): number {
    return this.#busy;
  }

  /** Those in line. */
  get waiting(): number {
    return this.#waiting.length - this.#gone;
  }

  /** Changes the number of workers: more take the next in line at once, fewer finish what they have first. */
  setWorkers(workers: number): void {
    this.#workers = workers;
    this.#admit();
  }

  /**
   * Resolves when a worker takes the caller, who then owes one `leave()`.
   * Rejects with `LineLeft` when the line is full, or when `signal` aborts before the caller's turn.
   */
  enter(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(new LineLeft("gave up"));
    if (this.#hasRoom()) {
      this.#busy++;
      return Promise.resolve();
    }
    if (this.waiting >= this.#maxWaiting) return Promise.reject(new LineLeft("the line is full"));
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.left = true;
        this.#gone++;
        // Those who left stay in the array until their turn comes, unless they are most of it.
        if (this.#gone > 64 && this.#gone * 2 > this.#waiting.length) this.#sweep();
        reject(new LineLeft("gave up"));
      };
      const waiting: Waiting = {
        left: false,
        start: () => {
          signal?.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /** The worker is done with one. */
  leave(): void {
    this.#busy--;
    this.#admit();
  }

  #hasRoom(): boolean {
    return this.#workers === 0 || this.#busy < this.#workers;
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      const next = this.#waiting.shift()!;
      if (next.left) {
        this.#gone--;
        continue;
      }
      this.#busy++;
      next.start();
    }
  }

  #sweep(): void {
    this.#waiting = this.#waiting.filter((one) => !one.left);
    this.#gone = 0;
  }
}
