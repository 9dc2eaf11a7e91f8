/** Calls to something that stands one at a time: each begins when the one before it has ended, however that went. */

export class CallLine {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => {});
    return result;
  }
}
