/** Changes of the instance, one after the other, with room for everything else between them. */

/** What a change is made by. Asked for again while it waits, it is done once: it looks at what there is when it begins. */
export type Change = () => Promise<void>;

/** One instance's. */
export class Turns {
  /** Lets events be handled that came meanwhile. */
  readonly #pause: () => Promise<void>;
  readonly #waiting = new Map<Change, Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  /**
   * @param pause resolves when events that came meanwhile were handled: changes that follow each other without a pause would
   * keep the process from noticing that a worker died, or that checks are due.
   */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  /** Does it when those asked for before are done. @returns when it is done, or has failed; it is its own to say so. */
  take(change: Change): Promise<void> {
    const waits = this.#waiting.get(change);
    if (waits !== undefined) return waits;
    const turn = this.#last.then(async () => {
      await this.#pause();
      this.#waiting.delete(change);
      await change();
    });
    this.#waiting.set(change, turn);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
