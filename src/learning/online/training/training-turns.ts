/** Whose turn it is to train: one pool at a time, those that wait in the order in which they asked. */

export class TrainingTurns {
  readonly #waiting = new Set<object>();
  #training: object | null = null;

  /** True when it is the turn of `who`, who trains from now on until `end`; otherwise it waits in line. */
  take(who: object): boolean {
    this.#waiting.add(who); // one that waits already keeps its place
    if (this.#training !== null || this.#waiting.values().next().value !== who) return false;
    this.#waiting.delete(who);
    this.#training = who;
    return true;
  }

  /** It does not want to any more. A training that runs goes on. */
  withdraw(who: object): void {
    this.#waiting.delete(who);
  }

  /** Its training has ended. */
  end(who: object): void {
    if (this.#training === who) this.#training = null;
  }
}
