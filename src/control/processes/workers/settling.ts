/** Waits for all workers to go by what they were told. */

/** Nobody waits longer for a worker: one that hangs is ended elsewhere. */
const MAX_WAIT_MS = 5_000;

interface Wait<W> {
  /** Messages that each has still to answer, this one the last of them. */
  readonly missing: Map<W, number>;
  readonly done: () => void;
}

/** By worker, in the order of messages: each is answered once, the first one first. */
export class Settling<W> {
  readonly #unanswered = new Map<W, number>();
  readonly #waits = new Set<Wait<W>>();

  /** `workers` have been sent a message. Resolves when each has answered it, or has gone, or has had its time. */
  sent(workers: Iterable<W>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const missing = new Map<W, number>();
    for (const worker of workers) {
      const count = (this.#unanswered.get(worker) ?? 0) + 1;
      this.#unanswered.set(worker, count);
      missing.set(worker, count);
    }
    if (missing.size === 0) return Promise.resolve();
    const timer = setTimeout(() => wait.done(), MAX_WAIT_MS);
    const wait = {
      missing,
      done: () => {
        clearTimeout(timer);
        this.#waits.delete(wait);
        resolve();
      },
    };
    this.#waits.add(wait);
    return promise;
  }

  /** It has answered one. */
  answered(worker: W): void {
    const count = this.#unanswered.get(worker) ?? 0;
    if (count > 0) this.#unanswered.set(worker, count - 1);
    for (const { missing } of this.#waits) {
      const left = missing.get(worker);
      if (left === undefined) continue;
      if (left > 1) missing.set(worker, left - 1);
      else missing.delete(worker);
    }
    this.#finish();
  }

  /** It has gone: whoever comes instead is told everything when it starts. */
  gone(worker: W): void {
    this.#unanswered.delete(worker);
    for (const { missing } of this.#waits) missing.delete(worker);
    this.#finish();
  }

  #finish(): void {
    for (const { missing, done } of [...this.#waits]) if (missing.size === 0) done();
  }
}
