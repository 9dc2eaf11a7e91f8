/**
 * Answers that take long to find: who asks the same while one is being found waits for that one, and for a while after that gets
 * what was found. What nobody waits for any more is not found.
 */

/** How long, and how many. */
export interface KeptAnswersOptions {
  /** How old an answer may be, milliseconds. */
  readonly keepMs: number;
  /** Answers that are kept at most: the oldest goes. */
  readonly most: number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

interface Entry<T> {
  readonly answer: Promise<T>;
  readonly nobodyWaits: AbortController;
  waiting: number;
  /** When it was found; `null` = it is being found. */
  foundMs: number | null;
}

export class KeptAnswers<T> {
  readonly #options: KeptAnswersOptions;
  /** By question, in the order in which they were first asked. */
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: KeptAnswersOptions) {
    this.#options = options;
  }

  /**
   * The answer to `question`. Rejects as `find` does (that is not kept), or with the signal's reason.
   * @param signal aborted = this one does not wait any more.
   * @param find told by its own signal that nobody does.
   */
  async get(question: string, signal: AbortSignal, find: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    this.#forgetOld();
    const entry = this.#entries.get(question) ?? this.#begin(question, find);
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    entry.waiting++;
    try {
      return await Promise.race([entry.answer, left]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--entry.waiting === 0 && entry.foundMs === null) {
        this.#forget(question, entry);
        entry.nobodyWaits.abort();
      }
    }
  }

  #begin(question: string, find: (signal: AbortSignal) => Promise<T>): Entry<T> {
    this.#makeRoom();
    const nobodyWaits = new AbortController();
    const answer = find(nobodyWaits.signal);
    const entry: Entry<T> = { answer, nobodyWaits, waiting: 0, foundMs: null };
    this.#entries.set(question, entry);
    answer.then(
      () => {
        entry.foundMs = this.#options.nowMs();
      },
      () => this.#forget(question, entry),
    );
    return entry;
  }

  #forget(question: string, entry: Entry<T>): void {
    if (this.#entries.get(question) === entry) this.#entries.delete(question);
  }

  #forgetOld(): void {
    const { keepMs, nowMs } = this.#options;
    const now = nowMs();
    for (const [question, { foundMs }] of this.#entries) {
      if (foundMs !== null && now - foundMs >= keepMs) this.#entries.delete(question);
    }
  }

  /** Those that are still being found stay: somebody waits for them. */
  #makeRoom(): void {
    for (const [question, { foundMs }] of this.#entries) {
      if (this.#entries.size < this.#options.most) return;
      if (foundMs !== null) this.#entries.delete(question);
    }
  }
}
