/**
 * What is done once at the end of a turn of the event loop, however often it was asked for: many requests share a connection of
 * HTTP/2, and what they have to say there leaves in one write.
 */

/** Who has left something for the end of the turn. */
export interface Deferred {
  /** The turn ends. Asked for again meanwhile, it is called again in the same turn. */
  onEndOfTurn(nowMs: number): void;
  /** It threw. */
  onInternalError(nowMs: number): void;
}

/** One worker's. */
export class EndOfTurn {
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  #waiting: Deferred[] = [];
  #isAsked = false;

  /**
   * @param now monotonic clock, milliseconds.
   * @param onError told what somebody threw; the others have their turn all the same.
   */
  constructor(now: () => number, onError: (error: unknown) => void) {
    this.#now = now;
    this.#onError = onError;
  }

  /** Calls `who` when everything that is ready now has been read. Whoever asks twice is called twice. */
  add(who: Deferred): void {
    this.#waiting.push(who);
    if (this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(this.#run);
  }

  readonly #run = (): void => {
    const nowMs = this.#now();
    for (let i = 0; i < this.#waiting.length; i++) {
      const who = this.#waiting[i];
      try {
        who.onEndOfTurn(nowMs);
      } catch (error) {
        this.#onError(error);
        who.onInternalError(nowMs);
      }
    }
    this.#waiting = [];
    this.#isAsked = false;
  };
}
